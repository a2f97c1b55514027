"""A method that learns from labels never sees the data set that it is tested on, whatever it is handed."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusionmedclip.config import load_config
from fusionmedclip.data.phantoms import draw_phantom
from fusionmedclip.data.sources.manifest import COLUMNS
from fusionmedclip.errors import InputError
from fusionmedclip.methods import learns_labels, other_files
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone, save_backbone
from fusionmedclip.pipeline.labelled import labelled_sets
from fusionmedclip.pipeline.learnt import learn_from_others
from fusionmedclip.reporting.tables.rows import Run, others, run_settings

SIZE, NORMAL, ABNORMAL, UNUSED = 64, 4, 3, 1
ALL = NORMAL + ABNORMAL + UNUSED
MODALITIES = {"a": "brain_mri", "b": "breast_ultrasound", "c": "chest_xray"}
CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"layers": 2, "width": 32, "head_width": 16, "patch_size": 16, "image_size": SIZE},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}
METHOD = {
    "name": "peer",
    "kind": "anomalyclip",
    "settings": {"text_depth": 2, "meta_steps": 2, "meta_batch": 4},
}
FILES = ("manifest.csv", "images.npy", "split_paper.csv", "masks.npy")


def write_set(folder: Path, images: np.ndarray, masks: np.ndarray, labels: list[int]) -> None:
    """A prepared data set: three of pool, four of test, one left out."""
    folder.mkdir()
    ids = [f"{n}.png" for n in range(len(images))]
    table = pd.DataFrame({c: "" for c in COLUMNS}, index=range(len(ids)))
    sha = [f"{folder.name}-{n}" for n in ids]
    table = table.assign(group="g")  # of each data set its own, and not one of two that call theirs alike
    table.assign(image_id=ids, file=ids, sha256=sha, label=labels).to_csv(folder / FILES[0], index=False)
    np.save(folder / FILES[1], images)
    np.save(folder / FILES[3], masks)
    parts = ["pool"] * 3 + ["test"] * 4 + ["left_out"] * (len(ids) - 7)
    pd.DataFrame({"image_id": ids, "part": parts}).to_csv(folder / FILES[2], index=False)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    labels = [0] * NORMAL + [1] * ABNORMAL + [0] * UNUSED
    for name, modality in MODALITIES.items():
        drawn = [
            draw_phantom(modality, size=SIZE, lesion=bool(y), seed=7, index=i) for i, y in enumerate(labels)
        ]
        images, masks = (np.stack([getattr(one, part) for one in drawn]) for part in ("image", "mask"))
        write_set(tmp_path / name, images.astype(np.float32), masks.astype(np.uint8), labels)
    settings = BackboneSettings(model=CLIP, image_size=SIZE)
    save_backbone(build_backbone(settings), tmp_path / "backbone", settings)
    return tmp_path


def meta(work: Path, names: Sequence[str] = "bc") -> list[Path]:
    return [work / name / file for name in names for file in FILES]


def sets(work: Path, names: Sequence[str] = "bc", **more: bool):
    return labelled_sets(
        meta(work, names), tested=work / "a" / FILES[0], tested_images=work / "a" / FILES[1], **more
    )


def learn(work: Path, names: str = "bc") -> dict:
    made = {"weights": "weights.safetensors", "log": "training_log.csv", "provenance": "provenance.json"}
    backbone = {"backbone": "settings.json", "backbone_weights": "model.safetensors",
                "backbone_config": "open_clip_config.json"}  # fmt: skip
    inputs = {name: str(work / "backbone" / file) for name, file in backbone.items()}
    tested = {"tested": str(work / "a" / FILES[0]), "tested_images": str(work / "a" / FILES[1])}
    learn_from_others(
        settings={"method": METHOD, "seed": 5, "threads": 1},
        inputs={**inputs, **tested, "meta": [str(path) for path in meta(work, names)]},
        outputs={name: str(work / "learnt" / file) for name, file in made.items()},
    )
    return {name: (work / "learnt" / file).read_bytes() for name, file in made.items()}


def test_pool_and_test_images_of_the_others_are_handed_on_with_what_is_known(work):
    found, left_out = sets(work)
    assert list(found) == ["b", "c"]
    assert left_out == {"b": 0, "c": 0}
    for name, one in found.items():
        for got, file in ((one.images, FILES[1]), (one.masks, FILES[3])):
            np.testing.assert_array_equal(got, np.load(work / name / file)[: ALL - UNUSED])
        assert one.labels.tolist() == [0] * NORMAL + [1] * ABNORMAL


def test_the_tested_data_set_is_refused_among_the_others(work):
    for linked in (False, True):
        if linked:  # under another name
            (work / "d").symlink_to(work / "a")
        with pytest.raises(InputError, match=r"(?s)labels of the data set that it is tested on.*a"):
            sets(work, "bd" if linked else "ab")


def test_a_data_set_of_the_tested_ones_name_is_refused(work):
    """As where prepared data sets were copied to another folder."""
    (work / "copied").mkdir()
    (work / "b").rename(work / "copied" / "a")
    with pytest.raises(InputError, match="the data set that it is tested on"):
        sets(work, ("copied/a", "c"))


def test_nothing_of_the_tested_data_set_decides_what_is_learnt(work):
    """Its labels, masks and split are not read; other images of it change nothing."""
    before = learn(work)["weights"]
    table = pd.read_csv(work / "a" / FILES[0], keep_default_na=False)
    table.assign(label=1 - table["label"]).to_csv(work / "a" / FILES[0], index=False)
    (work / "a" / FILES[2]).unlink()
    (work / "a" / FILES[3]).unlink()
    np.save(work / "a" / FILES[1], np.load(work / "a" / FILES[1])[::-1])
    assert learn(work)["weights"] == before
    masks = np.load(work / "b" / FILES[3])
    np.save(work / "b" / FILES[3], np.roll(masks, 9, axis=1))
    assert learn(work)["weights"] != before


def test_its_images_are_left_out_of_the_others_whatever_they_are_called(work):
    """Copies of a file, and of a picture in other bytes and another contrast, teach nothing."""
    before = learn(work)
    own, masks = np.load(work / "a" / FILES[1]), np.load(work / "a" / FILES[3])
    table = pd.read_csv(work / "b" / FILES[0], keep_default_na=False)
    more = table.iloc[:3].assign(
        image_id=["x", "y", "z"],
        file=["0.png", "y", "z"],
        sha256=["a-0.png", "new", "newer"],
        label=[1, 1, 1],
    )
    pd.concat([table, more]).to_csv(work / "b" / FILES[0], index=False)
    # The first has the bytes of a file of the tested set, and its name; the others its picture alone.
    pictures = [np.load(work / "b" / FILES[1]), own[:1] * 0, own[5:6] * 0.9 + 0.02, own[4:5]]
    np.save(work / "b" / FILES[1], np.concatenate(pictures).astype(np.float32))
    drawn = [np.load(work / "b" / FILES[3]), masks[:1], masks[5:6], masks[4:5]]
    np.save(work / "b" / FILES[3], np.concatenate(drawn))
    split = pd.read_csv(work / "b" / FILES[2])
    added = pd.DataFrame({"image_id": ["x", "y", "z"], "part": ["test", "test", "left_out"]})
    pd.concat([added, split]).to_csv(work / "b" / FILES[2], index=False)  # in another order
    found, left_out = sets(work)
    assert left_out == {"b": 2, "c": 0}
    assert len(found["b"].images) == ALL - UNUSED
    after = learn(work)
    assert after["weights"] == before["weights"]
    assert json.loads(after["provenance"])["left_out_as_tested"] == left_out


LOOKS = {
    "mirrored": lambda picture: picture[:, ::-1],
    "upside down": lambda picture: picture[::-1],
    "turned": lambda picture: picture.T[::-1],
    "turned back": lambda picture: picture.T[:, ::-1],
    "inverted": lambda picture: 1 - picture,
    "transposed and inverted": lambda picture: 1 - picture.T,
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_tested_image_that_is_turned_or_inverted_teaches_nothing(work, look: str):
    own, images = np.load(work / "a" / FILES[1]), np.load(work / "c" / FILES[1])
    images[3] = LOOKS[look](own[5])
    np.save(work / "c" / FILES[1], images)
    found, left_out = sets(work)
    assert left_out == {"b": 0, "c": 1}
    np.testing.assert_array_equal(found["c"].images, np.delete(images[:7], 3, axis=0))


def test_a_data_set_that_is_the_tested_one_under_another_name_is_refused(work):
    for file in FILES[1:]:
        shutil.copy(work / "a" / file, work / "b" / file)
    with pytest.raises(InputError, match="b, whose images are all those of a"):
        sets(work)


def test_each_data_set_is_left_out_of_what_is_learnt_for_it(root):
    """The files that the workflow hands over are those of the sets that a run's settings name."""
    config = load_config([root / "configs/peers.yaml"])
    method = config.method("anomalyclip")
    assert learns_labels(method["kind"], method["settings"])
    names = other_files(method["kind"], method["settings"], "paper")
    assert names == FILES
    every = set(config.data["datasets"])
    for dataset in every:
        settings = run_settings(config, Run(dataset, "paper", "anomalyclip", 16, 0))
        assert set(settings["meta"]) == set(others(config, dataset)) == every - {dataset}


def test_colour_stays_where_it_is_asked_for(work):
    for name in "bc":
        grey = np.load(work / name / FILES[1])
        np.save(work / name / FILES[1], np.stack([grey, grey / 2, grey], axis=-1))
    assert sets(work, colour=True)[0]["b"].images.shape == (ALL - UNUSED, SIZE, SIZE, 3)
    assert sets(work)[0]["b"].images.shape == (ALL - UNUSED, SIZE, SIZE)
