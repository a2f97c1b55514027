"""Splits and support sets: properties that hold for any manifest."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionmedclip.data.splits import make_split
from fusionmedclip.data.support import draw_support
from fusionmedclip.errors import InputError


def _manifest(labels: list[int], **columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame({"image_id": [f"i{n:03d}" for n in range(len(labels))], "label": labels})
    for name in ("split", "group", "duplicate"):
        frame[name] = columns.get(name, [""] * len(labels))
    return frame


def _parts(split: pd.DataFrame, part: str) -> set[str]:
    return set(split.loc[split["part"] == part, "image_id"])


def test_paper_counts() -> None:
    manifest = _manifest([0] * 98 + [1] * 155)
    split = make_split(manifest, name="paper", test_normal=65, test_abnormal=155)
    assert list(split.columns) == ["image_id", "part", "reason"]
    assert split["part"].value_counts().to_dict() == {"test": 220, "pool": 33}
    assert _parts(split, "pool") <= set(manifest["image_id"][:98])
    again = make_split(manifest, name="paper", test_normal=65, test_abnormal=None)
    assert _parts(again, "test") == _parts(split, "test")
    other = make_split(manifest, name="paper", test_normal=65, test_abnormal=155, seed=1)
    assert _parts(other, "test") != _parts(split, "test")


def test_fewer_abnormal_wanted_than_there_are() -> None:
    split = make_split(_manifest([0] * 10 + [1] * 20), name="paper", test_normal=4, test_abnormal=7)
    assert split["part"].value_counts().to_dict() == {"left_out": 13, "test": 11, "pool": 6}


@pytest.mark.parametrize(("normal", "abnormal", "says"), [(11, 3, "fewer normal"), (5, 9, "fewer abnormal")])
def test_too_few_images(normal: int, abnormal: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make_split(_manifest([0] * 10 + [1] * 8), name="paper", test_normal=normal, test_abnormal=abnormal)


def test_a_count_is_needed_where_nothing_is_marked() -> None:
    with pytest.raises(InputError, match="no normal image is marked"):
        make_split(_manifest([0] * 10 + [1] * 8), name="paper", test_normal=None)


def test_unknown_name() -> None:
    with pytest.raises(InputError, match="unknown split"):
        make_split(_manifest([0, 1]), name="random", test_normal=1)


def test_split_of_the_source_is_kept() -> None:
    own = ["train"] * 6 + ["test"] * 5 + ["val"] * 2 + ["test"] * 4 + ["train"] * 3
    manifest = _manifest([0] * 13 + [1] * 7, split=own)
    split = make_split(manifest, name="paper", test_normal=None)
    assert _parts(split, "pool") == {f"i{n:03d}" for n in range(6)}
    assert _parts(split, "test") == {f"i{n:03d}" for n in (6, 7, 8, 9, 10, 13, 14, 15, 16)}
    assert split["reason"][11] == "split 'val' of the source"
    assert split["reason"][6] == "all are tested"
    fewer = make_split(manifest, name="paper", test_normal=3)
    assert _parts(fewer, "pool") == _parts(split, "pool")
    assert len(_parts(fewer, "test") & {f"i{n:03d}" for n in range(6, 11)}) == 3
    assert set(fewer.loc[fewer["part"] == "test", "reason"].iloc[:3]) == {"drawn"}


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_groups_never_straddle(data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.integers(0, 1), min_size=12, max_size=50))
    name = st.sampled_from(["", "", "", "g1", "g2", "g3", "g4"])
    columns = {
        c: data.draw(st.lists(name, min_size=len(labels), max_size=len(labels)))
        for c in ("group", "duplicate")
    }
    manifest = _manifest(labels, **columns)
    try:
        split = make_split(
            manifest, name="grouped", test_normal=4, test_abnormal=2, seed=data.draw(st.integers(0, 3))
        )
    except InputError:
        return  # too few images once groups are kept together
    pool, test = _parts(split, "pool"), _parts(split, "test")
    for column in ("group", "duplicate"):
        for value in ("g1", "g2", "g3", "g4"):
            members = manifest[manifest[column] == value]
            assert not (set(members["image_id"]) & pool and set(members["image_id"]) & test)
            if column == "duplicate" and members["label"].nunique() > 1:
                assert not set(members["image_id"]) & (pool | test)
    assert not pool & set(manifest.loc[manifest["label"] == 1, "image_id"])


def test_conflicts_shrink_the_test_set_not_the_pool() -> None:
    duplicate = [""] * 30
    duplicate[0] = duplicate[20] = "a"  # a normal and an abnormal image that are the same picture
    manifest = _manifest([0] * 15 + [1] * 15, duplicate=duplicate)
    paper = make_split(manifest, name="paper", test_normal=10, test_abnormal=15)
    grouped = make_split(manifest, name="grouped", test_normal=10, test_abnormal=15)
    assert len(_parts(paper, "pool")) == len(_parts(grouped, "pool")) == 5
    assert _parts(grouped, "left_out") == {"i000", "i020"}
    assert len(_parts(grouped, "test")) == 9 + 14


def test_without_groups_both_splits_agree() -> None:
    manifest = _manifest([0] * 20 + [1] * 9)
    paper = make_split(manifest, name="paper", test_normal=7, test_abnormal=5, seed=3)
    assert make_split(manifest, name="grouped", test_normal=7, test_abnormal=5, seed=3).equals(paper)
    never_sought = manifest.drop(columns="duplicate", errors="ignore")
    assert make_split(never_sought, name="grouped", test_normal=7, test_abnormal=5, seed=3).equals(paper)


def _pool(size: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"image_id": [f"i{n}" for n in range(size)] + ["t"], "part": ["pool"] * size + ["test"]}
    )


def test_support_sets_of_a_seed_are_nested() -> None:
    sets = {k: list(draw_support(_pool(33), k=k, seed=5, dataset="toy")["image_id"]) for k in (1, 4, 16, 33)}
    for k, chosen in sets.items():
        assert len(set(chosen)) == k
        assert chosen == sets[33][:k]
        assert "t" not in chosen
    assert list(draw_support(_pool(33), k=4, seed=6, dataset="toy")["image_id"]) != sets[4]
    assert list(draw_support(_pool(33), k=4, seed=5, dataset="other")["image_id"]) != sets[4]


def test_independent_support_sets_are_drawn_for_each_k() -> None:
    sets = [
        list(draw_support(_pool(33), k=k, seed=5, dataset="toy", nested=False)["image_id"])
        for k in (8, 16, 16)
    ]
    assert sets[0] != sets[1][:8]
    assert sets[1] == sets[2]
    assert len(set(sets[1])) == 16


def test_support_does_not_depend_on_the_order_of_rows() -> None:
    shuffled = _pool(33).iloc[np.random.Generator(np.random.PCG64(0)).permutation(34)]
    expected = draw_support(_pool(33), k=8, seed=0, dataset="toy")
    assert draw_support(shuffled, k=8, seed=0, dataset="toy").equals(expected)


def test_every_image_is_drawn_equally_often() -> None:
    counts = {f"i{n}": 0 for n in range(10)}
    for seed in range(600):
        for name in draw_support(_pool(10), k=3, seed=seed, dataset="toy")["image_id"]:
            counts[name] += 1
    # binomial with mean 180 and standard deviation 11.2: five deviations either side
    assert all(180 - 56 < count < 180 + 56 for count in counts.values())


@pytest.mark.parametrize("k", [0, 34])
def test_support_larger_than_the_pool(k: int) -> None:
    with pytest.raises(InputError) as caught:
        draw_support(_pool(33), k=k, seed=0, dataset="brainmri")
    assert "'brainmri'" in str(caught.value)
    assert f"k = {k}" in str(caught.value)
    assert "1 to 33" in str(caught.value)
