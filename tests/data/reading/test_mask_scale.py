"""One rule for masks of every type of number: lesion is above half of full scale."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data import ReadSettings, read_mask
from fusionmedclip.data.curation.mask_looks import mask_look
from fusionmedclip.errors import InputError

NONZERO = ReadSettings(mask="nonzero")


def _mask(path: Path, value: float, dtype: type) -> Path:
    """20 x 20 with a square of 5 x 5."""
    pixels = np.zeros((20, 20), dtype)
    pixels[5:10, 5:10] = value
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    ("dtype", "value", "counts"),
    [
        (np.uint8, 1, False), (np.uint8, 127, False), (np.uint8, 128, True), (np.uint8, 255, True),
        (np.uint16, 1, False), (np.uint16, 255, False), (np.uint16, 32768, True), (np.uint16, 65535, True),
        (np.int32, 1, False), (np.int32, 127, False), (np.int32, 128, True), (np.int32, 255, True),
        (np.int32, 256, False), (np.int32, 40000, True),
        (np.float32, 0.1, False), (np.float32, 0.5, False), (np.float32, 0.6, True), (np.float32, 1, True),
        (np.float32, 2, False), (np.float32, 127, False), (np.float32, 255, True), (np.float32, 40000, True),
    ],
)  # fmt: skip
def test_half_of_full_scale_whatever_the_type(
    tmp_path: Path, dtype: type, value: float, counts: bool
) -> None:
    path = _mask(tmp_path / "a.tif", value, dtype)
    assert read_mask(path).sum() == (25 if counts else 0)
    assert read_mask(path, settings=ReadSettings(mask="dark")).sum() == (375 if counts else 400)
    assert read_mask(path, settings=NONZERO).sum() == 25
    look = mask_look(path, ReadSettings())
    assert look.kind == ("" if counts else "mask_levels")
    assert counts or f"{value:g}" in look.says
    assert not mask_look(path, NONZERO).kind


@pytest.mark.parametrize(
    ("dtype", "value"),
    [(np.int32, -1), (np.int32, 70000), (np.float32, -0.5), (np.float32, 1e6), (np.float32, np.nan)],
)
def test_values_that_no_mask_has_are_refused(tmp_path: Path, dtype: type, value: float) -> None:
    path = _mask(tmp_path / "a.tif", value, dtype)
    with pytest.raises(InputError, match=r"a\.tif: values that no mask has"):
        read_mask(path)
    if np.isfinite(value):
        assert not mask_look(path, NONZERO).kind
        assert read_mask(path, settings=NONZERO).sum() == 25
    else:
        with pytest.raises(InputError, match=r"a\.tif: holds NaN"):
            read_mask(path, settings=NONZERO)
