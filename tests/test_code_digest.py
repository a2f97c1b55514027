"""Code digests: a small library and script, one edit at a time, and what each may and may not change."""

import ast
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fusionmedclip.baselines import KINDS
from fusionmedclip.code_digest import code_digest, reached
from fusionmedclip.methods import entry_points
from fusionmedclip.reporting.figures.catalogue import FIGURES

FILES = {
    "scripts/job.py": "from helper import run\n\nrun('lib.stage:work', 3)\n",
    "scripts/helper.py": "def run(name, value):\n    return name, value\n",
    "lib/__init__.py": "",
    "lib/stage.py": (
        '"""A stage."""\n'
        "from typing import TYPE_CHECKING\n"
        "from lib.parts import passed_on\n"
        "from lib import tools\n"
        "from .near import close\n"
        "if TYPE_CHECKING:\n"
        "    from lib.unused import Anything\n"
        "__all__ = ['work']\n"
        "FACTOR = 2\n"
        "\n"
        "def work(value: int) -> int:\n"
        '    """Say what it does."""\n'
        "    from lib.late import later\n"
        "    if value < 0:\n"
        "        raise InputError('too small', received=value, hint=_hint())\n"
        "    sum = passed_on(value) + tools.used() + close() + later() + FACTOR + Kept(1).total()\n"
        "    return sum + told(2, hint='or that')\n"
        "\n"
        "def _hint():\n"
        "    return 'take more'\n"
        "\n"
        "_AGAIN = 'try again'\n"
        "\n"
        "def told(value, *, hint='try this', other='that'):\n"
        "    what = f'value {value}'\n"
        "    kept = 'kept'\n"
        "    with reading(value, 'a number', hint=_AGAIN):\n"
        "        if value > 7:\n"
        "            warnings.warn('too large', stacklevel=2)\n"
        "            raise InputError(what, received=kept, hint=hint)\n"
        "    problems.add('a problem')\n"
        "    return kept, other, build(value, where='here', of='there')\n"
        "\n"
        "class Kept:\n"
        "    size: int\n"
        "    def __init__(self, size):\n"
        "        self.size = size\n"
        "    def total(self):\n"
        "        return self.size\n"
        "\n"
        "def another():\n"
        "    return 1\n"
    ),
    "lib/parts/__init__.py": "from lib.parts.deep import passed_on\n",
    "lib/parts/deep.py": (
        "from importlib.resources import files\n"
        "def passed_on(value):\n"
        "    return len((files('lib.parts') / 'facts.csv').read_text()) + value\n"
        "def patterned(kind):\n"
        "    return (files('lib.parts') / f'{kind}.txt').read_text()\n"
    ),
    "lib/parts/facts.csv": "a,b\n",
    "lib/parts/words.txt": "words\n",
    "lib/tools.py": "import lib.effects\ndef used():\n    return 1\ndef unused():\n    return 1\n",
    "lib/effects.py": "import sys\nsys.setrecursionlimit(900)\n",
    "lib/near.py": "def close():\n    return start('lib.started')\ndef start(x):\n    return ['-m', x]\n",
    "lib/started/__init__.py": "",
    "lib/started/__main__.py": "VALUE = 1\n",
    "lib/late.py": "from lib.choice import METHODS\ndef later():\n    return len(METHODS)\n",
    "lib/choice.py": "METHODS = {'one': 'lib.one:One', 'two': 'lib.two:Two'}\n",
    "lib/one.py": "from lib.base import Base\nclass One(Base):\n    pass\n",
    "lib/two.py": "class Two:\n    pass\n",
    "lib/base.py": "class Base:\n    def fit(self):\n        return 1\n",
    "lib/unused.py": "class Anything:\n    pass\n",
}


@pytest.fixture
def library(tmp_path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def edit(library: Path, name: str, old: str, new: str) -> None:
    path = library / name
    text = path.read_text()
    assert old in text
    before = path.stat().st_mtime_ns
    path.write_text(text.replace(old, new))
    os.utime(path, ns=(before + 10**9, before + 10**9))


def digest_of(library: Path) -> str:
    return code_digest(library / "scripts/job.py", ["lib.one:One"], package=library / "lib")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("scripts/job.py", "3", "4"),
        ("scripts/helper.py", "return name, value", "return value"),
        ("lib/stage.py", "= passed_on(value)", "= -passed_on(value)"),
        ("lib/stage.py", "FACTOR = 2", "FACTOR = 3"),
        ("lib/stage.py", "value < 0", "value < 1"),
        ("lib/stage.py", "return self.size", "return -self.size"),
        ("lib/stage.py", "size: int", "size: float"),  # settings are read by the types of their fields
        ("lib/parts/deep.py", "+ value", "- value"),  # passed on by its package
        ("lib/parts/facts.csv", "a,b", "a,c"),
        (
            "lib/tools.py",
            "def used():\n    return 1",
            "def used():\n    return 2",
        ),  # an attribute of a module
        ("lib/effects.py", "900", "901"),  # runs on import
        ("lib/near.py", "return start", "return 1 + start"),  # a relative import
        ("lib/near.py", "'-m'", "'-c'"),
        ("lib/started/__main__.py", "1", "2"),  # a process of its own
        ("lib/late.py", "len(METHODS)", "-len(METHODS)"),  # imported inside a function
        ("lib/stage.py", "'kept'", "'other'"),  # an error says it too
        ("lib/stage.py", "'that'", "'this'"),
        ("lib/stage.py", "'there'", "'anywhere'"),
        ("lib/stage.py", "hint='try this'", "tip='try this'"),
        ("lib/base.py", "return 1", "return 2"),  # what the chosen entry of an index is made of
    ],
)
def test_an_edit_of_what_runs_changes_it(library, name, old, new):
    before = digest_of(library)
    edit(library, name, old, new)
    assert digest_of(library) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("lib/stage.py", "FACTOR = 2", "FACTOR = 2  # a reason\n"),
        ("lib/stage.py", "Say what it does.", "Say it better."),
        ("lib/stage.py", "A stage.", "One stage."),
        ("lib/stage.py", "FACTOR = 2\n", 'FACTOR = 2\n"""What it is."""\n'),
        ("lib/stage.py", "'too small'", "'far too small'"),
        ("lib/stage.py", "'take more'", "'take less'"),  # only the text of an error asks for it
        ("lib/stage.py", "'try again'", "'once more'"),
        ("lib/stage.py", "'try this'", "'try something'"),
        ("lib/stage.py", "'or that'", "'or nothing'"),
        ("lib/stage.py", "'a number'", "'some number'"),
        ("lib/stage.py", "'too large'", "'far too large'"),
        ("lib/stage.py", "'a problem'", "'one problem'"),
        ("lib/stage.py", "f'value {value}'", "f'the value {value}'"),
        ("lib/stage.py", "'here'", "'somewhere'"),
        ("lib/stage.py", "['work']", "['work', 'another']"),
        ("lib/stage.py", "value: int", "value: float"),
        ("lib/stage.py", "def another():\n    return 1", "def another():\n    return 2"),
        ("lib/stage.py", "def another", "\n\n\ndef another"),
        ("lib/tools.py", "def unused():\n    return 1", "def unused():\n    return 2"),
        ("lib/choice.py", "}", ", 'three': 'lib.unused:Anything'}"),  # a further entry of an index
        ("lib/two.py", "pass", "x = 1"),  # an entry that was not chosen
        ("lib/unused.py", "pass", "x = 1"),  # for type checkers
        ("lib/parts/words.txt", "words", "other words"),
    ],
)
def test_an_edit_of_anything_else_does_not(library, name, old, new):
    before = digest_of(library)
    edit(library, name, old, new)
    assert digest_of(library) == before


def test_a_module_that_is_passed_on_counts_whole(library):
    edit(library, "lib/stage.py", "FACTOR = 2", "FACTOR = dir(tools)")
    before = digest_of(library)
    edit(library, "lib/tools.py", "def unused():\n    return 1", "def unused():\n    return 2")
    assert digest_of(library) != before


def test_a_file_named_by_a_pattern_counts(library):
    edit(
        library, "lib/stage.py", "import passed_on", "import passed_on\nfrom lib.parts.deep import patterned"
    )
    edit(library, "lib/stage.py", "FACTOR = 2", "FACTOR = patterned")
    before = digest_of(library)
    edit(library, "lib/parts/words.txt", "words", "other words")
    assert digest_of(library) != before


def test_editing_one_method_leaves_the_others_alone(root):
    script = root / "workflow_scripts/run_job.py"
    run = "fusionmedclip.pipeline.runs:run_method"
    ours = reached(script, [run, "fusionmedclip.training.estimator:FusionMedCLIP"])
    patchcore = reached(script, [run, "fusionmedclip.baselines.patchcore.detector:PatchCore"])
    assert "fusionmedclip.pipeline.runs:run_method" in ours.keys() & patchcore.keys()
    assert "fusionmedclip.models.similarity:aggregate" in ours
    assert not [
        name for name in patchcore if name.startswith(("fusionmedclip.training", "fusionmedclip.syn"))
    ]
    assert not [name for name in ours if name.startswith("fusionmedclip.baselines.patchcore.detector")]
    assert "models/prompts/data/umls.json" in ours
    assert "models/prompts/data/umls.json" not in patchcore


def test_no_word_that_reaches_an_error_of_ours_changes_any_digest(root, tmp_path):
    """Each text inside an error, in a hint, and under a name that is read in these alone, all at once."""
    before, after = tmp_path / "before", tmp_path / "after"
    changed = 0
    for source in sorted((root / "fusionmedclip").rglob("*.*")):
        if source.suffix == ".pyc":
            continue
        for place in (before, after):
            copy = place / source.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.suffix != ".py":
                shutil.copy(source, copy)
                continue
            tree = ast.parse(source.read_text())
            for node in _error_words(tree) if place is after else ():
                node.value += "~"
                changed += 1
            copy.write_text(ast.unparse(tree))
    for place in (before, after):
        shutil.copytree(root / "workflow_scripts", place / "workflow_scripts")
    assert changed > 1000
    rules = "".join(path.read_text() for path in (root / "rules").glob("*.smk"))
    called = [
        f"fusionmedclip.{name}" for name in re.findall(r'"((?:pipeline|reporting)\.[\w.]+:\w+)"', rules)
    ]
    called += [f"fusionmedclip.reporting.figures.{figure.draws}" for figure in FIGURES.values()]
    assert len(called) > 25
    chosen = [entry for kind in ("fusionmedclip", "file_statistic", *KINDS) for entry in entry_points(kind)]
    found = [
        reached(place / "workflow_scripts/run_job.py", [*called, *chosen], package=place / "fusionmedclip")
        for place in (before, after)
    ]
    assert {name.partition(":")[0] for name in called} <= {name.partition(":")[0] for name in found[0]}
    assert [name for name in found[0] if found[0][name] != found[1].get(name)] == []


def _error_words(tree: ast.Module) -> Iterator[ast.Constant]:
    nodes = list(ast.walk(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    words = [node for node in calls if getattr(node.func, "id", "") == "InputError"]
    words = [part for call in words for part in (*call.args, *call.keywords)]
    words += [keyword for call in calls for keyword in call.keywords if keyword.arg == "hint"]
    assigned = [n for n in nodes if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)]
    assigned = [n for n in assigned if isinstance(n.value, ast.Constant | ast.JoinedStr)]
    while True:
        inside = {id(node) for part in words for node in ast.walk(part)}
        read = [node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
        told = {node.id for node in read} - {node.id for node in read if id(node) not in inside}
        more = [n.value for n in assigned if n.targets[0].id in told and id(n.value) not in inside]
        if not more:
            constants = (node for node in nodes if isinstance(node, ast.Constant) and id(node) in inside)
            return (node for node in constants if isinstance(node.value, str))
        words += more
