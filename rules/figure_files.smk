"""Each figure of the catalogue with its selection: what it is given, which files it reads and draws."""

from functools import partial
from typing import NamedTuple

from fusionmedclip.reporting.figures.catalogue import FIGURES


class Selection(NamedTuple):
    """What a figure is drawn from."""

    given: object  # a function of the wildcards, or pairs of a name and what is known of it
    names: list  # one figure each; without any the figure is not drawn
    one_for: str = ""  # wildcard of which each value has a job of its own; else one job draws all
    argument: str = "figures"  # under which the pairs are given


def pairs(found, *, argument="figures", single=False):
    """A selection of pairs, whose figures one job draws."""
    return Selection(found, [""] if single and found else [name for name, _ in found], argument=argument)


SELECTIONS = {
    "gallery": Selection(gallery, SHOWN, "dataset"),
    "synthesis_gallery": Selection(synthesis_gallery, [*filter(synthesis_run, SHOWN)], "dataset"),
    "stage1_curves": Selection(stage1_curves, TRAINED, "backbone"),
    "tables_by_k": pairs(tables("dataset_k"), argument="tables"),
    "tables_by_row": pairs(tables("method"), argument="tables"),
    "ranks": pairs(ranked(), argument="tables", single=True),
    "curve_scores": pairs(curve_scores()),
    "histogram_scores": pairs(histogram_scores()),
    "cost_records": pairs(cost_records(), single=True),
    "training_logs": pairs(training_logs()),
}
DRAWN = {kind: SELECTIONS[figure.reads] for kind, figure in FIGURES.items() if SELECTIONS[figure.reads].names}


def figure_arguments(kind, wildcards):
    """What a drawing function is given."""
    selected = DRAWN[kind]
    if selected.one_for:
        return {
            **selected.given(wildcards),
            "out": f"{RESULTS}/figures/{kind}_{wildcards[selected.one_for]}.png",
        }
    more = {} if selected.argument == "tables" else {"stand_in": stands_in(RUNS)}
    return {selected.argument: selected.given, "titles": TITLES, "folder": f"{RESULTS}/figures", **more}


def figure_params(kind, wildcards):
    """Parameters of a figure's rule."""
    return params(
        f"draw_{kind}", f"reporting.figures.{FIGURES[kind].draws}", **figure_arguments(kind, wildcards)
    )


def figure_inputs(kind, wildcards):
    """Files of results that a figure is drawn from."""
    return paths_in({**figure_arguments(kind, wildcards), "out": "", "folder": ""})


def paths_in(found):
    """Every path of results in nested lists and mappings."""
    if isinstance(found, str):
        return [found] if found.startswith(f"{RESULTS}/") else []
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, list) else []
    return [path for part in parts for path in paths_in(part)]


def figure_paths(kind):
    """PNGs and PDFs of all figures of a kind."""
    stems = [f"{kind}_{name}" if name else kind for name in DRAWN[kind].names]
    return [f"{RESULTS}/figures/{stem}.{format}" for format in ("png", "pdf") for stem in stems]


def figure_outputs(kind):
    """What a job of a kind draws; the PNGs are in snakemake --report."""
    one_for = DRAWN[kind].one_for
    names = [f"{{{one_for}}}"] if one_for else DRAWN[kind].names
    marked = partial(report, category="Figures", caption="captions/figure.rst")
    stems = {f"{kind}_{name}" if name else kind: {"of": name} if name else {} for name in names}
    shown = [
        marked(f"{RESULTS}/figures/{stem}.png", labels={"figure": FIGURES[kind].title, **of})
        for stem, of in stems.items()
    ]
    return shown + [f"{RESULTS}/figures/{stem}.pdf" for stem in stems]


def of_job(kind):
    """A job's place among logs."""
    return f"draw_{kind}/{{{DRAWN[kind].one_for}}}" if DRAWN[kind].one_for else f"draw_{kind}"
