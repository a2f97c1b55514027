"""The formats that a table is printed in, beside its CSV: what writes each, by the suffix of its files."""

from importlib import import_module
from typing import TYPE_CHECKING

from fusionmedclip.reporting.tables.appendix import APPENDIX

if TYPE_CHECKING:
    from fusionmedclip.reporting.tables.grid import Grid

__all__ = ["FORMATS", "files_of", "printed"]

FORMATS = {
    ".md": "fusionmedclip.reporting.tables.markdown:grid_markdown",
    ".tex": "fusionmedclip.reporting.tables.latex:grid_latex",
    ".html": "fusionmedclip.reporting.tables.html:grid_page",
}
"""Functions of a :class:`fusionmedclip.reporting.tables.grid.Grid` that return a file's text."""

_OF_TEXT = (".csv", ".md", ".tex", ".html")


def files_of(table: str) -> list[str]:
    """Names of a table's files, its record apart; Tables A1 to A3 have formats of their own."""
    return [f"{table}{suffix}" for suffix in (_OF_TEXT if table in APPENDIX else (".csv", *FORMATS))]


def printed(grid: "Grid", suffix: str) -> str:
    """A table in one format."""
    module, _, name = FORMATS[suffix].partition(":")
    return getattr(import_module(module), name)(grid)
