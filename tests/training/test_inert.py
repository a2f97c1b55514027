"""A setting that is called off computes nothing: whatever it is set to, every score is the same byte."""

import copy
import json
from functools import cache

import numpy as np
import pytest

from fusionmedclip import FusionMedCLIP
from fusionmedclip.config import merge
from fusionmedclip.models.backbones.defaults import _CLIP, resolved_make
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from fusionmedclip.reporting.thesis.differences import leaves
from fusionmedclip.settings import OFF, build, effective, plain
from fusionmedclip.synthesis import AnomalyStream, SynthesisSettings
from fusionmedclip.training.settings import FusionSettings
from tests.training.towers import ROW4, ROW5, VIT, pictures

MANUAL = {"prompt": {"form": "manual"}}
TRAINED = {"optimiser": {"epochs": 1, "batch_size": 2}}
SETTINGS = {
    "row 1": {"model": {**ROW4, **MANUAL}, **TRAINED},
    "row 3": {"model": {**ROW4, "prompt": {"umls": "none"}}, **TRAINED},
    "row 4": {"model": ROW4, **TRAINED},
    "row 5": {"model": ROW5, **TRAINED},
    "no epoch": {"model": ROW5, "optimiser": {"epochs": 0}},
    "phrases": {"model": {**ROW5, "prompt": {"form": "phrases", "umls": "none"}}, **TRAINED},
    "all from UMLS": {"model": {**ROW5, "prompt": {"umls_share": 1.0}}, **TRAINED},
    "nothing from UMLS": {"model": {**ROW5, "prompt": {"umls_share": 0.0}}, **TRAINED},
    "no image loss": {"model": ROW5, "loss": {"image": "none"}, **TRAINED},
    "image loss of weight 0": {"model": ROW5, "loss": {"image_weight": 0.0}, **TRAINED},
    "no segmentation loss": {"model": ROW5, "loss": {"segmentation_weight": 0.0}, **TRAINED},
}  # fmt: skip
OTHER = {
    "model.layers": [1],
    "model.aggregation": "cosine_first",
    "model.gap_features": "layers",
    "model.prompt.umls": "encoder_outputs",
    "model.prompt.template": "no {} seen",
    "model.prompt.class_names": ["well", "ill"],
    "model.temperature.maximum": 3.0,
    "model.temperature.minimum": 0.001,
    "loss.image": "focal_pixel",
    "loss.pixel_smoothing": 0.2,
    "optimiser.name": "adam",
    "optimiser.schedule": "cosine",
    "optimiser.betas": [0.5, 0.6],
    "optimiser.stage2_epochs": 0,  # none beyond the epochs is allowed
}
"""Values of what is not simply doubled."""


def _scores(settings: dict) -> bytes:
    return _computed(json.dumps(settings))


@cache
def _computed(written: str) -> bytes:
    settings = json.loads(written)
    backbone = copy.deepcopy(_tower())
    model = FusionMedCLIP(backbone=backbone, settings=settings).fit(pictures(2), seed=0)
    found = model.predict(pictures(3))
    return found.scores.tobytes() + (b"" if found.maps is None else found.maps.tobytes())


@cache
def _tower():
    return build_backbone(build(BackboneSettings, VIT))


def _another(path: str, value: object) -> object:
    if path in OTHER:
        return OTHER[path]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return type(value)(value * 2 if value else 1)
    return 0.3 if value is None else value


def _put(path: str, value: object) -> dict:
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def _off(settings: dict) -> dict[str, object]:
    """Leaves below what is off, with the value that each has, those of synthesis apart."""
    made = build(FusionSettings, settings)
    gone = {path for path, value in leaves(effective(made)).items() if value is OFF}
    return {
        path: value
        for path, value in leaves(plain(made)).items()
        if any(f"{path}.".startswith(f"{at}.") for at in gone) and not path.startswith("synthesis.")
    }


@pytest.mark.parametrize("case", SETTINGS)
def test_what_is_off_changes_no_byte_of_a_run(case):
    """All of them at once, and any number of them; the test below sees that nothing else is off."""
    settings = SETTINGS[case]
    changes = {path: _another(path, value) for path, value in _off(settings).items()}
    changes |= {} if "synthesis" not in _gone(settings) else {"synthesis.preset": "parent"}
    assert changes
    if case == "no epoch":
        changes.pop("optimiser.stage2_epochs")
    other = settings
    for path, value in changes.items():
        other = merge(other, _put(path, value))
    assert plain(build(FusionSettings, other)) != plain(build(FusionSettings, settings))
    assert _scores(other) == _scores(settings)


def _gone(settings: dict) -> set[str]:
    return {path for path, value in effective(build(FusionSettings, settings)).items() if value is OFF}


ON = [
    ("row 1", "model.prompt.template"), ("row 1", "model.prompt.class_names"), ("row 3", "optimiser.epochs"),
    ("row 3", "loss.gamma"), ("row 3", "model.prompt.init_std"), ("row 4", "model.prompt.umls"),
    ("row 4", "optimiser.learning_rates.prompt"), ("row 5", "model.layers"), ("row 5", "model.aggregation"),
    ("row 5", "loss.dice_smooth"), ("row 5", "optimiser.learning_rates.alignment"),
    ("row 5", "model.temperature.value"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "path"), ON)
def test_what_computes_something_is_not_off(case, path):
    settings = SETTINGS[case]
    assert path not in _off(settings)
    value = leaves(plain(build(FusionSettings, settings)))[path]
    assert _scores(merge(settings, _put(path, _another(path, value)))) != _scores(settings)


def test_settings_of_anomalies_that_are_never_drawn_are_off():
    families = {"identity": {"identity": 1.0}, "structural": {"cutpaste": 1.0, "poisson": 0.0}}
    given = {"families": families, "family_odds": {"identity": 1.0, "structural": 1.0}}
    settings = SynthesisSettings.from_dict(given)
    off = {path for path, value in effective(settings).items() if value is OFF}
    assert off == {"poisson", "gaussian", "density", "radial", "shape", "guided"}
    wild = {
        "poisson": {"side": [0.3, 0.4]}, "gaussian": {"side": [0.3, 0.4]}, "guided": {"depth": 0.9},
        "density": {"depth": 0.9}, "shape": {"side": [0.3, 0.4]}, "radial": {"log2_factor": [1.0, 2.0]},
    }  # fmt: skip
    other = SynthesisSettings.from_dict({**given, **wild})
    assert set(wild) == off
    support = np.repeat(pictures(3), 2, axis=1).repeat(2, axis=2)
    drawn = [AnomalyStream(support, s, seed=0).batch(0, range(20))[0].tobytes() for s in (settings, other)]
    assert drawn[0] == drawn[1]
    everywhere = SynthesisSettings.from_dict({"foreground": False})
    assert effective(everywhere)["min_on_anatomy"] is OFF
    shares = [{"foreground": False, "min_on_anatomy": share} for share in (0.0, 1.0)]
    streams = [AnomalyStream(support, SynthesisSettings.from_dict(given), seed=0) for given in shares]
    assert len({stream.batch(0, range(20))[0].tobytes() for stream in streams}) == 1
    nothing = SynthesisSettings.from_dict({"families": {"identity": {"identity": 1.0}}})
    kept = {path for path, value in effective(nothing).items() if value is not OFF}
    assert kept == {"families", "family_odds"}


def test_what_a_backbone_leaves_to_its_weights_is_what_open_clip_says():
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

    assert (_CLIP["mean"], _CLIP["std"]) == (list(OPENAI_DATASET_MEAN), list(OPENAI_DATASET_STD))
    random = resolved_make({"kind": "open_clip", "model": "RN50", "image_size": 224})
    assert random == plain(BackboneSettings(model="RN50"))  # its defaults
    assert resolved_make({"model": "RN50", "pretrained": "openai"})["quick_gelu"] is True
    assert resolved_make({"model": "RN50", "pretrained": "laion"})["mean"] is None
    assert resolved_make({"model": "RN50", "pretrained": "laion"})["init_seed"] is OFF
