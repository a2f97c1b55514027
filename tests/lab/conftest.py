"""What a model might have said, made by hand, and a browser to open pages in."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.writers.map_scale import MapScale
from fusionmedclip.lab.writers.page import PageWriter
from fusionmedclip.lab.writers.pictures import PictureWriter
from fusionmedclip.lab.writers.writer import Skipped


@pytest.fixture
def scale() -> MapScale:
    return MapScale(low=0.2, high=1.0, threshold=0.6, rests_on="Made by hand.")


@pytest.fixture
def scored() -> Callable[..., ScoredInput]:
    """An input whose slices have the scores that are asked for, each at one pixel of a map of 0.1."""

    def make(name: str, *peaks: float, size: tuple[int, int] = (60, 80), **more) -> ScoredInput:
        height, width = size
        maps = np.full((len(peaks), height, width), 0.1, np.float32)
        for index, peak in enumerate(peaks):
            maps[index, height // 3 : height // 2, width // 2 : width // 2 + 6] = peak
        ramp = np.linspace(0, 1, height * width, dtype=np.float32).reshape(size)
        given = {
            "files": (Path(f"/there/{name}.png"),),
            "name": name,
            "slices": tuple(f"slice {n}" for n in range(len(peaks))) if len(peaks) > 1 else ("",),
            "pixels": np.repeat(ramp[None], len(peaks), axis=0),
            "maps": maps,
            "scores": np.array(peaks, float),
            "score": max(peaks),
            "flag": max(peaks) > 0.6,
        }
        return ScoredInput(**{**given, **more})

    return make


@pytest.fixture
def prediction(tmp_path: Path, scored: Callable, scale: MapScale) -> Path:
    """A folder with three inputs: ``quiet`` 0.3, ``volume`` 0.5, 0.9, 0.4, ``loud & <b>`` 0.7."""
    folder = tmp_path / "prediction"
    pages = PageWriter(scale, ("Rests on a <stand-in>.",))
    inputs = [
        scored("quiet", 0.3, percentile=12.0),
        scored("volume", 0.5, 0.9, 0.4),
        scored("loud & <b>", 0.7),
    ]
    for one in inputs:
        PictureWriter(scale).write(one, folder)
    pages.finish(folder, skipped=[Skipped("in/Thumbs.db", "no <image>")])
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Debian's chromium, driven by playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()
