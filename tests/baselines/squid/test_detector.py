"""SQUID's training, and its memories against loops; see also ``official/``."""

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create
from fusionmedclip.baselines.squid.memory import (
    DecoderMemory,
    MemoryQueue,
    from_quadrants,
    sharpened,
    to_quadrants,
)
from fusionmedclip.errors import InputError

SMALL = {"image_size": 32, "width": 8, "queue_slots": 8, "matrix_slots": 8, "train_batch": 4}


def test_quadrants_are_row_by_row_and_come_back():
    maps = torch.arange(2 * 3 * 4 * 4.0).view(2, 3, 4, 4)
    patches = to_quadrants(maps)
    assert patches.shape == (8, 3, 2, 2)
    assert torch.equal(patches[1], maps[0, :, :2, 2:])
    assert torch.equal(patches[2], maps[0, :, 2:, :2])
    assert torch.equal(patches[7], maps[1, :, 2:, 2:])
    assert torch.equal(from_quadrants(patches), maps)


def test_sharpened_by_hand():
    similarities = torch.tensor([[0.0, 1.0, 2.0, 3.0]], requires_grad=True)
    got = sharpened(similarities, 3)
    # The third largest is the threshold and drops out: softmax of the two largest alone.
    e = np.exp([2.0, 3.0])
    np.testing.assert_allclose(got.detach()[0], [0, 0, *(e / e.sum())], atol=1e-6)
    got[0, 3].backward()
    soft = np.exp(np.arange(4.0)) / np.exp(np.arange(4.0)).sum()
    np.testing.assert_allclose(similarities.grad[0], soft[3] * (np.eye(4)[3] - soft), atol=1e-6)


def test_queue_is_a_ring():
    queue = MemoryQueue(5, 2, kept=2)
    for start in (0, 3, 6):
        queue.push(torch.arange(start, start + 3.0)[:, None].expand(3, 2))
    # 0 1 2 | 3 4 5 | 6 7 8 over five places.
    assert queue.memory[:, 0].tolist() == [5, 6, 7, 8, 4]
    assert int(queue.position) == 4


def test_decoder_memory_reads_each_quadrant_from_its_own(frozen_normal):
    memory = DecoderMemory(6, channels=3, side=4, kept=3, mask_ratio=0.95).eval()
    maps = torch.from_numpy(frozen_normal(0, 2, 3, 4, 4))
    with torch.no_grad():
        got = memory(maps)
        for number, (top, left) in enumerate(((0, 0), (0, 2), (2, 0), (2, 2))):
            for b in range(2):
                query = maps[b, :, top : top + 2, left : left + 2].reshape(-1)
                weights = sharpened((memory.memory[number] @ query)[None], 3)[0]
                expected = (weights @ memory.memory[number]).view(3, 2, 2)
                np.testing.assert_allclose(got[b, :, top : top + 2, left : left + 2], expected, atol=1e-5)


def test_training_lowers_the_reconstruction_loss_and_fills_the_queues(phantoms):
    losses = []
    detector = create("squid", **SMALL, steps=40, learning_rate=1e-3, critic_steps=1)
    detector.fit(phantoms[0][:4], progress=lambda record: losses.append(record["generator"]))
    assert len(losses) == 40
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:3])
    made = detector._networks["generator"]
    assert all(int(queue.position) == 40 * 4 % 8 for queue in made.painting.queues)


def test_generator_steps_once_in_so_many(phantoms):
    records = []
    create("squid", **SMALL, steps=5, critic_steps=2).fit(phantoms[0][:3], progress=records.append)
    assert ["generator" in record for record in records] == [True, False, True, False, True]


def test_no_batch_statistics_at_test(phantoms):
    detector = create("squid", **SMALL, steps=2).fit(phantoms[0][:4])
    together, alone = detector.score(phantoms[1]), detector.score(phantoms[1][:1])
    np.testing.assert_allclose(together.scores[0], alone.scores[0], rtol=1e-4)
    np.testing.assert_allclose(together.maps[0], alone.maps[0], atol=1e-5)


def test_one_image_can_be_trained_on(phantoms):
    create("squid", **SMALL, steps=2).fit(phantoms[0][:1]).score(phantoms[1][:1])


def test_an_images_own_statistics_need_more_than_one_position():
    with pytest.raises(InputError, match="image_size"):
        create("squid", **SMALL, judge_statistics="image")
