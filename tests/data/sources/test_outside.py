"""What is seen of files outside of the workflow: changed, added and lost ones; no copy that keeps times."""

import json
import os
import shutil

import pytest

from fusionmedclip.data.sources.outside import captions_digest, checkpoint_digest, source_digest

HOUR = 3600
FOLDER = {"kind": "folder", "normal": ["no"], "abnormal": "yes", "mask_folder": "masks"}
LISTS = {"samples": {"support": "lists/train.json", "test": "lists/test.json"}}


@pytest.fixture
def root(tmp_path):
    """Some files of each kind of source."""
    texts = {
        "no/a.png": "a", "no/deep/b.png": "b", "yes/c.png": "c", "masks/c.png": "m", "aside/d.png": "d",
        "images/a.png": "a", "lists/train.json": "{}", "lists/test.json": "{}", "train.csv": "Path\n",
        "table.csv": "path,label,mask\nno/a.png,0,\nyes/c.png,1,masks/c.png;masks/e.png\n",
        "captions/all.jsonl": "{}",
        "captions/train/radiology/captions.txt": "x", "captions/train/radiology/images/x.jpg": "x",
        "weights.pt": "w", "clip/open_clip_config.json": "{}",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def of_source(**more):
    return lambda root: source_digest({"path": str(root), **more})


def of_table(root):
    return source_digest({"kind": "csv", "path": str(root / "table.csv")})


def of_captions(root):
    return captions_digest({"kind": "roco", "path": str(root / "captions")})


def of_new_captions(root):
    return captions_digest({"kind": "one of tomorrow", "path": str(root / "captions")})


def of_checkpoints(root):
    return checkpoint_digest({"model": f"local-dir:{root}/clip", "pretrained": str(root / "weights.pt")})


SEEN = [
    (of_source(**FOLDER), ["no/a.png", "no/deep/b.png", "yes/c.png", "masks/c.png"], ["aside/d.png"]),
    (of_source(**FOLDER, **LISTS), ["lists/test.json", "images/a.png"], ["aside/d.png"]),
    (of_table, ["table.csv", "no/a.png", "masks/c.png"], ["no/deep/b.png"]),
    (of_source(kind="chexpert"), ["train.csv"], ["no/a.png"]),
    (of_source(kind="one of tomorrow"), ["aside/d.png", "train.csv", "lists/test.json"], []),
    (
        of_captions,
        ["captions/train/radiology/captions.txt", "captions/all.jsonl"],
        ["captions/train/radiology/images/x.jpg"],
    ),
    (of_new_captions, ["captions/train/radiology/captions.txt"], ["captions/train/radiology/images/x.jpg"]),
    (of_checkpoints, ["weights.pt", "clip/open_clip_config.json"], ["no/a.png"]),
]


@pytest.mark.parametrize(("look", "seen", "unseen"), SEEN, ids=lambda value: getattr(value, "__name__", ""))
def test_what_a_job_reads_is_looked_at_and_nothing_else(root, look, seen, unseen):
    before = look(root)
    for name in [*seen, *unseen]:
        text, time = (root / name).read_text(), (root / name).stat().st_mtime
        (root / name).write_text(text + "!")
        assert (look(root) != before) is (name in seen), name
        (root / name).unlink()
        assert (look(root) != before) is (name in seen), name
        (root / name).write_text(text)
        os.utime(root / name, (time, time))
        assert look(root) == before, name


def test_an_image_of_the_same_size_and_another_time_is_another_and_an_added_one_is_seen(root):
    before = of_source(**FOLDER)(root)
    time = (root / "no/a.png").stat().st_mtime
    os.utime(root / "no/a.png", (time, time + HOUR))
    assert of_source(**FOLDER)(root) != before
    os.utime(root / "no/a.png", (time, time))
    (root / "no/deep/.DS_Store").touch()
    assert of_source(**FOLDER)(root) == before
    (root / "no/deep/new.png").touch()
    assert of_source(**FOLDER)(root) != before


@pytest.mark.parametrize("look", [of_source(**FOLDER), of_table, of_captions])
def test_a_copy_that_keeps_times_is_the_same_wherever_it_lies(root, look, tmp_path_factory):
    copy = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(root, copy)  # copies as copy2 does
    assert look(copy) == look(root)


def test_what_is_missing_or_no_table_is_the_jobs_to_report(root):
    for source in ({"kind": "chexpert"}, FOLDER, {**FOLDER, **LISTS}, {"kind": "csv"}):
        assert source_digest({"path": str(root / "nowhere"), **source})
    (root / "table.csv").write_bytes(b"path\n\xff")
    assert of_table(root)
    names = {"model": "ViT-B-32", "pretrained": "openai"}
    assert checkpoint_digest(names) == checkpoint_digest({"model": {"layers": 1}, "pretrained": None})
    (root / "table.csv").write_text(json.dumps({"path": 1}))
    assert of_table(root)
