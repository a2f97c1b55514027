"""Masks that are not masks, and what to do about each; a mask in order has no finding."""

from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data import ReadSettings, read_mask
from fusionmedclip.data.curation.check import check_dataset
from fusionmedclip.data.curation.mask_looks import mask_look

SETTINGS = ReadSettings()
DISC = (np.mgrid[:96, :96] - 48.0).transpose(1, 2, 0)
DISC = np.hypot(DISC[..., 0], DISC[..., 1]) < 20
RING = DISC & ~(cv2.erode(DISC.astype(np.uint8), np.ones((5, 5))) > 0)


def _save(path: Path, array: np.ndarray, **options) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def _paint(colour: tuple[int, int, int], *, on: np.ndarray = DISC) -> np.ndarray:
    picture = np.zeros((96, 96, 3), np.uint8)
    picture[on] = colour
    return picture


def _labels(*values: int, dtype: type = np.uint8) -> np.ndarray:
    """A disc whose halves hold two of the values."""
    labels = np.where(DISC, values[-1], 0).astype(dtype)
    labels[:48][DISC[:48]] = values[0]
    return labels


IN_ORDER = {
    "grey": DISC.astype(np.uint8) * 255,
    "grey of 16 bits": DISC.astype(np.uint16) * 65535,
    "one bit": DISC,
    "white in colour": _paint((255, 255, 255)),
    "bright colour": _paint((0, 255, 0)),
    "empty": np.zeros((96, 96), np.uint8),
    "two bright labels": _labels(128, 255),
}


@pytest.mark.parametrize("name", IN_ORDER)
def test_masks_in_order(tmp_path: Path, name: str) -> None:
    path = _save(tmp_path / "a.png", IN_ORDER[name])
    assert mask_look(path, SETTINGS).kind == ""
    np.testing.assert_array_equal(read_mask(path), DISC if name != "empty" else False)


def test_noise_of_a_jpeg_and_a_soft_edge_are_in_order(tmp_path: Path) -> None:
    grey = DISC.astype(np.uint8) * 255
    path = _save(tmp_path / "a.jpg", grey, quality=60)
    assert len(np.unique(np.asarray(Image.open(path)))) > 16
    assert mask_look(path, SETTINGS).kind == ""
    assert mask_look(path, ReadSettings(mask="nonzero")).says.endswith("noise counts as lesion")
    soft = np.asarray(Image.fromarray(grey[::3, ::3]).resize((96, 96), Image.Resampling.BILINEAR))
    assert mask_look(_save(tmp_path / "b.png", soft), SETTINGS).kind == ""


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (_labels(1, 1), "do not count as lesion: 1; 0 %"),
        (_labels(1, 2), "do not count as lesion: 1, 2; 0 %"),
        (_labels(85, 170), "do not count as lesion: 85; "),  # half of the lesion would be lost
        (_labels(3, 3, dtype=np.uint16), "do not count as lesion: 3; 0 %"),
    ],
)
def test_label_values(tmp_path: Path, labels: np.ndarray, says: str) -> None:
    path = _save(tmp_path / "a.png", labels)
    look = mask_look(path, SETTINGS)
    assert look.kind == "mask_levels"
    assert says in look.says
    mended = ReadSettings(mask="nonzero")
    assert mask_look(path, mended).kind == ""
    np.testing.assert_array_equal(read_mask(path, settings=mended), DISC)


@pytest.mark.parametrize("palette", [False, True])
@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 255), (128, 0, 0)])
def test_colours(tmp_path: Path, colour: tuple, palette: bool) -> None:
    path = tmp_path / "a.png"
    image = Image.fromarray(_paint(colour))
    (image.quantize(4) if palette else image).save(path)
    assert not read_mask(path).any()  # luma of pure red is 76
    look = mask_look(path, SETTINGS)
    assert look.kind == "mask_colours"
    assert str(colour) in look.says
    mended = ReadSettings(mask="nonzero")
    assert mask_look(path, mended).kind == ""
    np.testing.assert_array_equal(read_mask(path, settings=mended), DISC)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("colour", [(0, 255, 0), (255, 255, 255)])
def test_an_outline_drawn_on_the_picture(tmp_path: Path, picture, colour: tuple, suffix: str) -> None:
    overlay = np.stack([picture(0, (96, 96))] * 3, axis=-1)
    overlay[RING] = colour
    for settings in (SETTINGS, ReadSettings(mask="nonzero")):
        look = mask_look(_save(tmp_path / f"a.{suffix}", overlay), settings)
        assert look.kind == "mask_picture"
        assert "grey values" in look.says


def test_a_picture_as_nifti_or_dicom_mask(tmp_path: Path, write_dicom, picture) -> None:
    values = np.stack([picture(n, (16, 16)) for n in range(3)], axis=-1).astype(np.int16)
    labels = (values > 100).astype(np.int16) * 3
    for name, volume, kind in (("p", values, "mask_picture"), ("l", labels, "")):
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / f"{name}.nii.gz")
        assert mask_look(Path(f"{tmp_path}/{name}.nii.gz#slice=1"), SETTINGS).kind == kind
        assert mask_look(write_dicom(tmp_path / f"{name}.dcm", volume[..., 0]), SETTINGS).kind == kind


@pytest.fixture
def told(tmp_path: Path, picture):
    """What ``check`` says of a data set with one such mask for each of two lesions."""

    def check(drawn: np.ndarray, **read) -> str:
        for n in range(4):
            name = "normal" if n < 2 else "ill"
            (tmp_path / name).mkdir(exist_ok=True)
            _save(tmp_path / name / f"{n}.png", picture(n, (96, 96)))
        (tmp_path / "masks").mkdir(exist_ok=True)
        for n in (2, 3):
            _save(tmp_path / "masks" / f"{n}.png", drawn)
        keys = {"normal": ["normal"], "abnormal": ["ill"], "mask_folder": "masks", "read": read}
        report = check_dataset({"kind": "folder", "path": str(tmp_path), **keys})
        assert report.usable
        return report.text()

    return check


@pytest.mark.parametrize(
    ("mask", "mended", "title", "key"),
    [
        (_labels(1, 2), {"mask": "nonzero"}, "values are too small to count", "`read: {mask: nonzero}`"),
        (_paint((255, 0, 0)), {"mask": "nonzero"}, "colours are too dark", "`read: {mask: nonzero}`"),
        (~DISC, {"mask": "dark"}, "or all around", "`read: {mask: dark}`"),
    ],
)
def test_check_names_the_key_that_mends_it(
    told, mask: np.ndarray, mended: dict, title: str, key: str
) -> None:
    said = told(mask)
    assert title in said
    assert key in said
    mended = told(mask, **mended)
    assert "A mask" not in mended
    assert "no pixel metrics" not in mended


def test_check_says_where_no_mask_has_a_lesion_pixel(told) -> None:
    assert "2 images with masks, none with a lesion pixel: no pixel metrics" in told(
        np.zeros((96, 96), np.uint8)
    )
    assert "lesion pixel" not in told(DISC)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_check_tells_of_pictures_turned_without_their_masks(
    tmp_path: Path, picture, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("normal", "ill", "masks"):
        (tmp_path / name).mkdir()
    _save(tmp_path / "normal" / "n.png", picture(0, (96, 96)))
    Image.fromarray(picture(1, (96, 96))).save(tmp_path / "ill" / "a.jpg", exif=exif)
    _save(tmp_path / "masks" / "a.png", DISC)
    source = {"kind": "folder", "path": str(tmp_path), "normal": ["normal"], "abnormal": ["ill"]}
    source |= {"mask_folder": "masks"}
    said = f"turned by its header (orientation {orientation}), its mask a.png otherwise (1)"
    assert (said in check_dataset(source).text()) == (orientation != 1)
    assert said not in check_dataset({**source, "read": {"exif": False}}).text()
    Image.fromarray(DISC).convert("L").save(tmp_path / "masks" / "a.png", exif=exif)
    assert said not in check_dataset(source).text()


def test_check_tells_of_stacks_and_of_masks_among_the_images(tmp_path: Path, picture) -> None:
    for name in ("normal", "ill"):
        (tmp_path / name).mkdir()
    pages = [Image.fromarray(picture(n)) for n in range(5)]
    pages[0].save(tmp_path / "normal" / "stack.tif", save_all=True, append_images=pages[1:])
    _save(tmp_path / "ill" / "scan.png", picture(9))
    _save(tmp_path / "ill" / "odd.png", _labels(100, 200))
    series = (
        np.stack([picture(n, (16, 16)) for n in range(6)], axis=-1).reshape(16, 16, 2, 3).astype(np.int16)
    )
    nibabel.save(nibabel.Nifti1Image(series, np.eye(4)), tmp_path / "ill" / "time.nii")
    source = {"kind": "folder", "path": str(tmp_path), "normal": ["normal"], "abnormal": ["ill"]}
    report = check_dataset(source)
    assert [f.message for f in report.curation.of_kind("few_levels")] == ["ill/odd.png"]
    said = [f.message for f in report.curation.of_kind("several_pictures")]
    assert said == [
        "1 files hold several pictures; the middle one is read (normal/stack.tif, ...; up to 5)",
        "1 files hold a series in time; its first volume is read (ill/time.nii, ...; up to 3)",
    ]
    every = check_dataset({**source, "slices": "all"})
    assert len(every.curation.of_kind("several_pictures")) == 1  # of the series in time
