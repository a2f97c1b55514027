"""Fingerprints and duplicates against naive loops over all pairs."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from fusionmedclip.data.curation.duplicates import DuplicateSettings, find_duplicates, mark_duplicates
from fusionmedclip.data.curation.fingerprints import Fingerprints, fingerprint
from fusionmedclip.data.curation.leaks import count_leaks, expected_leak, find_leaks
from fusionmedclip.data.reading.read import read_image
from fusionmedclip.data.sources.manifest import build_manifest
from fusionmedclip.data.splits import make_split
from fusionmedclip.data.support import draw_support
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator


def _naive_hash(picture: np.ndarray) -> int:
    """Definition of the two-dimensional DCT-II, term by term."""
    small = np.asarray(Image.fromarray(picture).resize((32, 32), Image.Resampling.LANCZOS), float)
    low = [
        sum(
            small[y, x] * math.cos(math.pi * v * (2 * y + 1) / 64) * math.cos(math.pi * u * (2 * x + 1) / 64)
            for y in range(32)
            for x in range(32)
        )
        for v in range(8)
        for u in range(8)
    ]
    middle = sorted(low)[31] / 2 + sorted(low)[32] / 2
    return sum(1 << (63 - place) for place, value in enumerate(low) if value > middle)


@pytest.mark.parametrize("key", [0, 1])
def test_hash_follows_its_definition(picture, key: int) -> None:
    image = picture(key, (70, 90))
    bits, thumbnail = fingerprint(image.astype(np.float32) / np.float32(255))
    assert int(bits) == _naive_hash(image)
    expected = Image.fromarray(image).resize((64, 64), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(thumbnail, np.asarray(expected))


def _manifest(count: int, **columns) -> pd.DataFrame:
    ids = [f"i{n:03d}" for n in range(count)]
    frame = pd.DataFrame(
        {"image_id": ids, "file": ids, "sha256": ids, "group": "", "label": 0, "mask": "", "split": ""}
    )
    return frame.assign(**columns)


def _naive_pairs(prints: Fingerprints, allowed: DuplicateSettings) -> set[tuple[str, str]]:
    found = set()
    for a in range(len(prints.hashes)):
        for b in range(a + 1, len(prints.hashes)):
            bits = bin(int(prints.hashes[a]) ^ int(prints.hashes[b])).count("1")
            one, two = prints.thumbnails[a].ravel(), prints.thumbnails[b].ravel()
            if one.std() == 0 or two.std() == 0 or bits > allowed.distance:
                continue
            if np.corrcoef(one, two)[0, 1] >= allowed.correlation:
                found.add((f"i{a:03d}", f"i{b:03d}"))
    return found


def test_near_pairs_equal_a_loop_over_all(picture) -> None:
    rng = generator(0, "test near")
    pictures = [
        picture(n % 12, (64, 64)).astype(int) + rng.integers(-9, 10, (64, 64)) * (n // 12) for n in range(40)
    ]
    pictures += [np.full((64, 64), 7)] * 3
    prints = [fingerprint(np.clip(p, 0, 255).astype(np.float32) / 255) for p in pictures]
    prints = Fingerprints(np.array([p[0] for p in prints]), np.stack([p[1] for p in prints]))
    allowed = DuplicateSettings(distance=8, correlation=0.985)
    table = find_duplicates(_manifest(43), prints, settings=allowed)
    assert set(zip(table["first"], table["second"], strict=True)) == _naive_pairs(prints, allowed)
    assert len(table) > 10
    assert (table["kind"] == "near").all()


def test_exact_copies_edits_and_groups(tmp_path: Path, picture) -> None:
    folder = tmp_path / "no"
    folder.mkdir()
    original = Image.fromarray(picture(1, (120, 160)))
    original.save(folder / "a.png")
    for copy in ("b", "c"):
        (folder / f"{copy}.png").write_bytes((folder / "a.png").read_bytes())
    original.resize((80, 60)).save(folder / "d_smaller.jpg", quality=80)
    ImageOps.mirror(original).save(folder / "e_mirrored.png")
    Image.fromarray(picture(2, (120, 160))).save(folder / "f_other.png")
    manifest = build_manifest({"kind": "folder", "path": tmp_path, "normal": "no"}, dataset="toy")
    prints = [fingerprint(read_image(tmp_path / file)) for file in manifest["file"]]
    prints = Fingerprints(np.array([p[0] for p in prints]), np.stack([p[1] for p in prints]))
    pairs = find_duplicates(manifest, prints)
    assert [tuple(row) for row in pairs[["first", "second", "kind"]].to_numpy()] == [
        ("no/a.png", "no/b.png", "exact"),
        ("no/a.png", "no/c.png", "exact"),
        ("no/a.png", "no/d_smaller.jpg", "near"),
    ]
    marked = mark_duplicates(manifest, pairs)
    assert marked["duplicate"].tolist() == ["no/a.png"] * 4 + ["", ""]
    together = manifest.assign(group=["p"] * 6)  # slices of one volume resemble each other by nature
    again = find_duplicates(together, prints)
    assert again["kind"].tolist() == ["exact", "exact"]


def test_slices_of_one_file_are_no_copies(picture) -> None:
    files = ["v.nii#slice=0000", "v.nii#slice=0001", "w.nii#slice=0000", "w.nii#slice=0001"]
    manifest = _manifest(4, file=files, sha256="same", group=["v", "v", "w", "w"])
    prints = [fingerprint(picture(n % 2, (64, 64)).astype(np.float32) / 255) for n in range(4)]
    prints = Fingerprints(np.array([p[0] for p in prints]), np.stack([p[1] for p in prints]))
    table = find_duplicates(manifest, prints)
    assert set(zip(table["first"], table["second"], strict=True)) == {("i000", "i002"), ("i001", "i003")}


@settings(max_examples=60, deadline=None)
@given(count=st.integers(2, 12), data=st.data())
def test_groups_are_connected_components(count: int, data: st.DataObject) -> None:
    index = st.integers(0, count - 1)
    links = data.draw(st.lists(st.tuples(index, index).filter(lambda p: p[0] != p[1]), max_size=12))
    pairs = pd.DataFrame([(f"i{a:03d}", f"i{b:03d}") for a, b in links], columns=["first", "second"])
    marked = mark_duplicates(_manifest(count), pairs)
    reach = {n: {n} for n in range(count)}
    for _ in range(count):
        for a, b in links:
            reach[a] = reach[b] = reach[a] | reach[b]
            for member in reach[a]:
                reach[member] = reach[a]
    for n in range(count):
        expected = f"i{min(reach[n]):03d}" if len(reach[n]) > 1 else ""
        assert marked["duplicate"][n] == expected


@pytest.mark.parametrize("keys", [{"distance": 65}, {"distance": -1}, {"correlation": 1.2}])
def test_wrong_settings(keys: dict) -> None:
    with pytest.raises(InputError):
        DuplicateSettings(**keys)


def test_expected_leak_agrees_with_drawing() -> None:
    duplicate = ["a"] * 2 + ["b"] * 5 + [""] * 13 + ["a", ""]  # the last two are abnormal
    manifest = _manifest(22, duplicate=duplicate, label=[0] * 20 + [1] * 2)
    expected, held_out = expected_leak(manifest, 4)
    assert held_out == 16
    counts = []
    for seed in range(4000):
        drawn = set(generator(seed, "test leak").permutation(20)[:4].tolist())
        groups = {duplicate[n] for n in drawn} - {""}
        counts.append(sum(duplicate[n] in groups for n in range(20) if n not in drawn))
    assert expected == pytest.approx(np.mean(counts), abs=4 * np.std(counts) / np.sqrt(4000))
    with pytest.raises(InputError):
        expected_leak(manifest, 20)


def test_the_split_grouped_leaks_nothing() -> None:
    duplicate = [f"d{n // 2}" if n < 16 else "" for n in range(30)] + [""] * 10
    manifest = _manifest(40, duplicate=duplicate, label=[0] * 30 + [1] * 10)
    paper = make_split(manifest, name="paper", test_normal=15)
    leaks = find_leaks(manifest, paper, draw_support(paper, k=8, seed=0, dataset="toy"))
    by_hand = {
        (t, s)
        for t in paper.loc[paper["part"] == "test", "image_id"]
        for s in draw_support(paper, k=8, seed=0, dataset="toy")["image_id"]
        if duplicate[int(t[1:])] and duplicate[int(t[1:])] == duplicate[int(s[1:])]
    }
    assert by_hand
    assert set(zip(leaks["test"], leaks["support"], strict=True)) == by_hand
    grouped = make_split(manifest, name="grouped", test_normal=15)
    supports = {
        (name, 8, seed): draw_support(split, k=8, seed=seed, dataset="toy")
        for name, split in (("paper", paper), ("grouped", grouped))
        for seed in (0, 1)
    }
    counted = count_leaks(manifest, {"paper": paper, "grouped": grouped}, supports)
    assert counted["split"].tolist() == ["grouped", "grouped", "paper", "paper"]
    assert counted["leaked"].tolist()[:2] == [0, 0]
    assert counted["leaked"][2] == len({test for test, _ in by_hand})
    assert set(counted["tested"]) == {25}
    assert find_leaks(manifest, grouped, draw_support(grouped, k=8, seed=0, dataset="toy")).empty
