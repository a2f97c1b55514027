"""What was handed to an estimator: images, labels and parameters, checked before anything is computed."""

from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from fusionmedclip.data.files.kinds import split_slice
from fusionmedclip.data.reading.recombine import REDUCTIONS
from fusionmedclip.data.reading.volumes import slice_count
from fusionmedclip.errors import InputError
from fusionmedclip.lab.asked import MOST_AT_ONCE
from fusionmedclip.lab.colours import ask_about_colours

__all__ = ["check_parameters", "check_pictures", "images_given", "refuse_volume"]

_ALLOWED = "paths (files, folders), or an array (N, H, W) or (N, H, W, 3) of pictures"
_COUNTS = {"seed": 0, "folds": 0, "slices": 0, "batch_size": 1}


def images_given(X: Any) -> Any:
    """Images as a sequence: one path is a list of it, what can be walked through once is a list.

    Raises
    ------
    InputError
        For anything that holds no images.
    """
    if isinstance(X, str | Path):
        return [X]
    if isinstance(X, np.ndarray | list | tuple):
        return X
    if hasattr(X, "columns"):
        hint = "pass the column of paths: table['path'].tolist()"
        raise InputError("a table is no images", received=type(X).__name__, allowed=_ALLOWED, hint=hint)
    if hasattr(X, "__array__"):
        return np.asarray(X)
    if isinstance(X, bytes | Mapping | Set) or not isinstance(X, Iterable):  # a set has no order
        raise InputError("no images", received=type(X).__name__, allowed=_ALLOWED)
    return list(X)


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Refuse parameters of an estimator that mean nothing; those that are not given are not looked at.

    Raises
    ------
    InputError
    """
    if parameters.get("rule", REDUCTIONS[0]) not in REDUCTIONS:
        raise InputError("rule", received=parameters["rule"], allowed=", ".join(REDUCTIONS))
    for name, least in _COUNTS.items():
        value = parameters.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise InputError(name, received=value, allowed=f"a whole number, {least} or more")
    if parameters.get("batch_size", 1) > MOST_AT_ONCE:
        raise InputError("batch_size", received=parameters["batch_size"], allowed=f"1 to {MOST_AT_ONCE}")
    rate = parameters.get("false_positive_rate", 0.5)
    if not isinstance(rate, float | int | np.floating) or not 0 < rate < 1:
        raise InputError("false_positive_rate", received=rate, allowed="between 0 and 1")
    for name in ("half", "luma"):
        if not isinstance(parameters.get(name, False), bool | np.bool_):
            raise InputError(name, received=parameters[name], allowed="True or False")


def refuse_volume(item: str | Path) -> None:
    """Refuse a file of several slices, of which none is named: one row cannot stand for them.

    Raises
    ------
    InputError
        Saying how to name one, and how to score all.
    """
    file, index = split_slice(item)
    if index is None and (count := slice_count(file)) > 1:
        raise InputError(
            f"{file}: holds {count} slices, and one row cannot stand for them",
            hint=f"name one ({file}#slice={count // 2:04d}), or score all: fusionmedclip.lab.score_inputs",
        )


def check_pictures(pictures: Sequence, *, luma: bool) -> None:
    """Refuse files of several slices, and with ``luma`` false pictures in colour, files and arrays alike.

    Parameters
    ----------
    pictures : sequence of paths or of (H, W) or (H, W, 3 or 4) arrays
    luma : bool
        Whether colours are kept, or their luma is meant.

    Raises
    ------
    InputError
    """
    for number, item in enumerate(pictures):
        if isinstance(item, str | Path):
            refuse_volume(item)
            if not luma:
                ask_about_colours(split_slice(item)[0])
        elif not luma:
            ask_about_colours(np.asarray(item), f"images[{number}]")
