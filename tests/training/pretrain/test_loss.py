"""The contrastive loss against naive loops and against torch's own cross-entropy."""

import math

import pytest
import torch
from torch.nn import functional as F

from fusionmedclip.training.pretrain.loss import contrastive_loss, equal_captions


def embeddings(count: int = 6, size: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    both = torch.randn(2, count, size, generator=generator)
    return tuple(F.normalize(both, dim=-1))


def naive(images, texts, tau, targets, excluded, smoothing):
    """Eq. 2 written out: both directions, over admissible pairs, targets smoothed."""
    count, total = len(images), 0.0
    similarity = [[float(images[i] @ texts[j]) / tau for j in range(count)] for i in range(count)]
    for direction in range(2):
        for i in range(count):
            admissible = [j for j in range(count) if not excluded[i][j]]
            line = {j: similarity[i][j] if direction == 0 else similarity[j][i] for j in admissible}
            norm = math.log(sum(math.exp(v) for v in line.values()))
            for j in admissible:
                target = float(targets[i][j] if direction == 0 else targets[j][i])
                target = (1 - smoothing) * target + smoothing / len(admissible)
                total -= target * (line[j] - norm)
    return total / (2 * count)


def test_plain_equals_two_cross_entropies():
    images, texts = embeddings()
    logits = images @ texts.T / 0.07
    labels = torch.arange(6)
    expected = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    assert contrastive_loss(images, texts, temperature=0.07).item() == pytest.approx(
        expected.item(), rel=1e-6
    )


def test_smoothing_is_torchs_where_all_are_admissible():
    images, texts = embeddings()
    logits = images @ texts.T / 0.1
    labels = torch.arange(6)
    expected = sum(F.cross_entropy(m, labels, label_smoothing=0.1) for m in (logits, logits.T)) / 2
    found = contrastive_loss(images, texts, temperature=0.1, smoothing=0.1)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_excluded_pairs_and_mixed_targets_against_loops(smoothing: float):
    images, texts = embeddings()
    excluded = equal_captions(torch.tensor([0, 1, 0, 2, 2, 0]))
    targets = torch.lerp(torch.eye(6)[[1, 2, 3, 0, 5, 4]], torch.eye(6), 0.7)
    # Positives stay: 4 is the partner of 5 and has its caption, (3, 4) is no target and goes.
    admissible = excluded & (targets == 0) & (targets.T == 0)
    assert excluded[4, 5].item() is False
    assert admissible[3, 4].item() is True
    found = contrastive_loss(
        images, texts, temperature=0.2, targets=targets, excluded=excluded, smoothing=smoothing
    )
    expected = naive(images, texts, 0.2, targets, admissible, smoothing)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_a_partner_with_the_same_caption_stays_a_positive():
    images, texts = embeddings(4)
    excluded = equal_captions(torch.tensor([0, 0, 1, 2]))
    targets = torch.lerp(torch.eye(4)[[1, 2, 3, 0]], torch.eye(4), 0.6)
    found = contrastive_loss(images, texts, temperature=0.2, targets=targets, excluded=excluded)
    nothing = torch.zeros(4, 4, dtype=torch.bool)
    assert found.item() == pytest.approx(naive(images, texts, 0.2, targets, nothing, 0), rel=1e-5)


def test_equal_captions_are_no_negatives_of_each_other():
    # Two pairs share a caption and an embedding: told apart they cost log 2, left out they cost nothing.
    images = texts = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    excluded = equal_captions(torch.tensor([7, 7]))
    assert contrastive_loss(images, texts, temperature=0.1).item() == pytest.approx(math.log(2))
    assert contrastive_loss(images, texts, temperature=0.1, excluded=excluded).item() == 0


def test_gradients_are_finite_where_pairs_are_left_out():
    images, texts = embeddings()
    images = images.clone().requires_grad_()
    excluded = equal_captions(torch.tensor([0, 0, 0, 0, 0, 1]))
    contrastive_loss(images, texts, temperature=0.01, excluded=excluded, smoothing=0.1).backward()
    assert torch.isfinite(images.grad).all()
    assert images.grad.abs().sum() > 0
