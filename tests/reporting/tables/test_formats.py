"""Markdown, LaTeX and HTML print the numbers of the CSV, mark the best, and colour what may be coloured."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pandas as pd
import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.tables.build import markdown
from fusionmedclip.reporting.tables.grid import make_grid, places
from fusionmedclip.reporting.tables.html import fragment_of, grid_html, html_page
from fusionmedclip.reporting.tables.latex import grid_latex
from fusionmedclip.reporting.tables.markdown import grid_markdown
from fusionmedclip.reporting.tables.row import COLUMNS
from fusionmedclip.reporting.thesis.contradictions import contradictions, flags_of
from fusionmedclip.reporting.thesis.paper import printed

METHODS = ("patchcore", "simplenet", "squid", "fusionmedclip")


def _table(*, name="table6", metric="image_auroc", status="ok", means=None):
    """Two data sets, two k, four methods; SQUID was not run, PatchCore and SimpleNet tie at busi, k = 4."""
    means = means or {
        ("busi", 4): (0.8004, 0.7996, None, 0.7123),
        ("busi", 16): (0.9, 0.85, None, 0.91),
        ("brainmri", 4): (0.5, 0.61, None, 0.6),
        ("brainmri", 16): (0.125, 0.61, None, 0.999),
    }
    lines = []
    for row, ((dataset, k), values) in enumerate(means.items(), start=1):
        for method, mean in zip(METHODS, values, strict=True):
            paper = printed(name, dataset, method, k, metric)
            line = {**dict.fromkeys(COLUMNS), "table": name, "row": row, "dataset": dataset, "method": method,
                    "k": k, "metric": metric, "n_seeds": 3, "backbone": "b", "split": "paper",
                    "status": status, "paper_mean": paper.mean, "paper_std": paper.std}  # fmt: skip
            ran = {"mean": mean, "std": 0.0123, "delta": mean - paper.mean} if mean is not None else {}
            lines.append({**line, **ran} if ran else {**line, "status": "not run", "n_seeds": 0})
    floats = ["mean", "std", "ci_low", "ci_high", "paper_mean", "paper_std", "delta"]
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype(dict.fromkeys(floats, float))


LOOK = {"title": "T & U", "titles": {"busi": "BUSI", "squid": "SQUID_1"}, "layout": "dataset_k"}


class Cells(HTMLParser):
    """Text, class and tags of each table cell."""

    def __init__(self, text):
        super().__init__()
        self.lines, self.inside, self.text = [], None, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.lines.append([])
        elif tag in ("td", "th"):
            self.inside = {"class": dict(attributes).get("class") or "", "tags": set(), "text": ""}
            self.lines[-1].append(self.inside)
        elif self.inside is not None:
            self.inside["tags"].add(tag)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = None

    def handle_data(self, data):
        if self.inside is not None:
            self.inside["text"] += data


def _wanted(table):
    """Lines of (mean, std, thesis, difference) as printed, by hand from the CSV's numbers."""
    lines = {}
    for _, row in table.iterrows():
        thesis = f"{row['paper_mean'] * 100:.1f}"
        ours = (f"{row['mean'] * 100:.1f}", f"{row['std'] * 100:.1f}", f"{row['delta'] * 100:+.1f}")
        lines.setdefault(row["row"], []).append((thesis, *(ours if row["status"] != "not run" else ())))
    return list(lines.values())


def test_markdown_has_the_numbers_of_the_csv():
    table = _table()
    found = []
    for line in markdown(table, **LOOK).splitlines():
        if line.startswith("| ") and "---" not in line and "Data set" not in line:
            cells = line.strip("| ").split(" | ")[2:]
            found.append([])
            for cell in cells:
                text = re.sub(r"\*|†\d+", "", cell)
                ours = re.match(r"(\S+) ± (\S+) \(thesis (\S+), (\S+)\)", text)
                none = re.match(r"not run \(thesis (\S+)\)", text)
                found[-1].append((ours[3], ours[1], ours[2], ours[4]) if ours else (none[1],))
    assert found == _wanted(table)


def test_latex_has_the_numbers_of_the_csv():
    table = _table()
    body = grid_latex(make_grid(table, **LOOK)).split(r"\midrule")[1].split(r"\bottomrule")[0]
    lines = [line.rsplit(r"\\", 1)[0].split(" & ") for line in body.strip().splitlines()]
    found = []
    for ours, thesis in zip(lines[::2], lines[1::2], strict=True):
        found.append([])
        for cell, printed_cell in zip(ours[2:], thesis[2:], strict=True):
            said = re.match(r"\{\\tiny (\S+) \$\\pm\$ [\d.]+(?:, \$(\S+)\$)?\}", printed_cell.strip())
            mean = re.search(r"(\d+\.\d) \$\\pm\$ (\d+\.\d)", cell)
            found[-1].append((said[1], mean[1], mean[2], said[2]) if mean else (said[1],))
    assert found == _wanted(table)


def test_latex_puts_many_columns_into_blocks_that_hold_each_cell_once():
    methods = [f"m{index:02}" for index in range(16)]
    lines = [
        {**dict.fromkeys(COLUMNS), "table": "t", "row": row, "dataset": dataset, "method": method, "k": 4,
         "metric": "image_auroc", "n_seeds": 3, "backbone": "b", "status": "ok", "std": 0.01,
         "mean": (16 * row + index) / 100}
        for row, dataset in ((1, "busi"), (2, "brainmri")) for index, method in enumerate(methods)
    ]  # fmt: skip
    table = pd.DataFrame(lines).astype({"paper_mean": float, "paper_std": float, "delta": float})
    latex = grid_latex(make_grid(table, **LOOK))
    assert [latex.count(method) for method in methods] == [1] * 16
    found = re.findall(r"(\d+\.0) \$\\pm\$", latex)
    assert sorted(map(float, found)) == [float(value) for value in range(16, 48)]
    assert max(line.count(" & ") for line in latex.splitlines()) <= 8


def test_html_has_the_numbers_of_the_csv():
    table = _table()
    found = []
    for line in Cells(grid_html(make_grid(table, **LOOK))).lines[1:]:
        found.append([])
        for cell in line[2:]:
            ours = re.match(r"([\d.]+) ± ([\d.]+).*?thesis ([\d.]+) ± [\d.]+ ([-+]?[\d.]+)", cell["text"])
            none = re.match(r"not run.*?thesis ([\d.]+)", cell["text"])
            found[-1].append((ours[3], ours[1], ours[2], ours[4]) if ours else (none[1],))
    assert found == _wanted(table)


# Best and second by hand. At busi, k = 4 the first two print 80.0: both are best and nobody is second.
MARKS = [["b", "b", "", ""], ["u", "", "", "b"], ["", "b", "", "u"], ["", "u", "", "b"]]


def test_best_and_second_are_marked_alike_in_every_format():
    table = _table()
    html = [
        ["".join(cell["tags"] & {"b", "u"}) for cell in line[2:]]
        for line in Cells(grid_html(make_grid(table, **LOOK))).lines[1:]
    ]
    assert html == MARKS
    latex = grid_latex(make_grid(table, **LOOK)).split(r"\midrule")[1].split(r"\bottomrule")[0].splitlines()
    found = [
        ["b" if r"\textbf" in c else "u" if r"\underline" in c else "" for c in line.split(" & ")[2:]]
        for line in latex
        if line and "tiny" not in line
    ]
    assert found == MARKS
    text = [
        line for line in markdown(table, **LOOK).splitlines() if line.startswith(("| BUSI", "| brainmri"))
    ]
    found = [
        ["b" if c.startswith("**") else "u" if c.startswith("*") else "" for c in line.split(" | ")[2:]]
        for line in text
    ]
    assert found == MARKS


def test_a_method_that_chose_by_the_test_set_is_never_best():
    table = _table()
    found = places(table, unranked=["fusionmedclip"])
    marked = {(table.at[i, "dataset"], table.at[i, "k"], table.at[i, "method"]): p for i, p in found.items()}
    assert marked["busi", 16, "patchcore"] == 1
    assert marked["busi", 16, "simplenet"] == 2
    assert not any(method == "fusionmedclip" for _, _, method in marked)


def _verdicts(table):
    """One of each kind at busi, k = 16; and nothing said of k = 4."""
    lines = [
        {"method": "patchcore", "verdict": "above", "ci_low": 0.001, "ci_high": 0.047, "p": 0.04},
        {"method": "simplenet", "verdict": "within", "ci_low": -0.05, "ci_high": 0.068, "p": 0.7},
        {"method": "fusionmedclip", "verdict": "below", "ci_low": -0.0094, "ci_high": -0.0006, "p": 0.01},
    ]
    silent = {"method": "patchcore", "k": 4, "verdict": "", "p": None}
    return pd.DataFrame(
        [{"dataset": "busi", "k": 16, **line} for line in lines] + [{"dataset": "busi", **silent}]
    )


def test_cells_are_coloured_with_a_sign_and_their_interval_and_stand_ins_are_not():
    table = _table()
    page = grid_html(make_grid(table, **LOOK, verdicts=_verdicts(table)))
    lines = Cells(page).lines
    found = [cell["class"].replace("n ", "") for cell in lines[2][2:]]
    assert found == ["above", "within", "not-run", "below"]
    assert [sign in cell["text"] for sign, cell in zip("▲≈▼", lines[2][2:4] + lines[2][5:], strict=True)] == [
        True
    ] * 3
    assert "above the thesis's mean: the difference is +0.1 to +4.7 points" in page
    assert "cannot be told from the thesis's mean: the difference is -5.0 to +6.8 points" in page
    assert {cell["class"] for cell in lines[1][2:]} == {"n", "n not-run"}
    text = markdown(table, **LOOK, verdicts=_verdicts(table))
    assert "(thesis 87.6, +2.4 ▲)" in text
    assert "(thesis 91.5, -0.5 ▼)" in text
    assert "(thesis 84.1, +0.9)" in text
    page = grid_html(make_grid(_table(status="stand-in"), **LOOK))
    kinds = {cell["class"] for line in Cells(page).lines[1:] for cell in line[2:]}
    assert kinds == {"n", "n not-run"}
    assert "No cell is coloured" in page


def test_contradictions_stand_at_their_cells_with_their_notes():
    assert flags_of("table7", "busi", "fusionmedclip", 4)[0].startswith(
        "Table 7's FusionMedCLIP column equals"
    )
    assert any("89.9" in note for note in flags_of("table7", "busi", "fusionmedclip", 16))
    assert not any("89.9" in note for note in flags_of("table7", "busi", "fusionmedclip", 4))
    assert any("54.3" in note for note in flags_of("table8", "brainmri", "clip", 16))
    assert not any("54.3" in note for note in flags_of("table8", "busi", "clip", 16))
    assert flags_of("table6", "chexpert", "patchcore", 16) == []
    assert flags_of("variants", "busi", "fusionmedclip", 16) == []
    note = "The same mean and deviation are printed as pixel AUROC in Table 7."
    table = _table()
    page = grid_html(make_grid(table, **LOOK))
    flagged = [[("†" in cell["text"]) for cell in line[2:]] for line in Cells(page).lines[1:]]
    assert flagged == [[False, False, False, True]] * 2 + [[False] * 4] * 2
    assert note in page
    text = markdown(table, **LOOK)
    assert f"- †1 {note}" in text
    assert text.count("†1") == 3
    latex = grid_latex(make_grid(table, **LOOK))
    assert note in latex
    assert latex.count(r"\textsuperscript{$\dagger$1}") == 3


def test_every_contradiction_speaks_of_printed_cells():
    """What the notes say is recomputed from the printed figures."""
    for entry in contradictions():
        metric = "pixel_auroc" if entry.table == "table7" else "image_auroc"
        if entry.dataset and entry.method and entry.k:
            assert printed(entry.table, entry.dataset, entry.method, int(entry.k), metric) is not None
    for k in (4, 8, 16, 32):
        six = printed("table6", "busi", "fusionmedclip", k, "image_auroc")
        assert printed("table7", "busi", "fusionmedclip", k, "pixel_auroc") == six

    def eight(dataset, method):
        return 100 * printed("table8", dataset, method, 16, "image_auroc").mean

    assert eight("brainmri", "fusionmedclip") - eight("brainmri", "clip") == pytest.approx(54.3)
    assert eight("brainmri", "fusionmedclip") - eight("brainmri", "roco_clip") == pytest.approx(37.4)
    assert eight("brainmri", "align_adapter") - eight("brainmri", "coop_umls") == pytest.approx(15.8)
    gains = [eight(d, "fusionmedclip") - eight(d, "align_adapter") for d in ("chexpert", "brainmri", "busi")]
    assert sum(gains) / 3 == pytest.approx(1.5)


def test_the_page_is_whole_and_gives_its_fragment_back(tmp_path):
    fragment = grid_html(make_grid(_table(), **LOOK))
    page = html_page(fragment, title="T & U")
    (tmp_path / "t.html").write_text(page)
    assert fragment_of(tmp_path / "t.html") == fragment
    assert "T &amp; U" in page
    assert not re.search(r"(src|href)=|url\(|@import|<script", page)
    (tmp_path / "other.html").write_text("<p>")
    with pytest.raises(InputError, match="no table"):
        fragment_of(tmp_path / "other.html")


def test_latex_compiles_with_booktabs_alone(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    said = ["50 % of a_b & c ± 1 told apart"]
    (tmp_path / "table6.tex").write_text(
        grid_latex(make_grid(_table(), beneath={"Can 50 % be told?": said}, **LOOK))
    )
    head = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{table6}\end{document}"
    (tmp_path / "main.tex").write_text(head)
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "main.tex"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "main.pdf").stat().st_size > 10_000


def test_what_a_method_does_not_define_stands_below_if_it_ran():
    notes = make_grid(_table(), **LOOK, ours={"patchcore": "a map", "squid": "was not run"}).notes
    assert "Not defined by the method itself, ours. patchcore: a map." in notes
    assert "Not defined" not in " ".join(make_grid(_table(), **LOOK, ours={"squid": "was not run"}).notes)


def test_a_cell_without_a_lesion_mask_says_so_in_every_format():
    table = _table(status="ok")
    empty = (table["method"] == "squid") & (table["dataset"] == "busi")
    table.loc[empty, "status"] = "no lesion mask"
    grid = make_grid(table, **LOOK)
    assert any("no tested image of BUSI has a lesion pixel" in note for note in grid.notes)
    for text in (grid_markdown(grid), grid_html(grid), "\n".join(grid_latex(grid).splitlines())):
        assert text.count("no lesion mask") == 2
        assert "not run" in text  # the other data set
    assert not any("lesion" in note for note in make_grid(_table(), **LOOK).notes)


def test_what_differs_from_the_protocol_stands_below_in_every_format():
    said = ["Every cell: optimiser epochs: 2 instead of 200.", "SQUID: width: 4 instead of 32."]
    beneath = {"In place of the thesis's protocol": said, "What else?": ["a & b"], "Nothing": []}
    grid = make_grid(_table(status="stand-in"), **LOOK, beneath=beneath)
    made = (grid_markdown(grid), grid_latex(grid), grid_html(grid))
    for text in made:
        assert "In place of the thesis's protocol" in text.replace("&#x27;", "'")
        assert all(line in text for line in said)
        assert text.index("What else?") > text.index(said[1])
        assert "Nothing" not in text
        assert "(listed beneath)" in text
    plain = make_grid(_table(), **LOOK)
    assert "In place of" not in markdown(_table(), **LOOK) + grid_html(plain) + grid_latex(plain)
