"""Kinds of data sets and of captions, and what reads each.

Names written out: by this form :mod:`fusionmedclip.code_digest` knows an index, of which one entry is meant,
so that a further line makes no job run again.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["CAPTION_LAYOUTS", "SOURCE_KINDS", "reader"]

SOURCE_KINDS = {
    "folder": "fusionmedclip.data.sources.folder:list_folder",
    "csv": "fusionmedclip.data.sources.table:list_csv",
    "chexpert": "fusionmedclip.data.sources.chexpert:list_chexpert",
    "bmad": "fusionmedclip.data.sources.bmad:list_bmad",
}
"""Kind of a data set's source -> the function from a source to its listing."""

CAPTION_LAYOUTS = {
    "roco": "fusionmedclip.data.sources.caption_layouts:read_roco",
    "rocov2": "fusionmedclip.data.sources.caption_layouts:read_rocov2",
    "csv": "fusionmedclip.data.sources.caption_layouts:read_csv",
}
"""Layout of captions -> the function from a place to a table of them."""


def reader(entry: str) -> Callable[..., Any]:
    """The function that ``module:name`` means."""
    module, _, name = entry.partition(":")
    return getattr(import_module(module), name)
