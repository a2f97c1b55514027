from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from fusionmedclip.metrics.float16_bins import BINS
from fusionmedclip.metrics.regions import MAX_REGIONS, REGION_MASS, region_mass, regions_of

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=3, max_dims=3, max_side=9))


def same_grouping(first, second):
    """Whether two labelings group the same pixels, whatever the numbers."""
    pairs = {(int(a), int(b)) for a, b in zip(first, second, strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


@given(masks)
def test_regions_are_those_of_scipy(mask):
    expected, count = [], 0
    for one in mask:
        labels, found = ndimage.label(one, structure=np.ones((3, 3)))
        expected.append(labels[one] + count)
        count += found
    region, seen = regions_of(mask)
    assert seen == count
    assert same_grouping(region, np.concatenate(expected))
    assert sorted(set(region.tolist())) == list(range(count))


def test_corners_connect_and_images_do_not():
    mask = np.zeros((2, 3, 3), bool)
    mask[:, 0, 0] = mask[:, 1, 1] = True
    assert regions_of(mask)[1] == 2
    assert regions_of(mask)[0].tolist() == [0, 0, 1, 1]


def test_no_region():
    region, count = regions_of(np.zeros((3, 4, 4), bool))
    assert (region.size, count) == (0, 0)
    assert region_mass(np.zeros(0, np.int64), region, count).sum() == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=40))
def test_mass_is_the_summed_overlap_to_one_part_in_2_to_the_40(pixels):
    bins = np.array([bin_ for bin_, _ in pixels]) * 13_000
    _, region = np.unique([owner for _, owner in pixels], return_inverse=True)
    count = int(region.max()) + 1
    mass = region_mass(bins, region, count)
    assert mass.shape == (BINS,)
    assert (mass >= 0).all()
    assert mass.sum() == count * REGION_MASS
    for threshold in range(0, BINS, 6_500):
        exact = sum(
            Fraction(int(((region == r) & (bins >= threshold)).sum()), int((region == r).sum()))
            for r in range(count)
        )
        kept = Fraction(int(mass[threshold:].sum()), REGION_MASS)
        assert 0 <= exact - kept < count * Fraction(1, REGION_MASS)


def test_the_sum_of_the_most_regions_fits_64_bits():
    assert MAX_REGIONS * REGION_MASS < 2**63
