"""The mask is the truth, for every task, over many draws, sizes and kinds of images."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator
from fusionmedclip.synthesis import TASKS, AnomalyStream, SynthesisSettings, synthesize

HALF_A_GREY_LEVEL = 0.5 / 255
PROFILES = ["generic", "brain_mri", "breast_ultrasound", "chest_xray"]


def check(base, image, mask, task):
    assert image.shape == mask.shape == base.shape
    assert image.dtype == np.float32
    assert mask.dtype == bool
    assert image.min() >= 0
    assert image.max() <= 1
    np.testing.assert_array_equal(image[~mask], base[~mask])
    changed = np.abs(image - base) > HALF_A_GREY_LEVEL
    assert changed.any() == mask.any() == (task != "identity")
    assert not (changed & ~mask).any()


def make(kind, height, width, seed):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    image = {
        "noise": lambda: rng.random((height, width)),
        "binary": lambda: rng.random((height, width)) > 0.5,
        "constant": lambda: np.full((height, width), rng.choice([0, 0.25, 0.5, 1])),
        "ramp": lambda: columns / width,
        "speck": lambda: (abs(rows - height // 2) < 2) & (abs(columns - width // 3) < 2),
        "line": lambda: rows == height // 2,
        "disc": lambda: np.hypot(rows - height / 2, columns - width / 2) < 0.4 * min(height, width),
        "smooth": lambda: cv2.GaussianBlur(rng.random((height, width)), (0, 0), 3),
    }[kind]()
    return image.astype(np.float32)


@settings(max_examples=200, deadline=None)
@given(
    task=st.sampled_from(TASKS),
    kind=st.sampled_from(["noise", "binary", "constant", "ramp", "speck", "line", "disc", "smooth"]),
    height=st.integers(32, 160),
    width=st.integers(32, 160),
    seed=st.integers(0, 2**32),
    profile=st.sampled_from(PROFILES),
    foreground=st.booleans(),
)
def test_the_mask_is_the_truth(task, kind, height, width, seed, profile, foreground):
    values = SynthesisSettings.from_dict(
        {"profile": profile, "foreground": foreground, "second_anomaly_probability": 0.8}
    )
    base = make(kind, height, width, seed)
    kept = base.copy()
    support = np.stack([base, make("smooth", height, width, seed + 1)])
    image, mask = synthesize(base, support, task=task, rng=generator(seed), settings=values)
    check(base, image, mask, task)
    np.testing.assert_array_equal(base, kept)
    again, mask_again = synthesize(base, support, task=task, rng=generator(seed), settings=values)
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(mask, mask_again)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("size", [(1024, 32), (1024, 1024), (300, 701)])
def test_large_and_oblong_images(task, size, phantom):
    base = phantom(*size)
    image, mask = synthesize(base, base[None], task=task, rng=generator(1, task))
    check(base, image, mask, task)


def test_thousands_of_draws(support):
    stream = AnomalyStream(support, seed=5)
    for index in range(3000):
        image, mask = stream.draw(0, index)
        check(support[index % 4], image, mask, stream.task(0, index))


def test_anomalies_land_on_anatomy(phantom):
    base = phantom(128, 128)
    rows, columns = np.mgrid[:128, :128]
    # The organ, and the cell or two by which a generous foreground may exceed it.
    organ = np.hypot((rows - 64) / (0.42 * 128), (columns - 64) / (0.38 * 128)) < 1.08
    for task in TASKS[1:]:
        for seed in range(25):
            _, mask = synthesize(base, base[None], task=task, rng=generator(task, seed))
            assert not (mask & ~organ).any()


def test_without_foreground_they_land_anywhere(phantom):
    base = phantom(128, 128)
    everywhere = SynthesisSettings(foreground=False)
    union = np.zeros_like(base, dtype=bool)
    for seed in range(200):
        union |= synthesize(base, base[None], task="gaussian", rng=generator(seed), settings=everywhere)[1]
    assert union[:20].any(axis=0).mean() > 0.9
    assert union.mean() > 0.9


def test_a_second_anomaly_appears_as_often_as_asked():
    base = np.full((200, 200), 0.5, dtype=np.float32)
    counts = {}
    for probability in (0.0, 1.0):
        values = SynthesisSettings.from_dict(
            {
                "second_anomaly_probability": probability,
                "density": {"side": [0.1, 0.1], "irregularity": [0, 0], "bright_probability": 1},
            }
        )
        masks = [
            synthesize(base, base[None], task="density", rng=generator(seed), settings=values)[1]
            for seed in range(40)
        ]
        counts[probability] = [cv2.connectedComponents(mask.astype(np.uint8))[0] - 1 for mask in masks]
    assert set(counts[0.0]) == {1}
    assert set(counts[1.0]) <= {1, 2}  # two that touch count as one
    assert np.mean(counts[1.0]) > 1.8


@pytest.mark.parametrize("task", TASKS[1:])
def test_every_anomaly_can_be_seen(task, support):
    values = SynthesisSettings(second_anomaly_probability=0, label_closing=0)
    for seed in range(40):
        image, mask = synthesize(support[0], support, task=task, rng=generator(seed), settings=values)
        assert np.abs(image - support[0])[mask].mean() >= 0.02


def test_where_nothing_can_be_seen_an_ellipse_is_shifted():
    faint = (0.3 + 0.005 * np.random.default_rng(0).random((96, 96))).astype(np.float32)
    values = SynthesisSettings(second_anomaly_probability=0, fallback_shift=0.2)
    for task in ("cutpaste", "poisson", "source", "sink", "guided"):
        image, mask = synthesize(faint, faint[None], task=task, rng=generator(task), settings=values)
        np.testing.assert_allclose((image - faint)[mask], 0.2, atol=1e-6)


@pytest.mark.parametrize("closing", [0.0, 5.0])
def test_closing_fills_gaps_only(closing, support):
    settings_ = SynthesisSettings(label_closing=closing, second_anomaly_probability=0)
    extra = 0
    for seed in range(20):
        image, mask = synthesize(support[0], support, task="guided", rng=generator(seed), settings=settings_)
        extra += (mask & ~(np.abs(image - support[0]) > HALF_A_GREY_LEVEL)).sum()
    assert (extra == 0) == (closing == 0)


def test_support_and_image_may_differ_in_size(phantom):
    base, support = phantom(64, 96), phantom(200, 150)[None]
    image, mask = synthesize(base, support, task="poisson", rng=generator(0))
    check(base, image, mask, "poisson")


def test_memory_order_does_not_matter(phantom):
    base = phantom(96, 80)
    for task in TASKS:
        image, mask = synthesize(base, base[None], task=task, rng=generator(task))
        turned = np.asfortranarray(base)
        other, other_mask = synthesize(turned, turned[None], task=task, rng=generator(task))
        np.testing.assert_array_equal(image, other)
        np.testing.assert_array_equal(mask, other_mask)


@pytest.mark.parametrize(
    ("image", "fragment"),
    [
        (np.zeros((64, 64)), "float64"),
        (np.zeros((64, 64, 3), np.float32), "(64, 64, 3)"),
        (np.zeros((31, 64), np.float32), "(31, 64)"),
        (np.zeros((64, 1025), np.float32), "1025"),
        (np.full((64, 64), 1.5, np.float32), "1.5"),
        (np.full((64, 64), np.nan, np.float32), "nan"),
        ([[0.0]], "list"),
    ],
)
def test_bad_images_are_refused(image, fragment):
    good = np.zeros((64, 64), np.float32)
    with pytest.raises(InputError, match="image") as caught:
        synthesize(image, good[None], task="identity", rng=generator(0))
    assert fragment in str(caught.value)
    with pytest.raises(InputError, match="support"):
        synthesize(good, good, task="identity", rng=generator(0))


def test_an_unknown_task_is_refused():
    good = np.zeros((64, 64), np.float32)
    with pytest.raises(InputError, match="cutpast") as caught:
        synthesize(good, good[None], task="cutpast", rng=generator(0))
    assert "cutpaste" in str(caught.value)


@pytest.mark.parametrize(
    ("folder", "profile"),
    [("brainmri/no", "brain_mri"), ("busi/normal", "breast_ultrasound"), ("cxr/NORMAL", "chest_xray")],
)
def test_real_images(real_data, folder, profile):
    files = [file for file in sorted((real_data / folder).iterdir()) if "mask" not in file.name][:8]
    grey = [cv2.resize(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), (224, 224)) for file in files]
    support = np.stack(grey).astype(np.float32) / 255
    values = SynthesisSettings.from_dict({"profile": profile})
    for task in TASKS:
        for seed in range(25):
            base = support[seed % 8]
            image, mask = synthesize(base, support, task=task, rng=generator(task, seed), settings=values)
            check(base, image, mask, task)
