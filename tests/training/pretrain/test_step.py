"""One step's gradients: whole batch or parts, checkpointed or not, against autograd on plain code."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.training.pretrain import PretrainSettings
from fusionmedclip.training.pretrain.distributed import World
from fusionmedclip.training.pretrain.dropout import Dropping
from fusionmedclip.training.pretrain.step import TrainStep, check_batch
from tests.gpu_operations import REFUSED, recorded

ALONE = World(0, 1, torch.device("cpu"))
ORDER = np.array([3, 1, 4, 0, 5, 2, 7, 6])


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((8, 32, 32), np.float32)


@pytest.fixture
def texts() -> torch.Tensor:
    return F.normalize(torch.randn(6, 16, generator=torch.Generator().manual_seed(1)), dim=-1)


CAPTIONS = np.array([0, 1, 2, 3, 4, 5, 0, 2])


def gradients(backbone: Backbone, images, texts, **changes) -> tuple[float, dict[str, torch.Tensor]]:
    settings = PretrainSettings(batch_size=8, **changes)
    drop = Dropping(
        backbone, rate=settings.dropout, form=settings.dropout_form, token_rate=settings.token_dropout
    )
    if settings.gradient_checkpointing:
        backbone.visual.set_grad_checkpointing(True)
    step = TrainStep(
        backbone, settings=settings, seed=0, world=ALONE, texts=texts, captions=CAPTIONS, dropping=drop
    )
    backbone.visual.zero_grad()
    loss = step(images, ORDER, epoch=1, step=2)["loss"]
    drop.remove()
    backbone.visual.set_grad_checkpointing(False)
    return loss, {name: p.grad.clone() for name, p in backbone.visual.named_parameters()}


def same(found: dict, expected: dict, *, tolerance: float) -> None:
    for name, gradient in expected.items():
        scale = gradient.abs().max().item() + 1e-8
        assert (found[name] - gradient).abs().max().item() <= tolerance * scale, name


def test_plain_step_is_autograd_of_equation_2(vit: Backbone, images, texts):
    off = {"mixup_alpha": 0, "dropout": 0, "label_smoothing": 0, "exclude_equal_captions": False}
    loss, found = gradients(vit, images, texts, **off)
    vit.visual.zero_grad()
    embedded = F.normalize(vit.visual(vit.pixels(images)), dim=-1)
    logits = embedded @ texts[CAPTIONS[ORDER]].T * vit.clip_model.logit_scale.exp().detach()
    labels = torch.arange(8)
    expected = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    same(found, {n: p.grad for n, p in vit.visual.named_parameters()}, tolerance=1e-4)


@pytest.mark.parametrize("text_mixup", [True, False])
def test_mixed_step_by_hand(vit: Backbone, images, texts, text_mixup: bool):
    off = {"dropout": 0, "label_smoothing": 0, "exclude_equal_captions": False, "mixup_alpha": 5.0}
    loss, _ = gradients(vit, images, texts, text_mixup=text_mixup, **off)
    from fusionmedclip.randomness import generator

    drawn = generator(0, "pretrain", 1, 2, "mixup").beta(5.0, 5.0)
    weight, partner = max(drawn, 1 - drawn), [1, 2, 3, 0, 5, 6, 7, 4]
    with torch.no_grad():
        mixed = weight * images + (1 - weight) * images[partner]
        embedded = F.normalize(vit.visual(vit.pixels(mixed.astype(np.float32))), dim=-1)
        own = texts[CAPTIONS[ORDER]]
        captions = F.normalize(weight * own + (1 - weight) * own[partner], dim=-1) if text_mixup else own
        logits = embedded @ captions.T * vit.clip_model.logit_scale.exp()
        target = torch.eye(8)
        target = target if text_mixup else weight * target + (1 - weight) * target[partner]
        expected = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target.T)) / 2
    assert loss == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("part", [1, 3, 4])
def test_parts_give_the_gradient_of_the_whole(vit: Backbone, images, texts, part: int):
    whole = gradients(vit, images, texts, dropout=0.3, token_dropout=0.25)
    parts = gradients(vit, images, texts, dropout=0.3, token_dropout=0.25, micro_batch=part)
    assert parts[0] == pytest.approx(whole[0], rel=1e-5)
    same(parts[1], whole[1], tolerance=1e-4)


@pytest.mark.parametrize("part", [None, 4])
def test_gradient_checkpointing_changes_nothing(vit: Backbone, images, texts, part: int | None):
    plain = gradients(vit, images, texts, dropout=0.5, micro_batch=part)
    lean = gradients(vit, images, texts, dropout=0.5, micro_batch=part, gradient_checkpointing=True)
    assert lean[0] == plain[0]
    same(lean[1], plain[1], tolerance=1e-6)


def test_bfloat16_stays_close(vit: Backbone, images, texts):
    exact = gradients(vit, images, texts)
    rough = gradients(vit, images, texts, precision="bfloat16")
    assert rough[0] != exact[0]
    assert rough[0] == pytest.approx(exact[0], rel=0.02)
    assert all(gradient.dtype == torch.float32 for gradient in rough[1].values())


def test_batches_that_do_not_fit():
    check_batch(PretrainSettings(batch_size=32), pairs=32, processes=8)
    check_batch(PretrainSettings(batch_size=6, mixup_alpha=0), pairs=9, processes=3)
    with pytest.raises(InputError, match="larger than the number"):
        check_batch(PretrainSettings(batch_size=32), pairs=31, processes=1)
    with pytest.raises(InputError, match="a multiple of 64"):
        check_batch(PretrainSettings(batch_size=32), pairs=99, processes=16)
    with pytest.raises(InputError, match="a multiple of 3"):
        check_batch(PretrainSettings(batch_size=8, mixup_alpha=0), pairs=99, processes=3)


@pytest.mark.parametrize("form", [{"dropout_form": "path"}, {"dropout_form": "head"}, {"token_dropout": 0.5}])
def test_no_operation_without_a_deterministic_kernel_on_a_gpu(vit: Backbone, images, texts, form: dict):
    with recorded() as names:
        gradients(vit, images, texts, **form)
    assert [name for name in names if "backward" in name]
    assert names & REFUSED == set()
