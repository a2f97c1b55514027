"""The stream is a pure function of (seed, epoch, index), whoever asks, in whatever order."""

import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import cv2
import numpy as np
import pytest
from scipy import stats

from fusionmedclip.errors import InputError
from fusionmedclip.luma import as_grey
from fusionmedclip.synthesis import TASKS, AnomalyStream, SynthesisSettings

EVERY_TASK = {"families": {task: {task: 1} for task in TASKS}}


def digest(support, seed, epoch, index):
    stream = AnomalyStream(support, SynthesisSettings.from_dict(EVERY_TASK), seed)
    image, mask = stream.draw(epoch, index)
    return hashlib.sha256(image.tobytes() + mask.tobytes()).hexdigest()


@pytest.mark.parametrize("workers", [1, 4])
def test_worker_processes_draw_the_same_bits(workers, support):
    expected = [digest(support, 3, 1, index) for index in range(24)]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(partial(digest, support, 3, 1), reversed(range(24))))
    assert found == expected[::-1]


def test_threads_draw_the_same_bits(support):
    stream = AnomalyStream(support, SynthesisSettings.from_dict(EVERY_TASK), 3)
    expected = [stream.draw(1, index) for index in range(48)]
    fresh = AnomalyStream(support, SynthesisSettings.from_dict(EVERY_TASK), 3)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(partial(fresh.draw, 1), range(48)))
    for (image, mask), (other, other_mask) in zip(expected, found, strict=True):
        np.testing.assert_array_equal(image, other)
        np.testing.assert_array_equal(mask, other_mask)


@pytest.mark.parametrize("task", TASKS)
def test_opencv_threads_do_not_change_a_bit(task, phantom):
    # Large enough that OpenCV does share the work.
    settings = SynthesisSettings.from_dict({"families": {task: {task: 1}}})
    stream = AnomalyStream(phantom(900, 1000)[None], settings, 1)
    before = cv2.getNumThreads()
    drawn = []
    try:
        for threads in (1, 2, 4):
            cv2.setNumThreads(threads)
            drawn.append(stream.batch(0, range(2)))
    finally:
        cv2.setNumThreads(before)
    for images, masks in drawn[1:]:
        np.testing.assert_array_equal(images, drawn[0][0])
        np.testing.assert_array_equal(masks, drawn[0][1])


def test_order_and_batches_do_not_matter(support):
    stream = AnomalyStream(support, seed=1)
    images, masks = stream.batch(2, [5, 3, 5, 11])
    assert images.shape == masks.shape == (4, 96, 96)
    assert images.dtype == np.float32
    assert masks.dtype == bool
    fresh = AnomalyStream(support, seed=1)
    for row, index in enumerate([5, 3, 5, 11]):
        image, mask = fresh.draw(2, index)
        np.testing.assert_array_equal(images[row], image)
        np.testing.assert_array_equal(masks[row], mask)


def test_epochs_indices_and_seeds_differ(support):
    settings = SynthesisSettings(families={"all": {"gaussian": 1}})
    drawn = set()
    for seed in range(3):
        stream = AnomalyStream(support, settings, seed)
        for epoch in range(6):
            for index in range(8):
                drawn.add(stream.draw(epoch, index)[0].tobytes())
    assert len(drawn) == 3 * 6 * 8


def test_no_epoch_replays_the_tasks_of_another(support):
    stream = AnomalyStream(support)
    orders = {tuple(stream.task(epoch, index) for index in range(64)) for epoch in range(50)}
    assert len(orders) == 50


def test_the_base_image_is_the_support_image_of_the_index(support):
    stream = AnomalyStream(support, SynthesisSettings(families={"none": {"identity": 1}}))
    for index in range(9):
        image, mask = stream.draw(0, index)
        np.testing.assert_array_equal(image, support[index % 4])
        assert not mask.any()


def test_tasks_come_at_the_odds_asked_for(support):
    stream = AnomalyStream(support)
    names = [stream.task(epoch, index) for epoch in range(8) for index in range(500)]
    odds = dict.fromkeys(TASKS, 1 / 8) | {"identity": 1 / 4, "sink": 0}
    drawn = [task for task in TASKS if odds[task]]
    assert set(names) == set(drawn)
    counts = [names.count(task) for task in drawn]
    assert stats.chisquare(counts, [4000 * odds[task] for task in drawn]).pvalue > 1e-4


def test_family_odds_and_the_order_of_names(support):
    families = {"a": {"cutpaste": 1, "sink": 3}, "b": {"identity": 1}, "c": {"guided": 1}}
    odds = {"a": 2, "b": 1, "c": 0}
    stream = AnomalyStream(support, SynthesisSettings(families=families, family_odds=odds))
    turned = AnomalyStream(
        support,
        SynthesisSettings(
            families={"c": families["c"], "b": families["b"], "a": {"sink": 3, "cutpaste": 1}},
            family_odds={"c": 0, "b": 1, "a": 2},
        ),
    )
    names = [stream.task(0, index) for index in range(3000)]
    assert names == [turned.task(0, index) for index in range(3000)]
    expected = {"cutpaste": 500, "sink": 1500, "identity": 1000}
    assert set(names) == set(expected)
    assert stats.chisquare([names.count(n) for n in expected], list(expected.values())).pvalue > 1e-4


def test_later_changes_of_the_callers_array_do_not_reach_the_stream(support):
    mine = support.copy()
    stream = AnomalyStream(mine, seed=2)
    expected = [stream.draw(0, index)[0] for index in range(6)]
    mine[:] = 0
    for index in range(6):
        np.testing.assert_array_equal(stream.draw(0, index)[0], expected[index])


def test_bad_support_is_refused(support):
    with pytest.raises(InputError, match="support"):
        AnomalyStream(support.astype(np.float64))
    with pytest.raises(TypeError):
        AnomalyStream(support).draw(0, 1.5)


def test_colours_get_the_change_of_their_luma(support):
    """The same draw as on the luma; off the mask, and in hue, a colour stays what it was."""
    rng = np.random.default_rng(0)
    colours = np.clip(support[..., None] * rng.uniform(0.5, 1, (1, 1, 1, 3)), 0, 1).astype(np.float32)
    stream, plain = AnomalyStream(colours, seed=3), AnomalyStream(as_grey(colours), seed=3)
    images, masks = stream.batch(1, range(24))
    assert images.shape == (24, 96, 96, 3)
    for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
        grey, expected = plain.draw(1, index)
        base, luma = colours[index % 4], as_grey(colours)[index % 4]
        np.testing.assert_array_equal(mask, expected)
        np.testing.assert_array_equal(image[~mask], base[~mask])
        change = np.clip(base[mask] + (grey - luma)[mask][:, None], 0, 1)
        np.testing.assert_array_equal(image[mask], change)
    alike = np.repeat(support[..., None], 3, axis=-1)
    image, _ = AnomalyStream(alike, seed=3).draw(1, 5)
    np.testing.assert_allclose(image[..., 1], AnomalyStream(support, seed=3).draw(1, 5)[0], atol=1e-6)
