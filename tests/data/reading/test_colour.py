"""Colour, channel by channel, against Pillow and by hand; the same for files, arrays and manifests."""

import cv2
import nibabel
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fusionmedclip.data import ImageSettings, ReadSettings, load_images, read_image
from fusionmedclip.data.reading.pixels import prepare_pixels
from fusionmedclip.data.reading.read import read_colour, read_with_mask
from fusionmedclip.errors import InputError
from fusionmedclip.luma import as_grey

COLOUR = ImageSettings(colour=True)


@pytest.fixture
def colours(picture) -> np.ndarray:
    return np.stack([picture(1), picture(2), picture(3)], axis=-1)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "L", "LA", "1"])
def test_modes_of_pillow(tmp_path, colours, mode):
    image = Image.fromarray(colours).convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    image.save(path)
    expected = np.asarray(Image.open(path).convert("RGB")) / np.float32(255)
    np.testing.assert_allclose(read_colour(path), expected, atol=1e-6)


def test_sixteen_bits_a_channel(tmp_path, colours):
    deep = colours.astype(np.uint16) * 257
    assert cv2.imwrite(str(tmp_path / "a.png"), deep[..., ::-1])
    np.testing.assert_allclose(read_colour(tmp_path / "a.png"), deep / 65535, atol=1e-6)


def test_a_volume_of_colours(tmp_path):
    stored = np.random.default_rng(0).integers(0, 256, (6, 5, 1, 3)).astype(np.uint8)
    voxels = np.zeros((6, 5, 1), dtype=[(c, "u1") for c in "RGB"])
    for index, name in enumerate("RGB"):
        voxels[name] = stored[..., index]
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / "a.nii.gz")
    settings = ReadSettings(value_range=(0, 255), square_pixels=False)
    read = read_colour(tmp_path / "a.nii.gz", settings=settings)
    for index, channel in enumerate(("red", "green", "blue")):
        voxels = nibabel.Nifti1Image(stored[..., index], np.eye(4))
        nibabel.save(voxels, tmp_path / f"{channel}.nii.gz")
        np.testing.assert_allclose(
            read[..., index], read_image(tmp_path / f"{channel}.nii.gz", settings=settings), atol=1e-6
        )


def test_a_dicom_in_colour(write_dicom, tmp_path, colours):
    path = write_dicom(tmp_path / "a.dcm", colours)
    np.testing.assert_allclose(read_colour(path), colours / 255, atol=1e-6)
    np.testing.assert_allclose(
        read_image(path, settings=ReadSettings(channel="green")), colours[..., 1] / 255
    )


def test_one_channel(tmp_path, colours):
    Image.fromarray(colours).save(tmp_path / "a.png")
    for index, channel in enumerate(("red", "green", "blue")):
        read = read_image(tmp_path / "a.png", settings=ReadSettings(channel=channel))
        np.testing.assert_allclose(read, colours[..., index] / 255, atol=1e-7)
    with pytest.raises(InputError, match=r"(?s)channel.*'alpha'.*luma, red, green, blue"):
        ReadSettings(channel="alpha")


def test_turned_pictures_and_their_masks(tmp_path, colours):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(colours).save(tmp_path / "a.png", exif=exif)
    stored = np.zeros(colours.shape[:2], np.uint8)
    stored[:4, :6] = 255
    Image.fromarray(stored).save(tmp_path / "mask.png")
    image, mask = read_with_mask(tmp_path / "a.png", [tmp_path / "mask.png"], colour=True)
    np.testing.assert_allclose(image, np.rot90(colours, -1) / 255, atol=1e-6)
    np.testing.assert_array_equal(mask, np.rot90(stored, -1) > 0)


def test_files_and_arrays_of_the_same_pixels_agree(tmp_path, colours):
    Image.fromarray(colours).save(tmp_path / "a.png")
    from_path = load_images([tmp_path / "a.png"], 24, form=COLOUR)
    assert from_path.shape == (1, 24, 24, 3)
    np.testing.assert_array_equal(load_images(colours[None], 24, form=COLOUR), from_path)
    np.testing.assert_allclose(
        load_images(colours[None] / np.float32(255), 24, form=COLOUR), from_path, atol=1e-6
    )
    grey = load_images(colours[None, ..., 0], 24, form=COLOUR)
    np.testing.assert_array_equal(grey[..., 0], load_images(colours[None, ..., 0], 24)[0][None])
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    # Resizing and luma are both linear: in either order, but for Pillow's rounding of the luma to 8 bits.
    plain, coloured = (ImageSettings(kernel="bilinear", colour=colour) for colour in (False, True))
    luma = as_grey(load_images(colours[None], 24, form=coloured))
    np.testing.assert_allclose(luma, load_images(colours[None], 24, form=plain), atol=0.6 / 255)


def test_prepared_images_in_colour(tmp_path, colours):
    Image.fromarray(colours).save(tmp_path / "a.png")
    Image.fromarray(colours[..., 0]).save(tmp_path / "b.png")
    manifest = pd.DataFrame({"file": ["a.png", "b.png"], "mask": ""})
    images, masks = prepare_pixels(manifest, tmp_path, 20, form=COLOUR)
    assert (images.shape, masks.shape) == ((2, 20, 20, 3), (2, 20, 20))
    expected = load_images([tmp_path / "a.png", tmp_path / "b.png"], 20, form=COLOUR)
    np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [24, 96])
def test_kernels_are_those_of_torch(picture, kernel, antialias, size):
    """torch's antialiased kernels are Pillow's (a = -0.5), its others OpenCV's (a = -0.75)."""
    torch = pytest.importorskip("torch")
    image = picture(1, (57, 64)).astype(np.float32) / 255
    form = ImageSettings(kernel=kernel, antialias=antialias)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None, None], size=(size, size), mode=kernel, antialias=antialias
    )[0, 0]
    np.testing.assert_allclose(
        load_images(image[None], size, form=form)[0], expected.clamp(0, 1).numpy(), atol=2e-4
    )


def test_a_kernel_that_there_is_not():
    with pytest.raises(InputError, match=r"(?s)images\.kernel.*'lanczos'.*bicubic, bilinear"):
        ImageSettings(kernel="lanczos")
