"""Augmented and plain views of pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fusionmedclip.training.pretrain.augment import augment, centre_crop, decode, stored_side
from fusionmedclip.training.pretrain.settings import AugmentSettings

NOTHING = {"crop_scale": None, "brightness": 0, "contrast": 0, "rotation": 0, "flip": False}
OFF = AugmentSettings(**NOTHING)


def ramp(height: int, width: int) -> np.ndarray:
    """Grey that tells where it is: rows in steps of 2, columns in steps of 1."""
    return (2 * np.arange(height)[:, None] + np.arange(width)[None]).astype(np.uint8)


def view(picture: np.ndarray, settings: AugmentSettings, draw: int = 0, size: int = 32) -> np.ndarray:
    return augment(picture, size=size, settings=settings, rng=np.random.default_rng(draw))


def test_everything_off_is_the_centre_crop():
    picture = ramp(32, 48)
    assert np.array_equal(view(picture, OFF), picture[:, 8:40].astype(np.float32) / 255)
    assert np.array_equal(centre_crop(picture, 32), view(picture, OFF))


@pytest.mark.parametrize("change", [{"crop_scale": (0.5, 1.0)}, {"rotation": 10.0}, {"brightness": 0.3},
                                    {"contrast": 0.3}, {"flip": True}])  # fmt: skip
def test_each_augmentation_can_be_switched(change: dict):
    settings = AugmentSettings(**{**NOTHING, **change})
    picture = ramp(40, 40)
    views = [view(picture, settings, draw) for draw in range(8)]
    assert any(not np.array_equal(v, view(picture, OFF)) for v in views)
    assert all(v.shape == (32, 32) and v.dtype == np.float32 and 0 <= v.min() <= v.max() <= 1 for v in views)


def test_switching_one_leaves_the_draws_of_the_others():
    picture = ramp(32, 32)
    jitter = AugmentSettings(**{**NOTHING, "brightness": 0.3})
    both = AugmentSettings(**{**NOTHING, "brightness": 0.3, "flip": True})
    for draw in range(6):
        one, other = view(picture, jitter, draw), view(picture, both, draw)
        assert np.array_equal(other, one) or np.array_equal(other, one[:, ::-1])


def test_flip_mirrors_about_half_of_the_views():
    picture = ramp(32, 32)
    settings = AugmentSettings(**{**NOTHING, "flip": True})
    plain = picture.astype(np.float32) / 255
    mirrored = 0
    for draw in range(200):
        found = view(picture, settings, draw)
        assert np.array_equal(found, plain) or np.array_equal(found, plain[:, ::-1])
        mirrored += np.array_equal(found, plain[:, ::-1])
    assert 70 <= mirrored <= 130  # four standard deviations of a fair coin


def test_crops_have_the_areas_and_ratios_asked_for():
    # Position is in the grey values: 2 a row and 1 a column, so differences over the view give its extent.
    picture = ramp(80, 80)
    settings = AugmentSettings(**{**NOTHING, "crop_scale": (0.25, 0.5)})
    for draw in range(50):
        found = 255 * view(picture, settings, draw, size=16)
        height = (found[-1] - found[0]).mean() / 2 * 16 / 15
        width = (found[:, -1] - found[:, 0]).mean() * 16 / 15
        assert 0.25 * 0.9 <= height * width / 6400 <= 0.5 * 1.1
        assert 0.75 * 0.9 <= width / height <= 4 / 3 * 1.1


def test_rotation_turns_about_the_centre_and_bares_black_corners():
    picture = np.full((33, 33), 200, np.uint8)
    picture[16, 16] = 0
    settings = AugmentSettings(**{**NOTHING, "rotation": 45.0})
    found = [view(picture, settings, draw, size=33) for draw in range(5)]
    assert all(np.unravel_index(f[8:25, 8:25].argmin(), (17, 17)) == (8, 8) for f in found)
    assert any(f[0, 0] == 0 for f in found)


def test_the_order_is_table_a2s_rotation_last():
    """Jitter before rotation: what a rotation bares is black, whatever the contrast."""
    picture = np.full((33, 33), 100, np.uint8)
    turned = AugmentSettings(**{**NOTHING, "rotation": 45.0})
    jittered = AugmentSettings(**{**NOTHING, "rotation": 45.0, "contrast": 0.9, "brightness": 0.5})
    bared = 0
    for draw in range(20):
        black = view(picture, turned, draw, size=33) == 0
        assert (view(picture, jittered, draw, size=33)[black] == 0).all()
        bared += black.any()
    assert bared > 10


def test_brightness_and_contrast_factors():
    picture = np.full((32, 32), 51, np.uint8)
    bright = AugmentSettings(**{**NOTHING, "brightness": 0.5})
    values = np.array([view(picture, bright, draw)[0, 0] for draw in range(100)]) / 0.2
    assert 0.5 <= values.min() < 0.65 < 1.35 < values.max() <= 1.5
    halves = np.repeat(np.array([[64], [128]], np.uint8), 16, axis=0).repeat(32, axis=1)
    contrast = AugmentSettings(**{**NOTHING, "contrast": 0.5})
    for draw in range(20):
        found = view(halves, contrast, draw) * 255
        assert found.mean() == pytest.approx(96, abs=1e-3)
        assert 0.5 * 64 <= found[-1, 0] - found[0, 0] <= 1.5 * 64


def test_decode_shrinks_the_shorter_side_only_where_longer(tmp_path: Path):
    rng = np.random.default_rng(0)
    original = cv2.GaussianBlur(rng.integers(0, 255, (60, 90), np.uint8), (9, 9), 0)
    Image.fromarray(original).save(tmp_path / "a.png")
    assert np.array_equal(decode(str(tmp_path / "a.png"), 100), original)
    half = decode(str(tmp_path / "a.png"), 30)
    assert half.shape == (30, 45)
    blocks = original.reshape(30, 2, 45, 2).mean(axis=(1, 3))
    assert np.abs(half - blocks).max() <= 0.51


def test_stored_side_keeps_the_smallest_crop_at_full_size():
    assert stored_side(224, AugmentSettings(crop_scale=(0.25, 1.0))) == 448
    assert stored_side(224, AugmentSettings(crop_scale=None)) == 224
