"""Images of every kind, as the fuzz test reads them."""

from pathlib import Path

import cv2
import nibabel
import numpy as np
from PIL import Image

from fusionmedclip.data import read_image, read_mask
from fusionmedclip.data.curation.mask_looks import mask_look
from fusionmedclip.data.curation.statistics import describe
from fusionmedclip.data.reading.nifti import nifti_volume_count
from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.data.reading.volumes import read_volume, slice_count
from fusionmedclip.randomness import generator
from tests.data.reading.raster.made import ORIENTATION, SUBFILE_TYPE, write_tiff
from tests.fuzz.target import Target

__all__ = ["TARGETS", "picture"]


def picture(key: int = 0, shape: tuple[int, int] = (40, 50)) -> np.ndarray:
    """Smooth random grey values, uint8: damage in a packed one is noticed by its decoder."""
    coarse = generator(key, "fuzz picture").integers(0, 256, (8, 8)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC))


def _read(file: Path, _: Path) -> None:
    """All that is done to one image file: picture, facts, mask and volume."""
    describe(file, read_image(file))
    read_mask(file)
    mask_look(file, ReadSettings())
    read_volume(file)
    slice_count(file)


def _read_nifti(file: Path, folder: Path) -> None:
    """The same; a mask of several volumes would be refused."""
    if nifti_volume_count(file) == 1:
        _read(file, folder)
    else:
        describe(file, read_image(file))
        read_volume(file)


def _png(folder: Path) -> list[Path]:
    grey = Image.fromarray(picture())
    colour = Image.merge("RGB", [Image.fromarray(picture(n)) for n in range(3)])
    made = {
        "grey": grey,
        "bits": grey.convert("1"),
        "palette": colour.quantize(20),
        "alpha": colour.convert("RGBA"),
    }
    for name, image in made.items():
        image.save(folder / f"{name}.png")
    deep = picture().astype(np.uint16) * 257
    cv2.imwrite(str(folder / "deep.png"), deep)
    cv2.imwrite(str(folder / "deep_colour.png"), np.stack([deep] * 3, axis=-1))
    grey.save(
        folder / "animated.png", save_all=True, append_images=[Image.fromarray(picture(n)) for n in (1, 2)]
    )
    return sorted(folder.iterdir())


def _jpeg(folder: Path) -> list[Path]:
    colour = Image.merge("RGB", [Image.fromarray(picture(n)) for n in range(3)])
    exif = Image.Exif()
    exif[0x0112] = 6
    colour.save(folder / "turned.jpg", exif=exif)
    colour.save(folder / "progressive.jpg", progressive=True)
    colour.convert("CMYK").save(folder / "cmyk.jpg")
    colour.convert("L").save(folder / "grey.jpg")
    colour.save(folder / "camera.jpg", "MPO", save_all=True, append_images=[colour.resize((12, 10))])
    return sorted(folder.iterdir())


def _tiff(folder: Path) -> list[Path]:
    grey, small = picture(), picture(1, (10, 12))
    pages = [Image.fromarray(picture(n)) for n in range(3)]
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        pages[0].save(folder / f"{packing}.tif", compression=packing, save_all=True, append_images=pages[1:])
    pages[0].convert("1").save(folder / "fax.tif", compression="group4")
    write_tiff(folder / "raw.tif", (grey, {ORIENTATION: 6}), (small, {SUBFILE_TYPE: 1}))
    write_tiff(folder / "deep.tif", (np.stack([grey.astype(np.uint16) * 257] * 3, axis=-1), {}))
    Image.fromarray(grey.astype(np.float32)).save(folder / "float.tif")
    return sorted(folder.iterdir())


def _others(folder: Path) -> list[Path]:
    pages = [Image.fromarray(picture(n)) for n in range(3)]
    for suffix in ("gif", "webp"):
        pages[0].save(folder / f"a.{suffix}", save_all=True, append_images=pages[1:])
    for suffix in ("bmp", "jp2", "pgm", "pbm"):
        (pages[0].convert("1") if suffix == "pbm" else pages[0]).save(folder / f"a.{suffix}")
    deep = picture().astype(np.uint16) * 16
    (folder / "deep.pgm").write_bytes(b"P5\n50 40\n4095\n" + deep.astype(">u2").tobytes())
    cv2.imwrite(
        str(folder / "deep.jp2"), np.stack([picture(3, (64, 64)).astype(np.uint16) * 257] * 3, axis=-1)
    )
    return sorted(folder.iterdir())


def _pair(folder: Path) -> list[Path]:
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(picture()).save(folder / "image.jpg", exif=exif)
    Image.fromarray((picture(1) > 150).astype(np.uint8) * 255).save(folder / "mask.png")
    return [folder / "image.jpg", folder / "mask.png"]


def _read_pair(file: Path, _: Path) -> None:
    image, mask = (
        file if file.name.endswith(name) else file.parent / name for name in ("image.jpg", "mask.png")
    )
    read_with_mask(image, [mask])


def _nifti(folder: Path) -> list[Path]:
    stack = np.stack([picture(n, (20, 24)) for n in range(5)], axis=-1)
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    colour = np.ascontiguousarray(np.stack([stack] * 3, axis=-1)).view([(c, "u1") for c in "RGB"])[..., 0]
    scaled = nibabel.Nifti1Image(stack.astype(np.int16), affine)
    scaled.header.set_slope_inter(2.0, -100.0)
    made = {
        "plain.nii": nibabel.Nifti1Image(stack, affine),
        "scaled.nii.gz": scaled,
        "flat.nii": nibabel.Nifti1Image(stack[..., 0], affine),
        "time.nii.gz": nibabel.Nifti1Image(np.stack([stack, stack], axis=-1).astype(np.float32), affine),
        "colour.nii": nibabel.Nifti1Image(colour, affine),
        "second.nii.gz": nibabel.Nifti2Image(stack.astype(np.float64), affine),
        "brain.mgz": nibabel.MGHImage(stack.astype(np.float32), affine),
        "spm.img": nibabel.Spm99AnalyzeImage(stack.astype(np.int16), affine),
    }
    for name, image in made.items():
        nibabel.save(image, folder / name)
    return [folder / name for name in made] + [folder / "spm.hdr"]


def _read_volume(file: Path, out: Path) -> None:
    """Analyze keeps header and pixels apart: either may be the damaged one."""
    if not file.name.endswith(("spm.img", "spm.hdr")):
        _read_nifti(file, out)
        return
    whole = file.with_name("spm.hdr" if file.suffix == ".img" else "spm.img")
    (out / f"{file.stem}{whole.suffix}").write_bytes(whole.read_bytes())
    (out / file.name).write_bytes(file.read_bytes())
    _read_nifti(out / f"{file.stem}.img", out)


TARGETS = (
    Target(name="PNG", write=_png, read=_read, tokens=(b"IHDR", b"PLTE", b"tRNS", b"acTL", b"IDAT", b"eXIf")),
    Target(name="JPEG", write=_jpeg, read=_read, tokens=(b"\xff\xda", b"\xff\xc0", b"\xff\xd9", b"Exif\0\0")),
    Target(name="TIFF", write=_tiff, read=_read, tokens=(b"II*\0", b"MM\0*", b"\x12\x01", b"\xfe\0")),
    Target(
        name="GIF, WebP, BMP, JPEG 2000, PNM", write=_others, read=_read, tokens=(b"\x2c", b"VP8L", b"ANMF")
    ),
    Target(name="picture with its mask", write=_pair, read=_read_pair),
    Target(name="NIfTI, MGH, Analyze", write=_nifti, read=_read_volume, tokens=(b"n+1\0", b"\0\0\xc0\x7f")),
)
