"""Baselines that learn from the thesis's anomalies: what they are shown, and that it matters."""

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create
from fusionmedclip.baselines.cutpaste.views import shift_and_jitter
from fusionmedclip.baselines.made_anomalies import MadeAnomalies
from fusionmedclip.baselines.simplenet.detector import covered_patches
from fusionmedclip.config import load_config
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator
from fusionmedclip.reporting.tables.rows import Run, run_settings
from fusionmedclip.synthesis import SynthesisSettings

FAMILIES = ["deformation", "density", "structural"]
CASES = {
    "simplenet": {"layers": ["layer2"], "target_dim": 16, "hidden": 8, "steps": 3, "train_batch": 2},
    "cutpaste": {"image_size": 64, "layer": "layer2", "steps": 2, "train_batch": 2, "head": [8]},
    "squid": {
        "image_size": 32, "width": 4, "heads": 4, "queue_slots": 8, "matrix_slots": 8, "steps": 3,
        "train_batch": 2,
    },
}  # fmt: skip


def made(images, seed=0, purpose="test", **settings) -> MadeAnomalies:
    return MadeAnomalies(images, SynthesisSettings.from_dict(settings), seed=seed, purpose=purpose)


def scores(kind, backbone, phantoms, *, seed=0, **more) -> bytes:
    backbone = {} if kind == "squid" else {"backbone": backbone}
    detector = create(kind, **backbone, **CASES[kind], **more).fit(phantoms[0][:3], seed=seed)
    return detector.score(phantoms[1][:3]).scores.tobytes()


def test_every_draw_is_anomalous_and_marked_where_it_is(phantoms):
    images = phantoms[0][:3]
    stream = made(images)
    assert stream.families == FAMILIES  # the default mixture, identity aside
    rows = [0, 2, 1, 2] * 25
    drawn, masks = stream.batch(7, rows)
    for image, mask, row in zip(drawn, masks, rows, strict=True):
        assert mask.any()
        np.testing.assert_array_equal(image[~mask], images[row][~mask])
        assert (image[mask] != images[row][mask]).any()


def test_a_draw_depends_on_seed_purpose_step_and_row_alone(phantoms):
    images = phantoms[0][:3]
    one, other = made(images), made(images)
    backwards = [other.batch(4, [row])[0][0] for row in (2, 1, 0)][::-1]
    np.testing.assert_array_equal(one.batch(4, [0, 1, 2])[0], backwards)
    found = {
        stream.batch(step, [0])[0].tobytes()
        for stream in (one, made(images, seed=1), made(images, purpose="another"))
        for step in (0, 1)
    }
    assert len(found) == 6


def test_odds_of_the_mixture_are_kept(phantoms):
    """Families of odds 0, and tasks of odds 0, are no part of it; the rest at 3 to 1."""
    families = {
        "warp": {"source": 1, "identity": 5},
        "grey": {"gaussian": 1, "density": 0},
        "none": {"identity": 1},
        "unused": {"cutpaste": 1},
    }
    odds = {"warp": 1, "grey": 3, "none": 9, "unused": 0}
    stream = made(phantoms[0][:2], families=families, family_odds=odds)
    assert stream.families == ["grey", "warp"]
    tasks = [stream._mixed.task(0, index) for index in range(400)]
    assert set(tasks) == {"gaussian", "source"}
    assert tasks.count("gaussian") == pytest.approx(300, abs=35)  # four deviations
    assert {stream._apart["warp"].task(0, index) for index in range(20)} == {"source"}


@pytest.mark.parametrize("kind", CASES)
def test_a_mixture_without_anomalies_is_refused_with_the_settings(kind):
    from fusionmedclip.methods import check_settings

    with pytest.raises(InputError, match="makes no anomaly"):
        check_settings(kind, {"synthesis": {"families": {"none": {"identity": 1}}}}, where=kind)
    with pytest.raises(InputError, match=r"(?s)synthesis\.prest.*preset"):
        check_settings(kind, {"synthesis": {"prest": "thesis"}}, where=kind)


@pytest.mark.parametrize("kind", ["patchcore", "anoddpm", "regad", "patch_nn"])
def test_methods_that_count_every_image_as_normal_have_no_place_for_anomalies(kind):
    from fusionmedclip.methods import check_settings

    with pytest.raises(InputError, match=f"unknown key {kind}.synthesis"):
        check_settings(kind, {"synthesis": {"preset": "thesis"}}, where=kind)


def test_patches_that_an_anomaly_covers_by_half_or_most():
    masks = np.zeros((3, 8, 8), dtype=bool)
    masks[0, :4, :6] = True  # cells of 4 x 4: the first whole, the second by half
    masks[0, 4:, :1] = True  # the third by a quarter
    masks[1, 6:, 6:] = True  # no half of any cell: the one that has most
    covered = covered_patches(torch.as_tensor(masks), (2, 2))
    assert covered.tolist() == [
        [True, True, False, False],
        [False, False, False, True],
        [False, False, False, False],
    ]


def test_simplenets_fakes_are_the_patches_of_anomalies(resnet, phantoms):
    """With each cell's mean for a feature: what is taken lies under the mask, and nothing else does."""
    images = phantoms[0][:3]
    settings = {
        "layers": ["layer2"],
        "embedding": "average",
        "patch_size": 1,
        "synthesis": {"preset": "thesis"},
    }
    detector = create("simplenet", backbone=resnet, **settings)

    def cells(pictures: np.ndarray) -> np.ndarray:
        return pictures.reshape(len(pictures), 8, 8, 8, 8).mean(axis=(2, 4))

    detector.features = lambda pictures: [cells(pictures)[:, None].astype("f4")]
    stream = made(images)
    _taken, shown, covered = detector._drawn(stream, 0, 1, (8, 8), 5, np.array([2, 0]))
    drawn, masks = stream.batch(5, [2, 0])
    assert np.array_equal(shown, drawn)
    found = detector._patches(detector.features(shown)).flatten(0, 1)[covered]
    expected = []
    for picture, mask in zip(cells(drawn), cells(masks.astype("f4")), strict=True):
        least = min(0.5, mask.max())
        expected += [
            picture[i, j] for i in range(8) for j in range(8) if mask[i, j] > 0 and mask[i, j] >= least
        ]
    np.testing.assert_allclose(found[:, 0].numpy(), np.array(expected, "f4"), rtol=1e-6)


def test_cutpastes_classes_are_normal_and_the_families(resnet, phantoms):
    images = phantoms[0][:3]
    detector = create("cutpaste", backbone=resnet, **CASES["cutpaste"], synthesis={"preset": "thesis"})
    stream = made(images)
    views, labels = detector._made_views(images, stream, np.array([2, 0]), seed=3, step=1)
    assert labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert detector._classifier(0)[-1].out_features == 4
    wanted = [images[2], images[0]]
    wanted += [stream.of_family(family, 1, row) for family in FAMILIES for row in (2, 0)]
    for place, (view, image) in enumerate(zip(views, wanted, strict=True)):
        rng = generator(3, "cutpaste", "views", 1, place % 2)  # the same move and jitter for all of a row
        np.testing.assert_array_equal(view, shift_and_jitter(image, rng, detector.settings))


def test_squids_discriminator_sees_anomalies_moved_as_the_real_views(phantoms):
    images = np.ascontiguousarray(phantoms[0][:3])
    detector = create("squid", **{**CASES["squid"], "image_size": 64, "translation": 0.0, "scaling": 0.0})
    stream, rows = made(images), np.array([1, 2])
    real, fakes = detector._views(images, stream, 0, 4, rows)
    assert len(detector._views(images, None, 0, 4, rows)) == 1
    _, masks = stream.batch(4, rows)
    changed = (fakes - real).abs().squeeze(1).numpy() > 0.5 / 255
    assert changed.any(axis=(1, 2)).all()
    assert not (changed & ~masks).any()


@pytest.mark.parametrize("kind", CASES)
def test_the_setting_changes_what_is_learnt_and_the_seed_alone_decides_it(kind, resnet, phantoms):
    plain = scores(kind, resnet, phantoms)
    first, again = (scores(kind, resnet, phantoms, synthesis={"preset": "thesis"}) for _ in range(2))
    assert first == again
    assert len({plain, first, scores(kind, resnet, phantoms, synthesis={"preset": "parent"})}) == 3
    assert first != scores(kind, resnet, phantoms, synthesis={"preset": "thesis"}, seed=1)


def test_the_overlay_gives_each_baseline_the_data_sets_profile(root):
    config = load_config([root / "config.yaml", root / "configs" / "strategy.yaml"])
    for dataset, profile in (("chexpert", "chest_xray"), ("busi", "breast_ultrasound")):
        for kind in CASES:
            method = run_settings(config, Run(dataset, "paper", f"{kind}_strategy", 16, 0))["method"]
            assert method["kind"] == kind
            assert method["settings"]["synthesis"] == {"preset": "thesis", "profile": profile}
            official = run_settings(config, Run(dataset, "paper", kind, 16, 0))["method"]["settings"]
            assert "synthesis" not in official


@pytest.mark.parametrize("overlay", ["demo", "offline"])
def test_the_overlay_goes_with_the_other_tiers(root, overlay):
    names = ["config.yaml", f"configs/{overlay}.yaml", "configs/strategy.yaml"]
    config = load_config([root / name for name in names])
    for kind in CASES:
        tier, ours = config.method(kind), config.method(f"{kind}_strategy")
        assert ours["settings"] == {**tier["settings"], "synthesis": {"preset": "thesis"}}
        assert ours["backbone"] == tier["backbone"]
