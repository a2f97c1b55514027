"""What a baseline's settings call off computes nothing."""

import numpy as np
import pytest

from fusionmedclip.baselines import create, settings_class
from fusionmedclip.settings import OFF, build, effective

TRUNK = {"kind": "timm", "model": "resnet18", "image_size": 64}
SIMPLENET = {"layers": ["layer2", "layer3"], "steps": 2, "train_batch": 2, "hidden": 8}
CASES = {
    "patchcore": {"embedding": "average"},
    "simplenet": {"embedding": "average", "projection": False, **SIMPLENET},
    "cutpaste": {"synthesis": {}, "image_size": 64, "steps": 2, "train_batch": 2, "head": [8]},
    "patch_nn": {"layers": ["layer3"], "rotations": 1},
    "anoddpm": {"noise": "gaussian", "image_size": 16, "channels": [8, 16], "attention": [False, False],
                "residual_blocks": 1, "norm_groups": 4, "steps": 2, "timesteps": 20, "train_timesteps": 10,
                "test_timesteps": 4},
}  # fmt: skip
OTHERS = {"pretrain_dim": 7, "target_dim": 5, "projection_rate": 0.5, "octaves": 2, "persistence": 0.1,
          "frequency": 3.0, "area": [0.3, 0.4], "aspect": [0.9, 1.1], "scar_width": [1, 2],
          "scar_height": [3, 4], "scar_angle": 3.0, "mask_threshold": 1.0}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_what_is_off_changes_no_score(kind):
    settings = CASES[kind]
    found = effective(build(settings_class(kind), settings))
    changes = {name: OTHERS[name] for name, value in found.items() if value is OFF}
    assert changes
    assert _scores(kind, {**settings, **changes}) == _scores(kind, settings)


def test_noise_is_off_where_anomalies_are_made():
    settings = {**SIMPLENET, "embedding": "average", "synthesis": {}}
    assert effective(build(settings_class("simplenet"), settings))["noise_std"] is OFF
    assert _scores("simplenet", {**settings, "noise_std": 3.0}) == _scores("simplenet", settings)


@pytest.mark.parametrize("kind", ["patchcore", "simplenet", "cutpaste", "anoddpm", "squid", "regad"])
def test_nothing_is_off_in_the_official_settings(kind):
    assert OFF not in effective(build(settings_class(kind), {})).values()


def _scores(kind: str, settings: dict) -> bytes:
    images = np.random.default_rng(0).random((3, 64, 64), dtype=np.float32)
    trunk = {} if kind == "anoddpm" else {"backbone": TRUNK}
    return create(kind, **trunk, **settings).fit(images[:2], seed=0).score(images).scores.tobytes()
