"""What the cluster page says a rule asks for is what the rule asks for."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULE = re.compile(r"^rule (\w+):\n(.*?)(?=^\S)", re.MULTILINE | re.DOTALL)
LOOP = re.compile(r"^for _kind in DRAWN:\n\n    rule:\n        name:\n", re.MULTILINE)


def _asked() -> dict[str, tuple[int, int, bool]]:
    """Memory, minutes and whether a GPU is asked for, by rule that is submitted."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk"))) + "\nend"
    text, loops = LOOP.subn("rule figures:\n", text)  # one rule for each figure of the catalogue
    assert loops == 1
    local = set(
        re.findall(r"^    (\w+),$", "".join(re.findall(r"^localrules:\n((?:    .*\n)+)", text, re.M)), re.M)
    )
    found = {}
    for name, body in RULE.findall(text):
        memory = re.search(r"mem_mb=(?:lambda w, attempt: attempt \* )?(\d+)", body)
        minutes = re.search(r"runtime=(\d+)", body)
        if memory and minutes and name not in local and "localrule: True" not in body:
            found[name] = (int(memory[1]), int(minutes[1]), bool(re.search(r"^ +gpu=", body, re.M)))
    return found


def _told() -> dict[str, tuple[int, int, bool]]:
    """The same from the page."""
    found = {}
    page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    for cells in re.findall(r"^\| ([^|]+) \| ([\d,]+) \| ([\d,]+) \| (\d?) ?\|$", page, re.MULTILINE):
        memory, minutes = (int(cell.replace(",", "")) for cell in cells[1:3])
        names = re.findall(r"`(\w+)`", cells[0].replace("`processes`", ""))
        for name in names + (["figures"] if "figures" in cells[0] else []):
            found[name] = (memory, minutes, bool(cells[3]))
    return found


def test_the_page_says_what_the_rules_ask_for():
    """Every rule that is submitted, and no other."""
    told = {name: asked for name, asked in _told().items() if name != "make_trunk"}  # made from make_backbone
    assert told == _asked()


def test_runs_compile_nothing():
    """So jobs that share a card share no compile cache, as the page says."""
    page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    assert "compile nothing" in page.replace("\n", " ")
    compiles = re.compile(r"torch\.compile\(|jit\.(script|trace)\(|import triton|jiterator|cpp_extension")
    sources = list((ROOT / "fusionmedclip").rglob("*.py"))
    assert sources
    assert [path.name for path in sources if compiles.search(path.read_text(encoding="utf-8"))] == []
