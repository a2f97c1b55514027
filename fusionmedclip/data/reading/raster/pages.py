"""Which frames of a file are its pictures, and which are previews of them."""

from pathlib import Path

from PIL import Image

from fusionmedclip.data.reading.raster.tiff_tags import check_pages, tags_of
from fusionmedclip.errors import InputError

__all__ = ["picture_pages"]

_STACKS = (
    "TIFF",
    "GIF",
    "WEBP",
    "PNG",
)  # an MPO's second picture is a preview or another view
_SUBFILE_TYPE = 254  # TIFF 6.0
_REDUCED, _TRANSPARENCY = 1, 4


def picture_pages(path: Path, image: Image.Image) -> list[int]:
    """Numbers of the frames that are pictures of one stack, in order.

    Left out are a TIFF's reduced copies and transparency masks, as its pages say, and pages of at most half
    the width and half the height of the largest; of an animated PNG with a still picture all but that.

    Raises
    ------
    InputError
        When there are more pages than bytes; when those of a TIFF are pictures of several sizes, previews
        only, or the first of a stack whose others have no directory.
    """
    count = int(getattr(image, "n_frames", 1)) if image.format in _STACKS else 1
    if count > (size := path.stat().st_size):
        what = f"{path}: claims more pages than its bytes can hold"
        raise InputError(what, received=f"{count:,} in {size:,} bytes", hint="export it again")
    if image.format == "PNG" and getattr(image, "default_image", False):
        return [0]  # shown where animations are not, and no part of this one (PNG 3rd edition, 4.9)
    if count == 1 and image.format == "TIFF":
        check_pages(path, image)
    if count == 1 or image.format != "TIFF":
        return list(range(count))
    sizes = {}
    for page in range(count):
        image.seek(page)
        if not int(tags_of(image).get(_SUBFILE_TYPE, 0)) & (_REDUCED | _TRANSPARENCY):
            sizes[page] = image.size
    if not sizes:
        raise InputError(f"{path}: holds reduced copies only, not the picture", hint="export it again")
    width, height = max(sizes.values(), key=lambda size: size[0] * size[1])
    others = {size for size in sizes.values() if 2 * size[0] > width or 2 * size[1] > height}
    if len(others) > 1:
        raise InputError(
            f"{path}: pages of several sizes",
            received=", ".join(f"{across} x {down}" for across, down in sorted(others)),
            hint="save each page as a file of its own",
        )
    return [page for page, size in sizes.items() if size == (width, height)]
