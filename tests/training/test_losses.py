"""Eq. 14 to 16 and the parent's pixel loss against loops, in float64."""

import math

import numpy as np
import pytest
import torch
from torchvision.ops import sigmoid_focal_loss

from fusionmedclip.errors import InputError
from fusionmedclip.training.fit_settings import LossSettings
from fusionmedclip.training.losses import binary_dice_loss, focal_loss, pixel_focal_loss, total_loss


@pytest.fixture
def maps() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(0.02, 0.98, (3, 4, 5)))


@pytest.fixture
def masks() -> torch.Tensor:
    masks = torch.from_numpy(np.random.default_rng(1).random((3, 4, 5)) > 0.6)
    masks[1] = False
    return masks


def naive_focal(p: float, label: bool, gamma: float) -> float:
    p_true = p if label else 1 - p
    return -((1 - p_true) ** gamma) * math.log(p_true)


def naive_dice(m: torch.Tensor, y: torch.Tensor, smooth: float) -> float:
    overlap = total = 0.0
    for h in range(m.shape[0]):
        for w in range(m.shape[1]):
            overlap += float(m[h, w]) * float(y[h, w])
            total += float(m[h, w]) + float(y[h, w])
    return 1 - (2 * overlap + smooth) / (total + smooth)


@pytest.mark.parametrize("gamma", [0.0, 1.5, 2.0])
def test_focal_loss_of_image_predictions(gamma: float) -> None:
    scores, labels = [0.9, 0.2, 0.55], [True, False, False]
    expected = sum(naive_focal(p, y, gamma) for p, y in zip(scores, labels, strict=True)) / 3
    loss = focal_loss(torch.tensor(scores).double(), torch.tensor(labels), gamma=gamma)
    assert float(loss) == pytest.approx(expected, abs=1e-7)


def test_focal_loss_is_finite_where_a_prediction_is_wholly_wrong() -> None:
    scores = torch.tensor([1.0, 0.0], requires_grad=True)
    loss = focal_loss(scores, torch.tensor([False, True]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(scores.grad).all()


@pytest.mark.parametrize("gamma", [1.5, 2.0])
def test_pixel_focal_loss(maps: torch.Tensor, masks: torch.Tensor, gamma: float) -> None:
    """Labels smoothed by 1e-5, and 1e-5 added to the probability, as MediCLIP's code does."""
    total = 0.0
    for p, y in zip(maps.flatten().tolist(), masks.flatten().tolist(), strict=True):
        anomaly, normal = (1 - 1e-5, 1e-5) if y else (1e-5, 1 - 1e-5)
        p_true = anomaly * p + normal * (1 - p) + 1e-5
        total += -((1 - p_true) ** gamma) * math.log(p_true)
    expected = total / maps.numel()
    assert float(pixel_focal_loss(maps, masks, gamma=gamma)) == pytest.approx(expected, abs=1e-12)


def test_pixel_focal_loss_is_a_number_where_smoothing_passes_one(masks: torch.Tensor) -> None:
    perfect = masks.double().requires_grad_()
    loss = pixel_focal_loss(perfect, masks, gamma=1.5)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(perfect.grad).all()


@pytest.mark.parametrize("smooth", [1.0, 0.1])
def test_dice_loss_is_a_mean_over_images(maps: torch.Tensor, masks: torch.Tensor, smooth: float) -> None:
    expected = sum(naive_dice(m, y, smooth) for m, y in zip(maps, masks, strict=True)) / 3
    assert float(binary_dice_loss(maps, masks, smooth=smooth)) == pytest.approx(expected, abs=1e-12)


def test_dice_loss_of_a_perfect_map_is_zero(masks: torch.Tensor) -> None:
    assert float(binary_dice_loss(masks.double(), masks)) == pytest.approx(0, abs=1e-12)


def test_total_weighs_image_and_segmentation_loss(maps: torch.Tensor, masks: torch.Tensor) -> None:
    scores = maps.flatten(1).amax(dim=1)
    settings = LossSettings(image_weight=0.3, segmentation_weight=0.7)
    total, parts = total_loss(scores, maps, masks, settings)
    labels = [bool(y.sum() > 0) for y in masks]
    assert labels == [True, False, True]
    image = sum(naive_focal(float(m.max()), y, 2.0) for m, y in zip(maps, labels, strict=True)) / 3
    dice = sum(naive_dice(m, y, 1.0) for m, y in zip(maps, masks, strict=True)) / 3
    assert parts == {"image_loss": pytest.approx(image, abs=1e-9), "segmentation_loss": pytest.approx(dice)}
    assert float(total) == pytest.approx(0.3 * image + 0.7 * dice, abs=1e-9)


def test_choices_of_image_loss(maps: torch.Tensor, masks: torch.Tensor) -> None:
    scores = maps.flatten(1).amax(dim=1)
    pixels, _ = total_loss(scores, maps, masks, LossSettings(image="focal_pixel"))
    expected = pixel_focal_loss(maps, masks) + binary_dice_loss(maps, masks)
    assert float(pixels) == pytest.approx(float(expected))
    none, parts = total_loss(scores, maps, masks, LossSettings(image="none"))
    assert float(none) == pytest.approx(float(binary_dice_loss(maps, masks)))
    assert parts["image_loss"] == 0


def test_rows_without_a_map_train_on_the_image_loss_alone(masks: torch.Tensor) -> None:
    scores = torch.tensor([0.8, 0.3, 0.6]).double()
    total, parts = total_loss(scores, None, masks, LossSettings())
    assert set(parts) == {"image_loss"}
    assert float(total) == pytest.approx(float(focal_loss(scores, torch.tensor([1, 0, 1]))))
    with pytest.raises(InputError, match=r"(?s)focal_pixel needs a map.*focal_max"):
        total_loss(scores, None, masks, LossSettings(image="focal_pixel"))


def test_gradients(maps: torch.Tensor, masks: torch.Tensor) -> None:
    for settings in (LossSettings(), LossSettings(image="focal_pixel")):

        def run(m: torch.Tensor, settings: LossSettings = settings) -> torch.Tensor:
            return total_loss(m.flatten(1).amax(dim=1), m, masks, settings)[0]

        assert torch.autograd.gradcheck(run, (maps.requires_grad_(),))


@pytest.mark.parametrize("alpha", [0.25, 0.6])
def test_alpha_is_that_of_torchvision(alpha: float) -> None:
    logits = torch.linspace(-2, 2, 7).double()
    labels = torch.tensor([0, 1, 1, 0, 1, 0, 0])
    expected = sigmoid_focal_loss(logits, labels.double(), alpha=alpha, gamma=2, reduction="mean")
    found = focal_loss(logits.sigmoid(), labels, gamma=2.0, alpha=alpha)
    assert float(found) == pytest.approx(float(expected), abs=1e-12)


def test_alpha_weighs_pixels_too(maps: torch.Tensor, masks: torch.Tensor) -> None:
    expected = sigmoid_focal_loss(maps.logit(), masks.double(), alpha=0.3, gamma=2, reduction="mean")
    assert float(pixel_focal_loss(maps, masks, smoothing=0.0, alpha=0.3)) == pytest.approx(
        float(expected), abs=1e-12
    )


@pytest.mark.parametrize("image", ["focal_max", "focal_pixel"])
def test_alpha_reaches_the_composite_loss(maps: torch.Tensor, masks: torch.Tensor, image: str) -> None:
    scores = maps.flatten(1).amax(dim=1)
    losses = {a: total_loss(scores, maps, masks, LossSettings(image=image, alpha=a))[1] for a in (None, 0.25)}
    assert losses[None]["image_loss"] != losses[0.25]["image_loss"]


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.25])
def test_alpha_is_a_share(alpha: float) -> None:
    with pytest.raises(InputError, match=r"loss\.alpha"):
        LossSettings(alpha=alpha)
