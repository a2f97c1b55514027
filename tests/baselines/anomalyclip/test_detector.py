"""AnomalyCLIP: what it learns from and what not, other towers, what is saved; figures are in `official`."""

import numpy as np
import pytest

from fusionmedclip.baselines import create
from fusionmedclip.baselines.anomalyclip.settings import AnomalyCLIPSettings
from fusionmedclip.errors import InputError
from fusionmedclip.models.detector import LabelledSet
from fusionmedclip.randomness import generator

SMALL = {"text_depth": 2, "meta_steps": 6, "meta_batch": 4, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def other(phantoms):
    """Six normal images and six with a made square, and its mask."""
    images = phantoms[0].copy()
    labels = np.array([0, 1] * 6)
    masks = np.zeros(images.shape, np.uint8)
    masks[1::2, 16:40, 16:40] = 1
    images[masks == 1] = 1 - images[masks == 1]
    return LabelledSet(images, labels, masks)


def learnt(backbone, sets, **settings):
    rows = []
    made = create("anomalyclip", backbone=backbone, **{**SMALL, **settings})
    return made.learn(sets, seed=3, progress=rows.append), rows


def test_it_learns_to_tell_what_it_is_shown(tiny_clip, other):
    _, rows = learnt(tiny_clip, {"other": other}, meta_steps=40, meta_batch=12)
    for loss in ("image_loss", "local_loss"):
        assert rows[-1][loss] < 0.9 * rows[0][loss], loss


def test_the_support_set_teaches_nothing_and_what_was_learnt_is_taken(tiny_clip, other, phantoms, tmp_path):
    made, _ = learnt(tiny_clip, {"other": other})
    made.save_learnt(tmp_path)
    expected = made.score(phantoms[1])
    for support, seed in ((phantoms[0][:2], 3), (phantoms[0][5:9], 8)):
        taken = create("anomalyclip", backbone=tiny_clip, **SMALL).fit(support, seed=seed, learnt=tmp_path)
        found = taken.score(phantoms[1])
        assert np.array_equal(found.scores, expected.scores)
        assert np.array_equal(found.maps, expected.maps)
        assert taken.trained_parameters() == made.trained_parameters() == {"prompts": (2 * 12 + 4) * 32}
    at_once = create("anomalyclip", backbone=tiny_clip, **SMALL).fit(
        phantoms[0][:1], seed=3, meta={"other": other}
    )
    assert np.array_equal(at_once.score(phantoms[1]).scores, expected.scores)


def test_pixels_teach_where_a_set_has_masks_and_normals_of_such_a_set_need_none(tiny_clip, other):
    unknown = np.full_like(other.masks, 2)
    without = other._replace(masks=unknown)
    _, rows = learnt(tiny_clip, {"other": without})
    assert all("local_loss" not in row for row in rows)
    # One abnormal image without a mask among others with one.
    some = other.masks.copy()
    some[1], some[::2] = 2, 2
    lost = LabelledSet(other.images[1:2], other.labels[1:2], some[1:2])
    _, rows = learnt(tiny_clip, {"a": other._replace(masks=some)}, meta_batch=12, meta_steps=1)
    kept = [row for row in range(12) if row != 1]
    rest = LabelledSet(*(part[kept] for part in other))
    _, expected = learnt(tiny_clip, {"a": rest, "b": lost}, meta_batch=12, meta_steps=1)
    assert rows[0]["local_loss"] == pytest.approx(expected[0]["local_loss"], rel=1e-5)
    assert rows[0]["image_loss"] == pytest.approx(expected[0]["image_loss"], rel=1e-5)


def test_labels_and_masks_decide_what_is_learnt(tiny_clip, other, phantoms):
    swapped = other._replace(labels=1 - other.labels)
    moved = other._replace(masks=np.roll(other.masks, 20, axis=2))
    scores = [
        learnt(tiny_clip, {"other": one})[0].score(phantoms[1]).scores for one in (other, swapped, moved)
    ]
    assert not np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_an_image_scores_the_same_alone(tiny_clip, other, phantoms):
    made, _ = learnt(tiny_clip, {"other": other})
    together, alone = made.score(phantoms[1]), made.score(phantoms[1][2:3])
    np.testing.assert_allclose(alone.scores[0], together.scores[2], rtol=1e-5)
    assert together.scores.shape == (6,)
    assert together.maps.shape == phantoms[1].shape


def test_a_convolutional_tower_gives_maps_and_scores(other, phantoms):
    model = {
        "embed_dim": 16,
        "vision_cfg": {"timm_model_name": "test_resnet", "timm_pool": "avg", "timm_proj": "linear",
                       "image_size": 64},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }  # fmt: skip
    made, _ = learnt({"model": model, "image_size": 64}, {"other": other})
    found = made.score(phantoms[1])
    assert found.maps.shape == phantoms[1].shape
    assert np.isfinite(found.maps).all()
    assert np.ptp(found.scores) > 0


def test_colour_is_taken_as_it_is(tiny_clip, other, phantoms):
    colour = other._replace(images=np.repeat(other.images[..., None], 3, axis=3))
    grey, _ = learnt(tiny_clip, {"other": other})
    same, _ = learnt(tiny_clip, {"other": colour})
    np.testing.assert_allclose(same.score(phantoms[1]).scores, grey.score(phantoms[1]).scores, rtol=1e-4)


def test_what_it_cannot_take_is_refused(resnet, tiny_clip, other, phantoms):
    with pytest.raises(InputError, match="text tower"):
        create("anomalyclip", backbone=resnet)
    with pytest.raises(InputError, match=r"(?s)`abnormal`.*broken.*once"):
        AnomalyCLIPSettings(abnormal="broken")
    with pytest.raises(InputError, match=r"(?s)`deep_tokens`.*5.*up to `context_tokens`, 4"):
        AnomalyCLIPSettings(context_tokens=4, deep_tokens=5)
    with pytest.raises(InputError, match="was not fitted"):
        create("anomalyclip", backbone=tiny_clip, **SMALL).score(phantoms[1])
    made = create("anomalyclip", backbone=tiny_clip, **SMALL)
    with pytest.raises(InputError, match=r"(?s)nothing to learn from.*\{\}"):
        made.fit(phantoms[0][:2])
    normals = LabelledSet(other.images[::2], other.labels[::2], other.masks[::2])
    with pytest.raises(InputError, match="6 images, 0 abnormal"):
        made.learn({"other": normals})


def test_random_images_are_no_reason_to_fail(tiny_clip):
    """Noise in one set, a single image in the other."""
    noise = generator(1, "noise").random((3, 64, 64), np.float32)
    one = LabelledSet(noise[:2], np.zeros(2, np.int64), np.full((2, 64, 64), 2, np.uint8))
    two = LabelledSet(noise[2:], np.ones(1, np.int64), np.ones((1, 64, 64), np.uint8))
    _, rows = learnt(tiny_clip, {"one": one, "two": two}, meta_steps=3)
    assert all(np.isfinite(list(row.values())).all() for row in rows)
