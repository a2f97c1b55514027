"""Change the code by one operator or number at a time and run its tests; print what none of them notices.

``python -m tests.mutants [PART ...] [--each 60] [--seed 0]``: at most so many a module, drawn by a seed.
Each mutant is a fork of a process that has imported what it does not change, and costs no more than its
tests: those of the module first, then those of the part.
"""

import argparse
import ast
import importlib
import importlib.machinery
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = {
    "metrics": ("fusionmedclip/metrics/*.py", "tests/metrics"),
    "splits": ("fusionmedclip/data/splits.py", "tests/data/test_splits.py"),
    "support": ("fusionmedclip/data/support.py", "tests/data/test_splits.py"),
    "verification": ("fusionmedclip/reporting/verification/*.py", "tests/reporting/verification"),
    "verdicts": ("fusionmedclip/reporting/comparisons/verdicts.py", "tests/reporting/comparisons"),
    "claims": ("fusionmedclip/reporting/claims/verdicts.py", "tests/reporting/claims"),
    "status": ("fusionmedclip/reporting/status.py", "tests/reporting/thesis"),
    "finished": ("fusionmedclip/reporting/finished.py", "tests/reporting/comparisons"),
}
"""Modules, and the tests that should notice."""

TESTS_OF = {
    "intervals": ("tests/metrics/test_bootstrap.py", "tests/metrics/test_over_seeds.py"),
    "collect": (
        "tests/reporting/verification/test_one_file.py",
        "tests/reporting/verification/test_command.py",
    ),
    "data_check": ("tests/reporting/verification/test_forged_data.py",),
    "digests": ("tests/reporting/verification/test_one_file.py",),
    "finished": ("tests/reporting/tables/test_build.py", "tests/reporting/thesis/test_images.py"),
    "findings": ("tests/reporting/verification/test_one_file.py",),
    "packing": ("tests/reporting/verification/test_command.py",),
    "recompute": (
        "tests/reporting/verification/test_command.py",
        "tests/reporting/verification/test_one_file.py",
    ),
    "run_check": ("tests/reporting/verification/test_forged_runs.py",),
    "run_files": (
        "tests/reporting/verification/test_trace.py",
        "tests/reporting/verification/test_one_file.py",
    ),
    "split_check": ("tests/reporting/verification/test_forged_runs.py",),
    "strays": ("tests/reporting/verification/test_one_file.py",),
    "table_check": ("tests/reporting/verification/test_forged_tables.py",),
    "text": ("tests/reporting/verification/test_command.py",),
    "verify": (
        "tests/reporting/verification/test_command.py",
        "tests/reporting/verification/test_one_file.py",
    ),
    "trace": (
        "tests/reporting/verification/test_trace.py",
        "tests/reporting/verification/test_forged_tables.py::test_trace_knows_which_runs_a_table_was_made_from",
    ),
    "versions": ("tests/reporting/verification/test_old_results.py",),
    "status": ("tests/reporting/thesis",),
    "split_draw": ("tests/metrics/test_replication.py", "tests/reporting/comparisons/test_verdicts.py"),
}
"""Of modules that have no test file of their own name."""

LIBRARIES = ("pytest", "hypothesis", "numpy", "pandas", "scipy.stats", "sklearn.metrics", "torch", "typer")
BELOW = {
    "verification": (
        "fusionmedclip.cli", "fusionmedclip.pipeline.backbones", "fusionmedclip.pipeline.datasets",
        "fusionmedclip.pipeline.measures", "fusionmedclip.pipeline.runs",
        "fusionmedclip.reporting.claims.request", "fusionmedclip.reporting.comparisons.statistics",
        "fusionmedclip.reporting.tables.appendix_formats", "fusionmedclip.reporting.tables.write",
    ),
}  # fmt: skip
"""Imported before any fork, the latter for a part alone: nothing of the part itself."""

FINISHED = "tests/reporting/verification/test_one_file.py::test_finished_results_hold_wherever_they_lie"
"""A test for which the results are made that tests of the part share: once, not for each mutant."""

PAIRS = (
    (ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.BitAnd, ast.BitOr), (ast.LShift, ast.RShift),
    (ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn),
    (ast.And, ast.Or),
)  # fmt: skip
ONE_WAY = {
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Not: ast.UAdd,
    ast.USub: ast.UAdd,
}
OTHER = {**dict(PAIRS), **{second: first for first, second in PAIRS}, **ONE_WAY}


@dataclass(frozen=True)
class Mutant:
    """One change: what and where, and how it is done to a tree."""

    line: int
    what: str
    apply: Callable[[ast.AST], None]


def mutants_of(tree: ast.AST) -> Iterator[tuple[int, Mutant]]:
    """Each change of a module, by the place of its node; nothing in annotations, texts and errors."""
    for place, node in enumerate(ast.walk(tree)):
        for field in ("op", "ops"):
            found = getattr(node, field, None)
            for at, op in enumerate(found if isinstance(found, list) else [found]):
                if type(op) in OTHER:
                    new = OTHER[type(op)]
                    what = f"{type(op).__name__} -> {new.__name__}"
                    yield place, Mutant(node.lineno, what, _operator(field, at, new))
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            new = not node.value if isinstance(node.value, bool) else node.value + 1
            yield place, Mutant(node.lineno, f"{node.value} -> {new}", _value(new))
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            yield place, Mutant(node.lineno, "not the condition", _negated)
        elif isinstance(node, ast.Return) and not isinstance(node.value, ast.Constant | None):
            yield place, Mutant(node.lineno, "return None", _nothing)


def _operator(field: str, at: int, new: type) -> Callable:
    def apply(node):
        if isinstance(getattr(node, field), list):
            node.ops[at] = new()
        else:
            setattr(node, field, new())

    return apply


def _value(new) -> Callable:
    return lambda node: setattr(node, "value", new)


def _negated(node) -> None:
    node.test = ast.UnaryOp(ast.Not(), node.test)


def _nothing(node) -> None:
    node.value = ast.Constant(None)


def changed(path: Path, place: int, mutant: Mutant):
    """Code of a module with one change."""
    tree = ast.parse(path.read_text())
    mutant.apply(list(ast.walk(tree))[place])
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


def noticed(path: Path, code, tests: list[str], seconds: float) -> bool:
    """Whether tests fail, or do not end, with a module's code replaced; in a fork."""
    child = os.fork()
    if child == 0:
        os.setsid()
        _in_child(path, code, tests)
    given_up = time.monotonic() + seconds
    while time.monotonic() < given_up:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _in_child(path: Path, code, tests: list[str]) -> None:
    """Never returns."""
    import hypothesis
    import pytest

    found_is_enough = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", phases=found_is_enough, database=None)
    hypothesis.settings.load_profile("mutants")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    whole = importlib.machinery.SourceFileLoader.get_code
    importlib.machinery.SourceFileLoader.get_code = lambda self, name: (
        code if code is not None and self.path == str(path) else whole(self, name)
    )
    status = 1
    try:
        args = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
        status = pytest.main(args, plugins=[Kept()])
    finally:
        os._exit(int(status))


class Kept:
    """Small results, made once, in place of the fixture that makes them."""

    results: Path | None = None

    def pytest_fixture_setup(self, fixturedef, request):
        if fixturedef.argname == "finished" and self.results:
            fixturedef.cached_result = (self.results, fixturedef.cache_key(request), None)
            return self.results
        return None


def tests_of(path: Path, folder: str) -> list[list[str]]:
    """Tests of a module, then all of its part."""
    own = [str(ROOT / test) for test in TESTS_OF.get(path.stem, [f"{folder}/test_{path.stem}.py"])]
    return (
        [own, [str(ROOT / folder)]]
        if all(os.path.exists(test.partition("::")[0]) for test in own)
        else [[str(ROOT / folder)]]
    )


@cache
def seconds_of(tests: tuple[str, ...]) -> float:
    """How long a mutant is waited for: several times what its tests take as they stand."""
    began = time.monotonic()
    assert not noticed(ROOT, None, list(tests), 600), f"{tests} fail as they stand"
    return 10 + 5 * (time.monotonic() - began)


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parts", nargs="*", default=list(PARTS))
    options.add_argument("--each", type=int, default=60)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", default="", help="modules whose name holds this")
    options.add_argument("--own", action="store_true", help="no tests but those of the module")
    asked = options.parse_args()
    os.chdir(ROOT)
    for library in LIBRARIES:
        importlib.import_module(library)
    for part in asked.parts:
        pattern, folder = PARTS[part]
        for library in BELOW.get(part, ()):
            importlib.import_module(library)
        assert not any(_name(path) in sys.modules for path in ROOT.glob(pattern)), "imported before a fork"
        if part == "verification":
            kept = Path(tempfile.mkdtemp())
            assert not noticed(ROOT, None, [FINISHED, f"--basetemp={kept / 'pytest'}"], 600)
            Kept.results = kept / "pytest/small0/results"
        made = survived = 0
        for path in sorted(p for p in ROOT.glob(pattern) if asked.only in p.stem):
            stages = tests_of(path, folder)[: 1 if asked.own else 2]
            patience = {tuple(tests): seconds_of(tuple(tests)) for tests in stages[:1]}
            every = list(mutants_of(ast.parse(path.read_text())))
            drawn = random.Random(asked.seed).sample(every, min(asked.each, len(every)))
            left = [
                m
                for m in drawn
                if not any(noticed(path, changed(path, *m), t, patience.get(tuple(t), 600)) for t in stages)
            ]
            for _, mutant in sorted(left, key=lambda m: m[1].line):
                print(f"{path.relative_to(ROOT)}:{mutant.line}: {mutant.what}", flush=True)
            print(f"# {path.stem}: {len(drawn)} of {len(every)} made, {len(left)} left", flush=True)
            made, survived = made + len(drawn), survived + len(left)
        print(f"## {part}: {made} made, {survived} left", flush=True)


if __name__ == "__main__":
    main()
