import zipfile

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import PixelCounts

SHAPES = hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=8)
# Drawn from few values, with both zeros, subnormals and the largest float16, so that ties are common.
VALUES = st.sampled_from([-65504.0, -1.5, -6e-8, -0.0, 0.0, 6e-8, 1e-5, 0.25, 0.2500001, 1.0, 3.0, 65504.0])


@st.composite
def labelled_maps(draw, values=VALUES):
    shape = draw(SHAPES)
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    maps = draw(hnp.arrays(np.float64, shape, elements=values)).astype(dtype)
    masks = draw(hnp.arrays(bool, shape))
    assume(0 < masks.sum() < masks.size)
    return maps, masks


def naive_aupro(maps, masks, limit):
    """Loop over thresholds and regions, then trapezoids to the limit."""
    regions = []
    for index, mask in enumerate(masks):
        labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
        regions += [maps[index][labels == r + 1] for r in range(count)]
    normal = maps[~masks]
    fpr, overlap = [0.0], [0.0]
    for threshold in np.unique(maps)[::-1]:
        fpr.append(np.mean(normal >= threshold))
        overlap.append(np.mean([np.mean(region >= threshold) for region in regions]))
    area = 0.0
    for x0, x1, y0, y1 in zip(fpr, fpr[1:], overlap, overlap[1:], strict=False):
        if x1 <= limit:
            area += (x1 - x0) * (y0 + y1) / 2
        elif x0 < limit:
            y_limit = y0 + (y1 - y0) * (limit - x0) / (x1 - x0)
            area += (limit - x0) * (y0 + y_limit) / 2
    return area / limit


@given(labelled_maps())
def test_auroc_and_ap_are_those_of_scikit_learn(data):
    maps, masks = data
    counts = PixelCounts().update(maps, masks)
    truth, scores = masks.ravel(), maps.astype(np.float16).astype(np.float64).ravel()
    assert counts.auroc() == pytest.approx(roc_auc_score(truth, scores), abs=1e-9)
    assert counts.ap() == pytest.approx(average_precision_score(truth, scores), abs=1e-9)


@given(labelled_maps(), st.sampled_from([0.01, 0.05, 0.3, 0.5, 1.0]))
def test_aupro_is_that_of_a_naive_loop(data, limit):
    maps, masks = data
    expected = naive_aupro(maps.astype(np.float16).astype(np.float64), masks, limit)
    assert PixelCounts().update(maps, masks).aupro(limit) == pytest.approx(expected, abs=1e-9)


@given(labelled_maps(st.floats(-2, 2)))
def test_rounding_to_float16_moves_the_auroc_by_no_more_than_the_slack(data):
    maps, masks = data
    counts = PixelCounts().update(maps, masks)
    unrounded = roc_auc_score(masks.ravel(), maps.ravel())
    assert abs(counts.auroc() - unrounded) <= counts.auroc_slack() + 1e-12


@settings(max_examples=40)
@given(labelled_maps(), st.randoms(use_true_random=False))
def test_neither_order_nor_grouping_changes_a_bit(data, random):
    maps, masks = data
    whole = PixelCounts().update(maps, masks)
    order = list(range(len(maps)))
    random.shuffle(order)
    parts = [PixelCounts().update(maps[i : i + 1], masks[i : i + 1]) for i in order]
    total = sum(parts[1:], parts[0])
    assert total == whole
    assert (total.auroc(), total.ap(), total.aupro()) == (whole.auroc(), whole.ap(), whole.aupro())


def test_many_images_are_counted_in_chunks_alike():
    rng = np.random.default_rng(3)
    maps = rng.random((30, 256, 256)).astype(np.float32)
    masks = rng.random((30, 64, 64)).repeat(4, 1).repeat(4, 2) > 0.9
    whole, streamed = PixelCounts().update(maps, masks), PixelCounts()
    for start in range(0, 30, 7):
        streamed.update(maps[start : start + 7], masks[start : start + 7])
    assert whole == streamed
    scores = maps.astype(np.float16).ravel().astype(np.float64)
    assert whole.auroc() == pytest.approx(roc_auc_score(masks.ravel(), scores), abs=1e-9)
    assert whole.ap() == pytest.approx(average_precision_score(masks.ravel(), scores), abs=1e-9)
    assert whole.aupro(0.3) == pytest.approx(naive_aupro_by_histogram(scores, masks), abs=1e-9)


def naive_aupro_by_histogram(scores, masks):
    """The same area from scikit-learn's ROC curve of pixels weighted by 1 / region size."""
    weights = np.ones(masks.shape)
    for mask, weight in zip(masks, weights, strict=True):
        labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
        weight[mask] = 1 / np.bincount(labels.ravel())[labels[mask]]
    fpr, overlap, _ = roc_curve(
        masks.ravel(), scores, sample_weight=np.where(masks, weights, 1).ravel(), drop_intermediate=False
    )
    x = np.append(fpr[fpr < 0.3], 0.3)
    return np.trapezoid(np.interp(x, fpr, overlap), x) / 0.3


def test_sums_beyond_64_bits_stay_exact():
    rng = np.random.default_rng(4)
    maps, masks = rng.normal(size=(4, 40, 40)).round(1), np.zeros((4, 40, 40), bool)
    masks[:, 5:25, 5:30] = True
    small = PixelCounts().update(maps, masks)
    large = small
    for _ in range(20):
        large = large + large
    assert large.positives * large.negatives > 2**63
    assert (large.auroc(), large.auroc_slack()) == (small.auroc(), small.auroc_slack())
    assert large.aupro() == pytest.approx(small.aupro(), abs=1e-15)
    with pytest.raises(InputError, match="too many regions"):
        large + large


def test_hand_calculation():
    maps = np.array([[[0.9, 0.2, 0.5], [0.1, 0.1, 0.1], [0.6, 0.1, 0.1]]])
    masks = np.array([[[True, True, False], [False, False, False], [True, False, False]]])
    counts = PixelCounts().update(maps, masks)
    assert (counts.positives, counts.negatives, counts.regions) == (3, 6, 2)
    # 0.9 and 0.6 beat all six normal pixels; 0.2 beats five of them.
    assert counts.auroc() == pytest.approx(17 / 18)
    # Overlap: 1/4 at 0.9, 3/4 at 0.6, all at 0.2; the false positive rate is 0, 0 and 1/6 there.
    assert counts.aupro(1 / 6) == pytest.approx(3 / 4)
    assert counts.aupro(1.0) == pytest.approx(3 / 4 * 1 / 6 + 1 * 5 / 6)


def test_constant_maps_rank_at_random():
    masks = np.zeros((1, 4, 5), bool)
    masks[0, :2, :2] = True
    counts = PixelCounts().update(np.full((1, 4, 5), 0.3), masks)
    assert (counts.auroc(), counts.auroc_slack()) == (0.5, 0.5)
    assert counts.ap() == pytest.approx(4 / 20)
    # A straight line from (0, 0) to (1, 1): half the limit.
    assert counts.aupro(0.3) == pytest.approx(0.15)


def test_perfect_maps_score_1():
    masks = np.random.default_rng(5).random((2, 9, 9)) > 0.8
    counts = PixelCounts().update(masks.astype(np.float32), masks)
    assert (counts.auroc(), counts.ap(), counts.aupro(), counts.auroc_slack()) == (1.0, 1.0, 1.0, 0.0)


def test_curves_end_where_they_should():
    rng = np.random.default_rng(6)
    maps, masks = rng.random((2, 12, 12)), rng.random((2, 12, 12)) > 0.7
    counts = PixelCounts().update(maps, masks)
    for x, y in (counts.roc(), counts.pro()):
        assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
        assert (np.diff(x) >= 0).all()
        assert (np.diff(y) >= 0).all()
    fpr, tpr = counts.roc()
    assert np.trapezoid(tpr, fpr) == pytest.approx(counts.auroc(), abs=1e-12)


@pytest.mark.parametrize(("mask", "kind"), [(False, "anomalous"), (True, "normal")])
def test_one_kind_of_pixel_is_not_enough(mask, kind):
    counts = PixelCounts().update(np.zeros((1, 3, 3)), np.full((1, 3, 3), mask))
    for metric in (counts.auroc, counts.ap, counts.aupro, counts.auroc_slack, counts.roc, counts.pro):
        with pytest.raises(InputError, match=f"no {kind} pixel"):
            metric()


def test_no_image_counts_nothing():
    assert PixelCounts().update(np.zeros((0, 4, 4)), np.zeros((0, 4, 4), bool)) == PixelCounts()


def test_a_refused_batch_leaves_the_counts_as_they_were():
    maps, masks = np.zeros((40, 300, 300), np.float32), np.zeros((40, 300, 300), bool)
    maps[-1, 0, 0] = np.nan
    counts = PixelCounts()
    with pytest.raises(InputError, match="not all finite"):
        counts.update(maps, masks)
    assert counts == PixelCounts()


@pytest.mark.parametrize("limit", [0, -0.1, 1.1, np.nan])
def test_an_integration_limit_is_a_rate(limit):
    counts = PixelCounts().update(np.array([[[0.1, 0.2]]]), np.array([[[True, False]]]))
    with pytest.raises(InputError, match="integration limit"):
        counts.aupro(limit)


@settings(max_examples=20)
@given(labelled_maps())
def test_a_saved_file_gives_the_counts_back_and_equal_counts_equal_bytes(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("counts")
    counts = PixelCounts().update(*data)
    counts.save(folder / "a.npz")
    PixelCounts.load(folder / "a.npz").save(folder / "b.npz")
    assert PixelCounts.load(folder / "a.npz") == counts
    assert (folder / "a.npz").read_bytes() == (folder / "b.npz").read_bytes()


def test_a_file_that_is_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match="there are no pixel counts"):
        PixelCounts.load(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("no counts")
    np.savez(tmp_path / "other.npz", positive=np.zeros(3))
    for name in ("text.npz", "other.npz"):
        with pytest.raises(InputError, match=name):
            PixelCounts.load(tmp_path / name)
    whole = PixelCounts().update(np.array([[[0.1, 0.2]]]), np.array([[[True, False]]]))
    whole.save(tmp_path / "whole.npz")
    with np.load(tmp_path / "whole.npz") as stored:
        arrays = dict(stored)
    arrays["mass"] = arrays["mass"] // 2
    np.savez(tmp_path / "damaged.npz", **arrays)
    with pytest.raises(InputError, match="damaged or of another version"):
        PixelCounts.load(tmp_path / "damaged.npz")


def test_a_header_that_claims_other_arrays_takes_no_memory(tmp_path):
    PixelCounts().save(tmp_path / "whole.npz")
    with (
        zipfile.ZipFile(tmp_path / "whole.npz") as source,
        zipfile.ZipFile(tmp_path / "a.npz", "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == "mass.npy":
                header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000,), }"
                content = content[:10] + header.ljust(len(content[10:128]) - 1) + b"\n" + content[128:]
            target.writestr(name, content)
    with pytest.raises(InputError, match=r"a\.npz: the file holds no pixel counts"):
        PixelCounts.load(tmp_path / "a.npz")


def test_counts_do_not_compare_or_add_with_other_things():
    assert PixelCounts() != 0
    with pytest.raises(TypeError):
        PixelCounts() + 1
    with pytest.raises(TypeError):
        hash(PixelCounts())
