"""Retrieval, validation loss and label accuracy against counting by hand."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from fusionmedclip.training.pretrain.evaluate import label_accuracy, retrieval, validation_loss


def test_retrieval_against_sorting():
    generator = torch.Generator().manual_seed(3)
    captions = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 0])
    images = F.normalize(torch.randn(16, 4, generator=generator), dim=-1)
    texts = F.normalize(torch.randn(12, 4, generator=generator), dim=-1)
    found = {m.metric: m for m in retrieval(images, texts, captions)}
    similarity = (images @ texts.T).numpy()
    for k in (1, 5, 10):
        hits = sum(captions[i].item() in np.argsort(-similarity[i])[:k] for i in range(16))
        assert found[f"image_to_text_r{k}"].value == pytest.approx(hits / 16)
        assert found[f"image_to_text_r{k}"].chance == pytest.approx(k / 12)
        hits = sum(u in captions[np.argsort(-similarity[:, u])[:k].copy()].tolist() for u in range(12))
        assert found[f"text_to_image_r{k}"].value == pytest.approx(hits / 12)


def test_chance_of_text_to_image_by_drawing():
    captions = torch.tensor([0, 0, 0, 1, 2, 2, 3])
    eye = torch.eye(4)
    found = {m.metric: m.chance for m in retrieval(eye[captions], eye, captions)}
    rng, shares = np.random.default_rng(0), {1: [], 5: []}
    for _ in range(4000):
        order = captions.numpy()[rng.permutation(7)]
        for k, hits in shares.items():
            hits.append(np.mean([u in order[:k] for u in range(4)]))
    for k, hits in shares.items():
        assert found[f"text_to_image_r{k}"] == pytest.approx(np.mean(hits), abs=4 * np.std(hits) / 4000**0.5)
    assert found["image_to_text_r5"] == found["text_to_image_r10"] == 1


def test_ties_count_against_the_model():
    same = torch.ones(5, 2) / 2**0.5
    found = {m.metric: m.value for m in retrieval(same, same, torch.arange(5))}
    assert found["image_to_text_r1"] == found["text_to_image_r1"] == 0
    assert found["image_to_text_r5"] == found["text_to_image_r5"] == 1


def test_validation_loss_over_batches_by_hand():
    texts = torch.eye(4)
    captions = torch.tensor([0, 1, 2, 3])
    # Batches (0, 2) and (1, 3) of perfect pairs at temperature 1: -log(e / (e + 1)) everywhere.
    found = validation_loss(texts, texts, captions, order=np.array([0, 2, 1, 3]), batch=2, temperature=1.0)
    assert found.metric == "loss"
    assert found.value == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-6)
    assert found.chance == pytest.approx(math.log(2))


def test_validation_loss_keeps_a_remainder_inside_its_batches():
    texts, captions = torch.eye(5), torch.arange(5)
    found = validation_loss(texts, texts, captions, order=np.arange(5), batch=2, temperature=1.0)
    three, two = math.log(1 + 2 * math.exp(-1)), math.log(1 + math.exp(-1))
    assert found.value == pytest.approx((3 * three + 2 * two) / 5, rel=1e-6)


def test_label_accuracy():
    images = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    found = label_accuracy(images, torch.eye(2), torch.tensor([0, 1, 0]))
    assert found.value == pytest.approx(2 / 3)
    assert found.chance == 0.5
