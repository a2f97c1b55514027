"""A saved model over files, as the command ``predict`` has it: check, then work, then write it whole."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.files.images import image_files
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reason
from fusionmedclip.models.device import torch_device
from fusionmedclip.outputs import SCORE_COLUMNS, check_outputs, score_files, whole_file
from fusionmedclip.training.estimator import FusionMedCLIP, Prediction
from fusionmedclip.training.saved import read_record

__all__ = ["predict_files"]


def predict_files(
    model: Path,
    images: Sequence[Path],
    out: Path,
    *,
    backbone: Path | None = None,
    mask_suffix: str | None = None,
    device: str = "cpu",
) -> tuple[list[Path], Path]:
    """Score images with a saved model: a CSV of image and score, and maps as one float32 array.

    Parameters
    ----------
    model : Path
        Folder that ``fit`` saved.
    images, mask_suffix
        See :func:`fusionmedclip.data.files.images.image_files`.
    out : Path
        See :func:`fusionmedclip.outputs.score_files`.
    backbone : Path, optional
        Where the frozen weights are now; see :meth:`FusionMedCLIP.load`.
    device : str
        See :func:`fusionmedclip.models.device.torch_device`.

    Returns
    -------
    files : list of Path
        What was scored.
    scores : Path
        The CSV.

    Raises
    ------
    InputError
        Before anything is computed, wherever that can be known.
    """
    read_record(model)  # what is wrong with the model is said before what is wrong with images
    files = image_files(images, mask_suffix=mask_suffix)
    scores, maps = score_files(out)
    read = [*files, *images, model, *(model.iterdir() if model.is_dir() else ())]
    check_outputs([scores, maps], inputs=read)
    fitted = FusionMedCLIP.load(model, backbone=backbone, device=torch_device(device))
    _write(fitted.predict(files), files, scores=scores, maps=maps)
    return files, scores


def _write(result: Prediction, files: Sequence[Path], *, scores: Path, maps: Path) -> None:
    """Write scores and maps; both take their names when both are whole."""
    rows = zip(map(str, files), result.scores, strict=True)
    table = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    try:
        with ExitStack() as stack:
            table.to_csv(stack.enter_context(whole_file(scores)), index=False, lineterminator="\n")
            if result.maps is not None:
                with stack.enter_context(whole_file(maps)).open("wb") as handle:
                    np.save(handle, result.maps)
    except (OSError, ValueError) as error:
        raise InputError(f"{scores}: cannot be written ({reason(error)})") from error
    if result.maps is None:
        maps.unlink(missing_ok=True)  # of an earlier result
