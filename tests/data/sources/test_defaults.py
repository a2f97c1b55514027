"""The defaults that a source is compared by are those that it is read by."""

from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data.sources.captions import CaptionSource
from fusionmedclip.data.sources.chexpert import PATHOLOGIES
from fusionmedclip.data.sources.defaults import resolved_captions, resolved_source
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.settings import OFF


def _folder(root):
    for name in ("a/1.png", "a/1_mask.png", "b/2.png"):
        (root / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8), 9, np.uint8)).save(root / name)
    return {"kind": "folder", "path": str(root), "normal": "a", "abnormal": ["b"]}


def _chexpert(root):
    lines = [",".join(["Path", "Frontal/Lateral", "No Finding", *PATHOLOGIES])]
    for patient in range(800):
        name = f"CheXpert-v1.0-small/train/patient{patient:05}/study1/view1_frontal.jpg"
        (root / name).parent.mkdir(parents=True)
        (root / name).touch()
        ill = patient % 3 == 0
        cells = ["" if ill else "1.0", *(["1.0" if ill else ""] + [""] * (len(PATHOLOGIES) - 1))]
        lines.append(",".join([name, "Frontal", *cells]))
    (root / "train.csv").write_text("\n".join(lines) + "\n")
    (root / "train").mkdir()
    return {"kind": "chexpert", "path": str(root)}


@pytest.mark.parametrize("make", [_folder, _chexpert])
def test_a_source_with_its_defaults_lists_the_same(tmp_path, make):
    source = make(tmp_path)
    whole = resolved_source(source)
    assert len(whole) > len(source)
    given = {name: value for name, value in whole.items() if value is not None}
    found, again = (list_source(one).records for one in (source, given))
    assert found
    assert found == again


def test_masks_are_off_where_no_metric_needs_them():
    source = {"kind": "folder", "path": "x", "normal": ["a"], "masks": "m", "read": {"mask": "dark"}}
    whole = resolved_source(source)
    assert (whole["mask_folder"], whole["read"]["mask"]) == ("m", "dark")
    without = resolved_source(source, masks=False)
    assert (without["mask_folder"], without["mask_suffix"], without["read"]["mask"]) == (OFF, OFF, OFF)
    assert without["read"]["exif"] is True


def test_captions_have_the_defaults_of_their_reader():
    whole = resolved_captions({"kind": "roco", "path": "x"})
    assert whole == asdict(CaptionSource(kind="roco", path="x"))
