"""What a setting decides, computed in small: a digest of it under any configuration.

Settings are those of a run of the configuration; only sizes and budgets are made small, never what a flip
changes. A probe is found by the longest path that a setting's path starts with.
"""

import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from fusionmedclip import FusionMedCLIP
from fusionmedclip.baselines import create
from fusionmedclip.config import Config, merge
from fusionmedclip.data import ImageSettings, load_images
from fusionmedclip.data.phantoms import draw_phantom
from fusionmedclip.data.sources.chexpert import PATHOLOGIES
from fusionmedclip.data.sources.manifest import build_manifest
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.data.splits import make_split
from fusionmedclip.data.support import draw_support
from fusionmedclip.metrics import PixelCounts
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone, save_backbone
from fusionmedclip.pipeline.oracle import Oracle, Scored
from fusionmedclip.reporting.tables.rows import Run, rows_of, run_settings
from fusionmedclip.settings import build
from fusionmedclip.synthesis import AnomalyStream, SynthesisSettings
from fusionmedclip.training.pretrain import PretrainSettings, pretrain

Probe = Callable[[Config, Path], str]

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
DEEP = {"image_size": 64, "patch_size": 32, "width": 16, "layers": 24, "head_width": 8}
"""As many blocks as ViT-L/14, so that its layers have their numbers; text as wide as the embedding."""

BASELINES = {
    "cutpaste": {"image_size": 64, "steps": 2, "train_batch": 2, "head": [8]},
    "simplenet": {"target_dim": 16, "pretrain_dim": 16, "hidden": 8, "steps": 2, "train_batch": 2},
    "squid": {"image_size": 32, "width": 4, "heads": 4, "queue_slots": 8, "matrix_slots": 8, "steps": 3},
    "anoddpm": {
        "image_size": 32,
        "channels": [8, 16],
        "attention": [False, True],
        "norm_groups": 8,
        "steps": 3,
        "residual_blocks": 1,
        "reverse_steps": 2,
    },
    "regad": {"image_size": 64, "layers": ["layer1"], "meta_steps": 1, "meta_batch": 2},
}


def digest(*parts: object) -> str:
    """Of arrays and of whatever prints the same."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return sha.hexdigest()


@cache
def phantoms(size: int) -> np.ndarray:
    """(4, S, S): three normal brains, and one with a lesion."""
    drawn = [draw_phantom("brain_mri", size=size, lesion=i == 3, seed=5, index=i).image for i in range(4)]
    return np.stack(drawn).astype(np.float32)


def settings_of(config: Config, method: str) -> dict:
    return run_settings(config, Run("brainmri", "paper", method, 4, 0))["method"]["settings"]


@cache
def tower(kind: str) -> Backbone:
    """Made once: nothing but LoRA changes a backbone."""
    if kind == "timm":
        return build_backbone(BackboneSettings(kind="timm", model="resnet18", image_size=64))
    model = {"embed_dim": 16, "vision_cfg": DEEP, "text_cfg": TEXT}
    return build_backbone(BackboneSettings(model=model, image_size=64))


def fitted(method: str, *, lora: bool = False) -> Probe:
    """Our own model, two steps on two images: its scores and maps. Most of the time is LoRA's."""

    def probe(config: Config, _folder: Path) -> str:
        settings = settings_of(config, method)
        early = min(1, settings["optimiser"].get("stage2_epochs", 0))
        rates = dict.fromkeys(("prompt", "alignment", "lora", "block_adapter", "temperature"), 1e-2)
        small = {"epochs": 2, "batch_size": 2, "stage2_epochs": early, "learning_rates": rates}
        settings = merge(settings, {"optimiser": small, "model": {} if lora else {"lora": None}})
        backbone = copy.deepcopy(tower("clip")) if lora else tower("clip")
        model = FusionMedCLIP(backbone=backbone, settings=settings)
        result = model.fit(phantoms(64)[:2], seed=0).predict(phantoms(64))
        return digest(result.scores, result.maps)

    return probe


def synthesised(config: Config, _folder: Path) -> str:
    """Draws of the stream that our model trains on."""
    settings = SynthesisSettings.from_dict(settings_of(config, "fusionmedclip")["synthesis"])
    return digest(*AnomalyStream(phantoms(96)[:3], settings, seed=0).batch(0, range(150)))


def baseline(kind: str) -> Probe:
    """A baseline after a few steps: its scores."""

    def probe(config: Config, _folder: Path) -> str:
        tower = (
            {}
            if kind in ("squid", "anoddpm")
            else {"backbone": {"kind": "timm", "model": "resnet18", "image_size": 64}}
        )
        settings = merge(settings_of(config, kind), BASELINES[kind])
        settings |= {"epochs": 1} if settings.get("epochs") else {}
        detector = create(kind, **tower, **settings)
        others = {"meta": {"other": phantoms(64)}} if kind == "regad" else {}
        return digest(detector.fit(phantoms(64)[:2], seed=0, **others).score(phantoms(64)).scores)

    return probe


def drawn(config: Config, _folder: Path) -> str:
    """Who is tested and who supports, of a set with BUSI's counts."""
    table = pd.DataFrame({"image_id": [f"i{n:03}" for n in range(780)], "label": [0] * 133 + [1] * 647})
    table = table.assign(sha256=table["image_id"], split="", group="", duplicate="")
    test = config.dataset("busi")["test"]
    split = make_split(
        table,
        name=config.data["split"],
        test_normal=test["normal"],
        test_abnormal=test["abnormal"],
        seed=config.data["split_seed"],
    )
    nested = config.data["supports"] == "nested"
    supports = [
        draw_support(split, k=k, seed=seed, dataset="busi", nested=nested)["image_id"].tolist()
        for seed in config.data["seeds"]
        for k in (4, 8)
    ]
    return digest(split.to_csv(index=False), supports)


def patients(config: Config, folder: Path) -> str:
    """Patients that are chosen from a table of CheXpert's make."""
    columns = ["Path", "Frontal/Lateral", "No Finding", *PATHOLOGIES]
    lines = [",".join(columns)]
    for patient in range(40):
        file = f"CheXpert-v1.0-small/train/patient{patient:05d}/study1/view1_frontal.jpg"
        row = {"Path": file, "Frontal/Lateral": "Frontal", ("No Finding", "Edema")[patient % 2]: "1.0"}
        (folder / file).parent.mkdir(parents=True)
        cv2.imwrite(str(folder / file), np.full((32, 32), 100, np.uint8))
        lines.append(",".join(row.get(name, "") for name in columns))
    (folder / "CheXpert-v1.0-small/train.csv").write_text("\n".join(lines) + "\n")
    source = {**config.source("chexpert"), "path": str(folder / "CheXpert-v1.0-small")}
    records = list_source({**source, "normal": 8, "abnormal": 5}).records
    return digest(sorted((record.file, record.label) for record in records))


def listed(config: Config, folder: Path) -> str:
    """The manifest of brain images, of two sets that lie side by side; lists of a published split in one."""
    rng = np.random.default_rng(0)
    for name in ("brainmri", "brats"):
        for number in range(6):
            path = folder / name / ("no", "yes")[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), rng.integers(0, 256, (32, 32)).astype(np.uint8))
    lists = {"train": [0], "test": [2, 4, 1, 3, 5]}
    for part, numbers in lists.items():
        entries = []
        for number in numbers:
            label, name = number % 2, f"{part}/{('normal', 'abnormal')[number % 2]}/{number}.png"
            copy = folder / "brainmri" / "images" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "brainmri" / ("no", "yes")[label] / f"{number}.png", copy)
            entries.append({"filename": name, "label": label, "clsname": "brainmri"})
        path = folder / "brainmri" / "samples" / f"{part}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    found = Config(merge(config.data, {"data": str(folder)})).source("brainmri")
    return digest(build_manifest(found, dataset="brainmri").to_csv(index=False))


def prepared(config: Config, folder: Path) -> str:
    """A coloured picture as every method gets it."""
    folder.mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 256, (500, 400, 3)).astype(np.uint8)
    cv2.imwrite(str(folder / "a.png"), picture)
    form = build(ImageSettings, config.data["images"])
    return digest(load_images([folder / "a.png"], config.data["image_size"], form=form))


@cache
def captioned(folder: Path) -> pd.DataFrame:
    """Eight training and four validation pairs."""
    rng, rows = np.random.default_rng(0), []
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(12):
        file = folder / f"{number}.png"
        cv2.imwrite(str(file), rng.integers(0, 256, (40, 40)).astype(np.uint8))
        split = "train" if number < 8 else "validation"
        rows.append({"split": split, "image_id": str(number), "file": str(file), "caption": f"case {number}"})
    return pd.DataFrame(rows)


def pretrained(config: Config, folder: Path) -> str:
    """Weights of the backbones of two repetitions after two epochs of Stage 1."""
    vision = {"image_size": 32, "patch_size": 16, "width": 16, "layers": 2, "head_width": 8}
    model = {"embed_dim": 16, "vision_cfg": vision, "text_cfg": TEXT}
    save_backbone(
        build_backbone(made := BackboneSettings(model=model, image_size=32)), folder / "start", made
    )
    small = {"max_epochs": 2, "warmup_epochs": 1, "batch_size": 8, "learning_rate": 1e-2, "workers": 1}
    weights = {}
    for seed in config.data["seeds"][:2]:
        name = config.run_backbone("fusionmedclip", seed)
        stage1 = config.backbone(name)["stage1"]
        pretrain(
            backbone=folder / "start",
            captions=captioned(folder / "pictures"),
            out=folder / name,
            settings=PretrainSettings.from_dict({**stage1["settings"], **small}),
            seed=stage1["seed"],
            device="cpu",
            progress=False,
        )
        weights[seed] = hashlib.sha256((folder / name / "model.safetensors").read_bytes()).hexdigest()
    return digest(weights)


def columns(config: Config, _folder: Path) -> str:
    """The cells that stand in Table 7."""
    return digest([[(c.dataset, c.method, c.k) for c in row] for row in rows_of(config, "table7").values()])


def reported_epoch(config: Config, _folder: Path) -> str:
    """Which epoch is reported of four, of which the second is best on the test set."""
    name = "fusionmedclip_oracle" if "fusionmedclip_oracle" in config.data["methods"] else "fusionmedclip"
    every = config.method(name).get("oracle")
    sign = {1: -1, 2: 1, 3: -1, 4: -1}

    def scored(epoch: int) -> Scored:
        table = pd.DataFrame(
            {"image_id": list("ab"), "label": [0, 1], "score": [0.0, 0.1 * sign[epoch] * epoch]}
        )
        return Scored(table, PixelCounts(), {})

    result = scored(4)
    if every:
        now = [1]
        oracle = Oracle(1, lambda: scored(now[0]))
        for epoch in sign:
            now[0] = epoch
            oracle.look(epoch)
        result = oracle.last(4, result)
    return digest(result.table.to_csv(index=False))


PROBES: dict[str, Probe] = {
    "methods.fusionmedclip.settings": fitted("fusionmedclip"),
    "methods.fusionmedclip.settings.model.lora": fitted("fusionmedclip", lora=True),
    "methods.fusionmedclip.settings.synthesis": synthesised,
    "methods.clip.settings": fitted("clip"),
    **{f"methods.{kind}.settings": baseline(kind) for kind in BASELINES},
    "methods.fusionmedclip_oracle": reported_epoch,
    "seeds": drawn,
    "split_seed": drawn,
    "supports": drawn,
    "datasets.busi.test": drawn,
    "datasets.chexpert.source": patients,
    "datasets.brainmri.source": listed,
    "images": prepared,
    "image_size": prepared,
    "backbones.roco_clip.stage1": pretrained,
    "tables.table7": columns,
}


def probe_of(path: str) -> Probe:
    """The probe of the longest path that a setting's path starts with."""
    fitting: Iterable[str] = (start for start in PROBES if f"{path}.".startswith(f"{start}."))
    found = max(fitting, key=len, default=None)
    if found is None:
        raise LookupError(f"no probe shows what {path} decides: add one to PROBES")
    return PROBES[found]
