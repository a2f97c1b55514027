"""Pixels of a manifest at the working size."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data.reading.pixels import prepare_pixels
from fusionmedclip.data.sources.manifest import build_manifest
from fusionmedclip.errors import InputError


def test_order_shape_and_masks(source: dict, folder: Path) -> None:
    manifest = build_manifest(source, dataset="toy")
    images, masks = prepare_pixels(manifest, folder, 20)
    assert images.shape == masks.shape == (10, 20, 20)
    assert images.dtype == np.float32
    assert masks.dtype == bool
    for index, file in enumerate(manifest["file"]):
        direct = Image.open(folder / file).convert("F").resize((20, 20), Image.Resampling.BICUBIC)
        np.testing.assert_allclose(images[index], np.clip(np.asarray(direct) / 255, 0, 1), atol=1e-5)
    assert masks[:4].any(axis=(1, 2)).all()
    assert not masks[4:].any()


def test_threads_do_not_change_pixels(source: dict, folder: Path) -> None:
    manifest = build_manifest(source, dataset="toy")
    one = prepare_pixels(manifest, folder, 20, threads=1)
    four = prepare_pixels(manifest, folder, 20, threads=4)
    np.testing.assert_array_equal(one[0], four[0])
    np.testing.assert_array_equal(one[1], four[1])


def test_file_that_changed_since(source: dict, folder: Path) -> None:
    manifest = build_manifest(source, dataset="toy")
    Image.new("L", (9, 9)).save(folder / "masks" / "abnormal_6.png")
    with pytest.raises(InputError, match=r"abnormal_6\.png.*differ in size"):
        prepare_pixels(manifest, folder, 20)
