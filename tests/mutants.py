"""Change the code by one operator or number at a time and run its tests; print what none of them notices.

``python -m tests.mutants [PART ...] [--each 60] [--seed 0]``: at most so many a module, drawn by a seed.
Each mutant is a fork of a process that has imported the libraries, and costs no more than its tests: those of
the module first, then those of the part.
"""

import argparse
import ast
import importlib
import importlib.machinery
import os
import random
import signal
import sys
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
}
"""Modules, and the tests that should notice."""

LIBRARIES = ("pytest", "hypothesis", "numpy", "pandas", "scipy.stats", "sklearn.metrics", "torch", "typer")
"""Imported before any fork."""

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
    import pytest

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    whole = importlib.machinery.SourceFileLoader.get_code
    importlib.machinery.SourceFileLoader.get_code = lambda self, name: (
        code if code is not None and self.path == str(path) else whole(self, name)
    )
    status = 1
    try:
        status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
    finally:
        os._exit(int(status))


def tests_of(path: Path, folder: str) -> list[list[str]]:
    """Tests of a module, then all of its part."""
    own = ROOT / folder / f"test_{path.stem}.py"
    return [[str(own)], [str(ROOT / folder)]] if own.exists() else [[str(ROOT / folder)]]


@cache
def seconds_of(tests: tuple[str, ...]) -> float:
    """How long a mutant is waited for: several times what its tests take as they stand."""
    began = time.monotonic()
    assert not noticed(ROOT, None, list(tests), 600), f"{tests} fail as they stand"
    return 10 + 5 * (time.monotonic() - began)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parts", nargs="*", default=list(PARTS))
    options.add_argument("--each", type=int, default=60)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", default="", help="modules whose name holds this")
    asked = options.parse_args()
    os.chdir(ROOT)
    for library in LIBRARIES:
        importlib.import_module(library)
    assert "fusionmedclip.metrics" not in sys.modules
    for part in asked.parts:
        pattern, folder = PARTS[part]
        made = survived = 0
        for path in sorted(p for p in ROOT.glob(pattern) if asked.only in p.stem):
            stages = tests_of(path, folder)
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
