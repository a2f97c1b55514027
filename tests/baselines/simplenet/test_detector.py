"""SimpleNet against hand calculation; see also ``official/``."""

import numpy as np
import torch

from fusionmedclip.baselines import create
from fusionmedclip.baselines.simplenet.detector import hinge_loss
from fusionmedclip.baselines.training import batches


def test_hinge_loss_by_hand():
    normal, noisy = torch.tensor([0.7, 0.2, -1.0]), torch.tensor([-0.9, 0.1, -0.4])
    # Normal: 0, 0.3, 1.5; noisy: 0, 0.6, 0.1.
    np.testing.assert_allclose(hinge_loss(normal, noisy, 0.5), 1.8 / 3 + 0.7 / 3, rtol=1e-6)


def test_training_lowers_the_loss_and_never_touches_the_backbone(resnet, phantoms):
    before = {name: value.clone() for name, value in resnet.state_dict().items()}
    losses = []
    create(
        "simplenet", backbone=resnet, layers=["layer2"], target_dim=32, hidden=16, steps=60, noise_std=0.3
    ).fit(phantoms[0][:4], progress=lambda record: losses.append(record["loss"]))
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    assert all(torch.equal(value, before[name]) for name, value in resnet.state_dict().items())


def test_budget_is_in_steps_whatever_the_support(resnet, phantoms):
    for k in (1, 3):
        steps = []
        create(
            "simplenet", backbone=resnet, layers=["layer3"], target_dim=8, hidden=8, steps=7, train_batch=2
        ).fit(phantoms[0][:k], progress=lambda record, steps=steps: steps.append(record["step"]))
        assert steps == list(range(1, 8))


def test_bits_do_not_depend_on_the_batch(resnet, phantoms, frozen_normal):
    maps = [frozen_normal(0, 5, 6, 4, 4)]
    detector = create("simplenet", backbone=resnet, layers=["layer2"], target_dim=6, hidden=4, steps=2)
    detector.features = lambda images: [m[: len(images)] for m in maps]
    detector.fit(phantoms[0][:2])
    together = detector.score_features(maps, (16, 16))
    alone = [detector.score_features([m[i : i + 1] for m in maps], (16, 16)) for i in range(5)]
    assert np.array_equal(together.scores, np.concatenate([a.scores for a in alone]))


def test_standardised_features_make_scale_and_offset_harmless(resnet, frozen_normal):
    maps = frozen_normal(0, 4, 6, 4, 4)
    scores = []
    for scale, offset in ((1, 0), (50, 7)):
        detector = create(
            "simplenet", backbone=resnet, layers=["layer2"], target_dim=6, embedding="average", hidden=4,
            steps=5, standardise=True, patch_size=1,
        )  # fmt: skip
        shown = [(scale * maps + offset).astype("f4")]
        detector.features = lambda images, shown=shown: [m[: len(images)] for m in shown]
        detector.fit(np.zeros((3, 16, 16), np.float32))
        scores.append(detector.score_features(shown, (16, 16)).scores)
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-3, atol=1e-4)


def test_batches_are_epochs_in_new_orders():
    rows = list(batches(5, 2, 6, 0, "test"))
    assert [len(r) for r in rows] == [2, 2, 1, 2, 2, 1]
    first, second = np.concatenate(rows[:3]), np.concatenate(rows[3:])
    assert sorted(first) == sorted(second) == list(range(5))
    assert first.tolist() != second.tolist()
    assert all(np.array_equal(a, b) for a, b in zip(rows, batches(5, 2, 6, 0, "test"), strict=True))
