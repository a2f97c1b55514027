"""A table as LaTeX, to be read with ``\\input``; it needs the package booktabs alone."""

from fusionmedclip.reporting.status import STAND_IN, WITHOUT_NUMBER
from fusionmedclip.reporting.tables.grid import Grid, GridCell
from fusionmedclip.reporting.tables.latex_text import escaped, stacked

__all__ = ["PREAMBLE", "grid_latex"]

PREAMBLE = r"""% \documentclass{article}
% \usepackage{booktabs}
% \usepackage[a4paper,margin=15mm]{geometry}
% \begin{document}\input{NAME}\end{document}
"""
"""How to compile the file alone; NAME is the table's."""

_MOST = 7
"""Columns of numbers side by side; more go into a block beneath, so that a table fits a page."""


def grid_latex(grid: Grid) -> str:
    """Two printed lines a row: ours, best in bold and second underlined; the thesis's and the difference."""
    lines = [
        PREAMBLE.replace("NAME", grid.name) + r"\begin{table}[htbp]",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{escaped(grid.title)} ({escaped(grid.metric)}, \%).}}",
        rf"\label{{tab:{grid.name}}}",
    ]
    for start in range(0, len(grid.heads), _MOST):
        lines += [*_block(grid, slice(start, start + _MOST)), "", r"\medskip"]
    best = ["Best of a data set and k in bold, second underlined."] if grid.ranked else []
    lines.append(r"\raggedright\scriptsize")
    lines += [rf"{escaped(note)}\par" for note in [*best, *grid.apart, *grid.notes]]
    lines += [
        rf"\textsuperscript{{$\dagger${number}}} {escaped(note)}\par"
        for number, note in enumerate(grid.flags, start=1)
    ]
    lines.append(r"\end{table}")
    for title, said in grid.beneath:
        text = "\n".join(rf"{escaped(line)}\par" for line in said)
        lines.append(rf"{{\footnotesize\noindent\textbf{{{escaped(title)}}}\par" + f"\n{text}}}")
    return "\n".join(lines) + "\n"


def _block(grid: Grid, part: slice) -> list[str]:
    heads = grid.heads[part]
    printed = any(cell.thesis for _, cells in grid.lines for cell in cells)
    lines = [
        rf"\begin{{tabular}}{{{'l' * len(grid.labels)}{'c' * len(heads)}}}",
        r"\toprule",
        " & ".join([*map(escaped, grid.labels), *map(stacked, heads)]) + r" \\",
        r"\midrule",
    ]
    for labels, cells in grid.lines:
        lines.append(" & ".join([*map(escaped, labels), *map(_ours, cells[part])]) + r" \\")
        if printed:
            blank = [""] * (len(labels) - 1)
            lines.append(" & ".join([*blank, r"{\tiny thesis}", *map(_thesis, cells[part])]) + r" \\[2pt]")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _ours(cell: GridCell) -> str:
    flags = "".join(rf"\textsuperscript{{$\dagger${number}}}" for number in cell.flags)
    if cell.status in WITHOUT_NUMBER:
        return rf"\textit{{{cell.status}}}{flags}"
    ours = cell.mean + (rf" $\pm$ {cell.std}" if cell.std else "")
    ours = {0: ours, 1: rf"\textbf{{{ours}}}", 2: rf"\underline{{{ours}}}"}[cell.place]
    return ours + (r"\textsuperscript{*}" if cell.status == STAND_IN else "") + flags


def _thesis(cell: GridCell) -> str:
    if not cell.thesis:
        return ""
    figure = rf"{cell.thesis} $\pm$ {cell.thesis_std}" if cell.thesis_std else cell.thesis
    return rf"{{\tiny {figure}{f', ${cell.difference}$' if cell.difference else ''}}}"
