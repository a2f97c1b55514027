"""What a model might have said, made by hand, and a browser to open pages in."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from fusionmedclip.lab import AnomalyDetector
from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.writers.map_scale import MapScale
from fusionmedclip.lab.writers.page import PageWriter
from fusionmedclip.lab.writers.pictures import PictureWriter
from fusionmedclip.lab.writers.writer import Skipped
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone, save_backbone
from tests.lab.models import phantoms, small_model, write_overlay, write_pngs
from tests.lab.predicted import files, predict


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
        opened = driver.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=300_000)
        yield opened
        opened.close()


TINY = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 16, "layers": 2, "head_width": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1},
}


@pytest.fixture(scope="session")
def fitted_fusion(tmp_path_factory: pytest.TempPathFactory) -> AnomalyDetector:
    """All parts of the model, LoRA and block adapters among them, two steps from their start."""
    folder = tmp_path_factory.mktemp("fitted")
    settings = BackboneSettings(model=TINY, image_size=32)
    save_backbone(build_backbone(settings), folder / "out" / "backbones" / "mine", settings)
    overlay = {
        "results": str(folder / "out"),
        "image_size": 32,
        "device": "cpu",
        "backbones": {"mine": {"kind": "open_clip", "model": TINY, "layers": [1, 2]}},
        "methods": {
            "small": {
                "kind": "fusionmedclip",
                "backbone": "mine",
                "settings": {"model": {"layers": [1, 2]}, "optimiser": {"epochs": 2, "batch_size": 2}},
            },
            "memory": {"kind": "patchcore", "backbone": "mine", "settings": {"layers": [1, 2]}},
        },
    }
    (folder / "o.yaml").write_text(yaml.safe_dump(overlay))
    images = np.random.default_rng(0).random((4, 32, 32)).astype(np.float32)
    return AnomalyDetector("small", config=folder / "o.yaml", folds=2).fit(images)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``model`` (PatchCore) and ``in``, nine pictures; nothing is written there by tests."""
    folder = tmp_path_factory.mktemp("nine")
    small_model(write_overlay(folder), "patchcore").fit(phantoms(4)).save(folder / "model")
    write_pngs(folder / "in", phantoms(9, first=10))
    return folder


@pytest.fixture(scope="session")
def whole(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a prediction of the nine writes that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    predict(home, folder)
    return files(folder)
