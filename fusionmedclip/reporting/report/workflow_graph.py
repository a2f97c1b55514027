"""The graph of the workflow, drawn: which stage reads what another made, and how many jobs each has."""

from collections.abc import Mapping
from html import escape

__all__ = ["LAYERS", "draw_workflow"]

LAYERS: tuple[tuple[str, ...], ...] = (
    ("acquire_dataset", "draw_phantoms", "draw_phantom_captions"),
    ("list_dataset", "make_backbone"),
    ("split_dataset", "prepare_dataset", "pretrain_backbone"),
    ("draw_support", "measure_dataset", "extract_features", "learn_from_others"),
    ("run_method",),
    ("compute_metrics",),
    ("build_row",),
    ("build_table",),
    ("figures", "verify_results"),
    ("write_report",),
)
"""Stages from top to bottom. All rules that draw a figure are one stage, ``figures``."""

EDGES: tuple[tuple[str, str], ...] = (
    ("acquire_dataset", "list_dataset"),
    ("draw_phantoms", "list_dataset"),
    ("draw_phantom_captions", "pretrain_backbone"),
    ("make_backbone", "pretrain_backbone"),
    ("make_backbone", "extract_features"),
    ("list_dataset", "split_dataset"),
    ("list_dataset", "prepare_dataset"),
    ("list_dataset", "measure_dataset"),
    ("split_dataset", "draw_support"),
    ("prepare_dataset", "extract_features"),
    ("pretrain_backbone", "extract_features"),
    ("make_backbone", "learn_from_others"),
    ("prepare_dataset", "learn_from_others"),
    ("split_dataset", "learn_from_others"),
    ("learn_from_others", "run_method"),
    ("draw_support", "run_method"),
    ("measure_dataset", "run_method"),
    ("extract_features", "run_method"),
    ("run_method", "compute_metrics"),
    ("compute_metrics", "build_row"),
    ("build_row", "build_table"),
    ("build_table", "figures"),
    ("build_table", "verify_results"),
    ("figures", "write_report"),
    ("verify_results", "write_report"),
)
"""What reads what; a path through another stage is not drawn again. A test compares it with Snakemake's."""

_WIDE, _HIGH, _GAP_X, _GAP_Y = 190, 44, 30, 34


def draw_workflow(jobs: Mapping[str, int]) -> str:
    """The graph as SVG.

    Parameters
    ----------
    jobs : mapping
        Stage to its count of jobs; a stage without any is left out.

    Returns
    -------
    str
        An ``<svg>`` element whose colours are the page's.
    """
    layers = [[stage for stage in layer if jobs.get(stage)] for layer in LAYERS]
    layers = [layer for layer in layers if layer]
    most = max(map(len, layers))
    width = most * _WIDE + (most + 1) * _GAP_X
    places = {}
    for row, layer in enumerate(layers):
        taken = len(layer) * _WIDE + (len(layer) - 1) * _GAP_X
        for column, stage in enumerate(layer):
            x = (width - taken) / 2 + column * (_WIDE + _GAP_X)
            places[stage] = (x, 4 + row * (_HIGH + _GAP_Y))
    height = 8 + len(layers) * (_HIGH + _GAP_Y) - _GAP_Y
    lines = [_line(places[a], places[b]) for a, b in EDGES if a in places and b in places]
    boxes = [_box(stage, jobs[stage], *place) for stage, place in places.items()]
    return (
        f"<svg viewBox='0 0 {width} {height}' width='{width}' role='img' "
        f"aria-label='Stages of the workflow'>{''.join(lines)}{''.join(boxes)}</svg>"
    )


def _line(start: tuple[float, float], end: tuple[float, float]) -> str:
    x1, y1 = start[0] + _WIDE / 2, start[1] + _HIGH
    x2, y2 = end[0] + _WIDE / 2, end[1]
    middle = (y1 + y2) / 2
    return f"<path d='M{x1:g} {y1:g} C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2:g}'/>"


def _box(stage: str, count: int, x: float, y: float) -> str:
    words = escape(stage.replace("_", " "))
    middle = x + _WIDE / 2
    return (
        f"<rect x='{x:g}' y='{y:g}' width='{_WIDE}' height='{_HIGH}' rx='6'/>"
        f"<text x='{middle:g}' y='{y + 19:g}' text-anchor='middle'>{words}</text>"
        f"<text x='{middle:g}' y='{y + 36:g}' text-anchor='middle' class='count'>"
        f"{count} {'job' if count == 1 else 'jobs'}</text>"
    )
