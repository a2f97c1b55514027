"""JPEGs of which a part is missing: cut, closed again with an end mark, zeroed; and whole ones without it."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data import read_image
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator

END = b"\xff\xd9"
NOISE = generator(0, "jpeg noise").integers(0, 256, (64, 64, 4)).astype(np.uint8)
KINDS = {
    "plain": ("L", {}),
    "progressive": ("L", {"progressive": True}),
    "optimised": ("L", {"optimize": True}),
    "restarts": ("RGB", {"restart_marker_blocks": 4}),
    "colour": ("RGB", {"progressive": True, "subsampling": "4:2:0"}),
    "ink": ("CMYK", {}),
}
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) // 2],
    "cut and closed": lambda data: data[: len(data) // 2] + END,
    "cut late and closed": lambda data: data[:-20] + END,
    "zeroed": lambda data: data[: len(data) // 2] + bytes(len(data) // 2),
    "zeroed and closed": lambda data: data[: len(data) // 2] + bytes(len(data) // 2) + END,
    "hole": lambda data: data[: len(data) // 2] + bytes(600) + data[len(data) // 2 + 600 :],
}
WHOLE: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "no end mark": lambda data: data.removesuffix(END),
    "no end mark, padded": lambda data: data.removesuffix(END) + bytes(4000),
    "bytes behind the end mark": lambda data: data + b"camera maker's notes" * 9,
    "stray bytes before the end mark": lambda data: data.removesuffix(END) + b"12345" + END,
    "zeros before the end mark": lambda data: data.removesuffix(END) + bytes(4000) + END,
}


def _jpeg(kind: str) -> bytes:
    mode, options = KINDS[kind]
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    out = io.BytesIO()
    Image.fromarray(NOISE[..., :channels].squeeze(), mode).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_is_missing_is_refused(tmp_path: Path, kind: str, damage: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(DAMAGE[damage](_jpeg(kind)))
    with pytest.raises(InputError, match=r"a\.jpg: a part of the JPEG's picture is missing or damaged"):
        read_image(path)


@pytest.mark.parametrize("what", WHOLE)
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_picture_is_read_whatever_follows_it(tmp_path: Path, kind: str, what: str) -> None:
    data = _jpeg(kind)
    (tmp_path / "a.jpg").write_bytes(WHOLE[what](data))
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB").convert("L")) / np.float32(255)
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), expected)


def test_scans_of_a_progressive_picture_that_never_came(tmp_path: Path) -> None:
    """Cut just before a scan's mark, FF DA: what is there is a JPEG without fault, and coarse."""
    data = _jpeg("progressive")
    last = data.rindex(b"\xff\xda")
    tables = data.rindex(b"\xff\xc4", 0, last)  # of that scan
    (tmp_path / "a.jpg").write_bytes(data[:tables] + END)
    Image.open(tmp_path / "a.jpg").load()
    with pytest.raises(InputError, match=r"a\.jpg: (.|\n)*scans of 1 of 1 components did not come"):
        read_image(tmp_path / "a.jpg")
