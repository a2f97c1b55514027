"""Phantoms: pure functions of their key, with exact masks, that no plain image statistic gives away."""

import hashlib
import subprocess
import sys

import cv2
import numpy as np
import pytest
from scipy import ndimage, stats
from sklearn.metrics import roc_auc_score

from fusionmedclip.data.phantoms import MODALITIES, draw_phantom
from fusionmedclip.data.phantoms.settings import Settings, draw_settings, pick
from fusionmedclip.data.phantoms.speckle import speckle
from fusionmedclip.errors import InputError

EACH = pytest.mark.parametrize("modality", MODALITIES)
COUNT = 100


def draw_many(modality, lesion, count, size=64, seed=0):
    return [draw_phantom(modality, size=size, lesion=lesion, seed=seed, index=i) for i in range(count)]


@pytest.fixture(scope="module")
def crowd():
    """A hundred normal and a hundred abnormal phantoms of each modality."""
    return {m: {lesion: draw_many(m, lesion, COUNT) for lesion in (False, True)} for m in MODALITIES}


def digest(phantom):
    return hashlib.sha256(
        phantom.image.tobytes() + phantom.mask.tobytes() + phantom.caption.encode()
    ).hexdigest()


@EACH
@pytest.mark.parametrize("size", [64, 97, 224, 512])
@pytest.mark.parametrize("lesion", [False, True])
def test_shapes_ranges_and_types(modality, size, lesion):
    phantom = draw_phantom(modality, size=size, lesion=lesion, seed=3, index=1)
    assert phantom.image.shape == phantom.mask.shape == (size, size)
    assert phantom.image.dtype == np.float32
    assert phantom.mask.dtype == bool
    assert np.isfinite(phantom.image).all()
    assert phantom.image.min() >= 0
    assert phantom.image.max() <= 1
    assert phantom.mask.any() == lesion


def test_default_size_is_the_thesis_input_size():
    assert draw_phantom("brain_mri", lesion=False, seed=0, index=0).image.shape == (224, 224)


@EACH
def test_same_bytes_in_any_order_and_with_any_number_of_threads(modality):
    forward = [digest(p) for p in draw_many(modality, True, 4, size=128)]
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        backward = [
            digest(draw_phantom(modality, size=128, lesion=True, seed=0, index=i)) for i in reversed(range(4))
        ]
    finally:
        cv2.setNumThreads(threads)
    assert forward == backward[::-1]


def test_same_bytes_in_another_process():
    code = (
        "import hashlib; from fusionmedclip.data.phantoms import draw_phantom, MODALITIES\n"
        "for m in MODALITIES:\n"
        "    p = draw_phantom(m, size=64, lesion=True, seed=5, index=9)\n"
        "    print(hashlib.sha256(p.image.tobytes() + p.mask.tobytes() + p.caption.encode()).hexdigest())\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = [digest(draw_phantom(m, size=64, lesion=True, seed=5, index=9)) for m in MODALITIES]
    assert run.stdout.split() == here


@EACH
def test_every_part_of_the_key_counts(modality):
    base = {"size": 64, "lesion": True, "seed": 0, "index": 0}
    changes = [{}, {"lesion": False}, {"seed": 1}, {"index": 1}]
    images = {draw_phantom(modality, **(base | change)).image.tobytes() for change in changes}
    assert len(images) == len(changes)


@EACH
def test_all_phantoms_differ(crowd, modality):
    images = [p.image.tobytes() for group in crowd[modality].values() for p in group]
    assert len(set(images)) == 2 * COUNT


@EACH
def test_one_anatomy_at_every_size(modality):
    for index in range(5):
        small, large = (
            draw_phantom(modality, size=s, lesion=True, seed=0, index=index).mask for s in (128, 256)
        )
        shrunk = large.reshape(128, 2, 128, 2).mean((1, 3)) >= 0.5
        assert (small & shrunk).sum() / (small | shrunk).sum() > 0.8


def plain_statistics(image):
    """What an image shows without being looked at."""
    edge = np.concatenate(
        [image[:3].ravel(), image[-3:].ravel(), image[:, :3].ravel(), image[:, -3:].ravel()]
    )
    down, across = np.gradient(image)
    values = {
        "mean": image.mean(),
        "std": image.std(),
        "min": image.min(),
        "max": image.max(),
        "dark": (image < 0.1).mean(),
        "bright": (image > 0.8).mean(),
        "border": edge.mean(),
        "gradient": (down**2 + across**2).mean(),
        "entropy": stats.entropy(np.histogram(image, 64, (0, 1))[0]),
    }
    return values | {f"p{p}": np.percentile(image, p) for p in (1, 5, 25, 50, 75, 95, 99)}


@EACH
def test_no_plain_statistic_separates_the_classes(crowd, modality):
    rows = [[plain_statistics(p.image) for p in crowd[modality][lesion]] for lesion in (False, True)]
    labels = [0] * COUNT + [1] * COUNT
    table = {name: roc_auc_score(labels, [r[name] for group in rows for r in group]) for name in rows[0][0]}
    assert {n: round(a, 3) for n, a in table.items() if abs(a - 0.5) > 0.08} == {}


@EACH
def test_the_lesion_is_visible_where_the_mask_says(crowd, modality):
    """Contrast of the masked region, against the same region of a normal picture.

    Brain and chest are compared with their other side, breast tissue with the surroundings.
    """

    def contrast(image, mask):
        if modality == "breast_ultrasound":
            beside = ndimage.binary_dilation(mask, iterations=5) & ~ndimage.binary_dilation(mask)
        else:
            beside = mask[:, ::-1]
        return abs(image[mask].mean() - image[beside].mean()) / image.std()

    masks = [p.mask for p in crowd[modality][True]]
    found = [contrast(p.image, p.mask) for p in crowd[modality][True]]
    control = [contrast(p.image, mask) for p, mask in zip(crowd[modality][False], masks, strict=True)]
    auroc = roc_auc_score([0] * COUNT + [1] * COUNT, control + found)
    assert auroc > 0.75


@EACH
def test_lesions_vary_in_place_and_size(crowd, modality):
    masks = np.stack([p.mask for p in crowd[modality][True]])
    areas = masks.mean((1, 2))
    assert masks.mean(0).max() < 0.5
    assert areas.max() < 0.2
    assert np.percentile(areas, 90) > 2 * np.percentile(areas, 10)


@EACH
def test_captions_name_modality_and_finding(crowd, modality):
    words = {
        "brain_mri": ("mri", "mr ", "magnetic resonance"),
        "breast_ultrasound": ("ultrasound", "sono"),
        "chest_xray": ("chest",),
    }[modality]
    findings = {
        "brain_mri": ("glioma", "metastasis", "meningioma", "tumour"),
        "breast_ultrasound": ("cyst", "fibroadenoma", "carcinoma", "malignant"),
        "chest_xray": ("consolidation", "nodul", "effusion", "pneumonia"),
    }[modality]
    for lesion, group in crowd[modality].items():
        captions = [p.caption.lower() for p in group]
        assert all(any(w in c for w in words) for c in captions)
        assert all(c.endswith(".") and "{" not in c and "  " not in c for c in captions)
        named = [any(f in c for f in findings) and "no focal" not in c for c in captions]
        assert all(n == lesion for n in named)
        assert len(set(captions)) > 20


def test_captions_give_the_side_of_the_lesion():
    """The patient's right is on the left of the picture."""
    for modality in ("brain_mri", "chest_xray"):
        for phantom in draw_many(modality, True, 40):
            middle = np.nonzero(phantom.mask)[1].mean()
            if abs(middle - 31.5) > 10:
                assert ("right" if middle < 31.5 else "left") in phantom.caption.lower()


def test_settings_cover_their_range_evenly():
    """Sixty-four in a row lie closer to uniform than independent draws do (expected distance about 0.1)."""
    rows = [draw_settings(0, "phantom", "x", False, index=i) for i in range(1000, 1064)]
    for name in Settings.__dataclass_fields__:
        values = [getattr(row, name) for row in rows]
        assert stats.kstest(values, "uniform").statistic < 0.06


@pytest.mark.parametrize(("value", "key"), [(0.0, "a"), (0.249, "a"), (0.25, "b"), (0.74, "b"), (0.999, "c")])
def test_pick_follows_the_odds(value, key):
    assert pick({"a": 0.25, "b": 0.5, "c": 0.25}, value) == key


def test_speckle_of_one_look_is_rayleigh_distributed():
    flat = np.zeros((512, 512), np.float32)
    decibels = speckle(np.random.default_rng(0), flat, looks=1, spread=1.0)
    row = 10 ** (decibels[2:40:9, ::25] / 20).ravel()
    assert stats.kstest(row, "rayleigh", args=stats.rayleigh.fit(row, floc=0)).pvalue > 0.01
    amplitude = 10 ** (decibels / 20)
    assert amplitude.mean() / amplitude.std() == pytest.approx(np.sqrt(np.pi / (4 - np.pi)), rel=0.05)


def test_more_looks_smooth_the_speckle():
    """The power of n averaged looks is gamma distributed: its mean is sqrt(n) deviations."""
    flat = np.zeros((512, 512), np.float32)
    power = 10 ** (speckle(np.random.default_rng(0), flat, looks=4, spread=1.0) / 10)
    assert power.mean() / power.std() == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"modality": "ct"}, "ct"), ({"size": 63}, "63"), ({"size": 513}, "513"), ({"index": -1}, "-1")],
)
def test_bad_arguments_are_named(change, named):
    call = {"modality": "brain_mri", "size": 64, "lesion": False, "seed": 0, "index": 0} | change
    with pytest.raises(InputError, match=named):
        draw_phantom(**call)
