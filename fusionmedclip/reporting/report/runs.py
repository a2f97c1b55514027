"""The report's sections on what the runs were made with, and how long they took."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from fusionmedclip.machine import machine_line
from fusionmedclip.reporting.figures.cost_accuracy import COSTS, cost_of
from fusionmedclip.reporting.page import table

__all__ = ["machine_section", "times_section"]


def machine_section(records: Sequence[Mapping]) -> str:
    """Commits, devices, machines, precisions and package versions of the runs, as HTML.

    Parameters
    ----------
    records : sequence of mappings
        Metrics files.
    """
    made = [record["provenance"] for record in records]
    commits = Counter(
        (p["commit"] or "outside a checkout")[:12] + (", with local changes" if p["dirty"] else "")
        for p in made
    )
    rows = [["commit", *pair] for pair in commits.most_common()]
    rows += [["device", *pair] for pair in Counter(p["device"] for p in made).most_common()]
    rows += [["machine", *pair] for pair in Counter(map(_machine, made)).most_common()]
    rows += [["precision", *pair] for pair in Counter(map(_precision, made)).most_common()]
    rows += [["Python", *pair] for pair in Counter(p["python"] for p in made).most_common()]
    packages = Counter((name, version) for p in made for name, version in p["packages"].items())
    rows += [[name, version, count] for (name, version), count in sorted(packages.items())]
    note = ""
    if len(commits) > 1:
        note = (
            "<p class='note'>Several commits: a run is made again only when code that it uses, a setting or "
            "an input has changed.</p>"
        )
    return table(["", "Version", "Runs"], rows, numbers=(2,)) + note


def _machine(provenance: Mapping) -> str:
    """Results of earlier versions do not say."""
    return machine_line(provenance["machine"]) if "machine" in provenance else "not recorded"


def _precision(provenance: Mapping) -> str:
    made = provenance.get("arithmetic", {"precision": "not recorded", "deterministic": True})
    return made["precision"] + ("" if made["deterministic"] else ", not deterministic")


def times_section(records: Sequence[Mapping], titles: Mapping[str, str]) -> str:
    """Time, memory and trained parameters of each method, as HTML.

    Parameters
    ----------
    records : sequence of mappings
        Metrics files.
    titles : mapping
        Of methods.
    """
    groups = defaultdict(list)
    for record in records:
        groups[record["settings"]["method"]["name"]].append(record)
    rows = []
    for method, made in groups.items():
        costs = [cost_of(record) for record in made]
        fit, score, memory, trained = ([cost[name] for cost in costs] for name in COSTS)
        rows.append(
            [
                titles.get(method, method),
                len(made),
                f"{np.median(fit):.1f}",
                f"{max(fit):.1f}",
                f"{np.median(score):.1f}",
                f"{max(memory):.2f}",
                f"{max(trained):,.0f}",
                f"{sum(r['timing']['fit_s'] + r['timing']['score_s'] for r in made) / 60:.1f}",
            ]
        )
    head = ["Method", "Runs", "Fit, s (median)", "Fit, s (longest)", "Score, ms an image (median)",
            "Peak memory, GiB", "Trained parameters", "All runs, min"]  # fmt: skip
    return table(head, rows, numbers=range(1, 8)) + (
        "<p class='note'>Wall time of the runs behind the tables, several at a time where the machine has "
        "the cores. Memory is the whole process's, so what a warm process holds counts too. Times are the "
        "only numbers here that differ between two runs of the same settings.</p>"
    )
