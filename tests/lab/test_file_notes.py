"""What a file hides or holds besides is said beside its score."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.lab.inputs import find_inputs
from fusionmedclip.lab.reading import read_input

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def notes_of(path: Path) -> tuple[str, ...]:
    (given,) = find_inputs([path]).inputs
    return read_input(given, 32).notes


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_frames_of_an_animation_are_said_to_be_taken_for_slices(name: str, tmp_path: Path) -> None:
    frames = [Image.fromarray(((RAMP >> 4) + 20 * n).clip(0, 255).astype(np.uint8)) for n in range(3)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=100)
    assert notes_of(tmp_path / name) == ("an animation: its 3 frames are taken for the slices of a volume",)


def test_pages_of_a_tiff_are_slices_without_a_word(tmp_path: Path) -> None:
    frames = [Image.fromarray((RAMP >> 4).astype(np.uint8)) for _ in range(3)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    assert notes_of(tmp_path / "a.tif") == ()


@pytest.mark.parametrize(("rows", "said"), [(0, False), (16, True), (48, True)])
def test_hidden_colours_are_said_to_be_scored(rows: int, said: bool, tmp_path: Path) -> None:
    pixels = np.repeat((RAMP >> 4).astype(np.uint8)[..., None], 4, axis=-1)
    pixels[..., 3] = 255
    pixels[:rows, :, 3] = 0
    pixels[0, 0, 3] = 0  # one pixel alone is no word worth
    Image.fromarray(pixels).save(tmp_path / "a.png")
    words = f"{100 * rows // 64} % of it is transparent: scored by the colours that are hidden there"
    assert notes_of(tmp_path / "a.png") == ((words,) if said else ())


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize(("factor", "bits"), [(1, 12), (4, 14), (16, 0)])
def test_few_bits_in_a_file_of_sixteen_are_noted(suffix: str, factor: int, bits: int, tmp_path: Path) -> None:
    """Also where one pixel is as bright as can be."""
    path = tmp_path / f"a.{suffix}"
    pixels = RAMP * np.uint16(factor)
    pixels[-1, 0] = 65535
    Image.fromarray(pixels).save(path)
    (note,) = notes_of(path) or ("",)
    assert (f"values of {bits} bits in a file of 16" in note) == bool(bits)
