"""A table as Markdown, for reading in a terminal or a repository."""

from fusionmedclip.reporting.status import STAND_IN, WITHOUT_NUMBER
from fusionmedclip.reporting.tables.grid import Grid, GridCell

__all__ = ["grid_markdown"]


def grid_markdown(grid: Grid) -> str:
    """Ours in percent, best in bold and second in italics; then the thesis's figure and the difference."""
    head = [*grid.labels, *grid.heads]
    lines = [f"**{grid.title}** (metric: {grid.metric}, percent)", ""]
    lines += ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join([*labels, *map(_cell, cells)]) + " |" for labels, cells in grid.lines]
    lines.append("")
    if grid.ranked:
        lines.append("Best of a data set and k in bold, second in italics.")
    lines += [note.replace("* Stand-in", "\\* Stand-in") for note in (*grid.apart, *grid.notes)]
    if grid.flags:
        lines += ["", "What the thesis prints:", ""]
        lines += [f"- †{number} {note}" for number, note in enumerate(grid.flags, start=1)]
    for title, said in grid.beneath:
        lines += ["", title if title.endswith("?") else f"{title}:", "", *(f"- {text}" for text in said)]
    return "\n".join(lines) + "\n"


_SIGN = {"above": " ▲", "below": " ▼"}


def _cell(cell: GridCell) -> str:
    thesis = f"thesis {cell.thesis}" if cell.thesis else ""
    flags = "".join(f" †{number}" for number in cell.flags)
    if cell.status in WITHOUT_NUMBER:
        return (f"{cell.status} ({thesis})" if thesis else cell.status) + flags
    ours = f"{cell.mean} ± {cell.std}" if cell.std else cell.mean
    ours = {0: ours, 1: f"**{ours}**", 2: f"*{ours}*"}[cell.place]
    if thesis:
        ours += f" ({thesis}, {cell.difference}{_SIGN.get(cell.verdict, '')})"
    return ours + (" \\*" if cell.status == STAND_IN else "") + flags
