"""A whole run on one process: what it writes, what it leaves alone, how it goes on."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import open_clip
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.store import WEIGHTS, load_backbone
from fusionmedclip.training.pretrain import PretrainSettings, pretrain
from fusionmedclip.training.pretrain.loop import Loop

SETTINGS = PretrainSettings(max_epochs=3, batch_size=8, warmup_epochs=1, learning_rate=3e-3, workers=2)
EXACT = (WEIGHTS, "open_clip_config.json", "training_log.csv", "retrieval.csv",
         "skipped.csv")  # fmt: skip


def train(start: Path, captions: pd.DataFrame, out: Path, *, seed: int = 0, **changes) -> Path:
    settings = replace(SETTINGS, **changes)
    pretrain(backbone=start, captions=captions, out=out, settings=settings, seed=seed, progress=False)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in EXACT}


@pytest.fixture(scope="module")
def trained(start: Path, captions: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(start, captions, tmp_path_factory.mktemp("trained") / "out")


def test_image_tower_moves_and_text_tower_stays(trained: Path, start: Path):
    before, after = (load_file(folder / WEIGHTS) for folder in (start, trained))
    assert set(before) == set(after)
    for name, value in before.items():
        assert torch.equal(value, after[name]) != name.startswith("visual."), name


def test_open_clip_loads_the_result(trained: Path):
    model = open_clip.create_model(f"local-dir:{trained}", force_image_size=32)
    ours = load_backbone(trained)
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(model.eval().encode_image(images), ours.visual(images))


def test_logs_and_curves(trained: Path):
    log = pd.read_csv(trained / "training_log.csv")
    assert log["step"].tolist() == list(range(1, 10))
    assert log["epoch"].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert log["learning_rate"].max() == pytest.approx(3e-3)
    curves = pd.read_csv(trained / "retrieval.csv")
    validation = curves[curves["split"] == "validation"]
    assert sorted(validation["epoch"].unique()) == [0, 1, 2, 3]
    recalls = {f"{way}_r{k}" for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)}
    assert set(validation["metric"]) == {"loss", *recalls}
    mean = curves[(curves["split"] == "train") & (curves["epoch"] == 2)]["value"].item()
    assert mean == pytest.approx(log[log["epoch"] == 2]["loss"].mean())
    assert not (trained / "checkpoint").exists()


def test_settings_say_what_was_done(trained: Path):
    kept = json.loads((trained / "settings.json").read_text())
    stage1 = kept["stage1"]
    assert stage1["pairs"] == {"train": 24, "validation": 9}
    assert stage1["dropout_form"] == "path"
    assert stage1["settings"]["layer_decay"] == 0.8
    curves = pd.read_csv(trained / "retrieval.csv")
    losses = curves[(curves["split"] == "validation") & (curves["metric"] == "loss") & (curves["epoch"] > 0)]
    assert stage1["kept_epoch"] == losses.set_index("epoch")["value"].idxmin()


def test_same_bytes_whatever_the_threads(start: Path, captions: pd.DataFrame, trained: Path, tmp_path: Path):
    again = train(start, captions, tmp_path / "out", workers=5, prefetch=1, cache_gib=0.0)
    assert contents(again) == contents(trained)


def test_another_seed_differs(start: Path, captions: pd.DataFrame, trained: Path, tmp_path: Path):
    other = train(start, captions, tmp_path / "out", seed=1)
    assert contents(other)["training_log.csv"] != contents(trained)["training_log.csv"]


def test_a_finished_run_is_left_as_it_is(start: Path, captions: pd.DataFrame, trained: Path):
    stamp = (trained / "settings.json").stat().st_mtime_ns
    train(start, captions, trained)
    assert (trained / "settings.json").stat().st_mtime_ns == stamp


class Interrupted(Exception):
    """In place of a kill."""


@pytest.mark.parametrize("stop_at", [2, 3, 5, 9])
def test_goes_on_after_any_step(
    start: Path, captions: pd.DataFrame, trained: Path, tmp_path: Path, monkeypatch, stop_at: int
):
    plain, done = Loop._train, []

    def stop(self: Loop, *arguments) -> None:
        if len(done) == stop_at - 1:
            raise Interrupted
        done.append(plain(self, *arguments))

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "_train", stop)
        with pytest.raises(Interrupted):
            train(start, captions, tmp_path / "out", checkpoint_steps=1)
    assert contents(train(start, captions, tmp_path / "out")) == contents(trained)


def test_a_checkpoint_of_other_settings_is_not_used(
    start: Path, captions: pd.DataFrame, trained: Path, tmp_path: Path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr("fusionmedclip.training.pretrain.run.export", lambda *_, **__: None)
        train(start, captions, tmp_path / "out", label_smoothing=0.3)
    assert (tmp_path / "out" / "checkpoint").is_dir()
    assert contents(train(start, captions, tmp_path / "out")) == contents(trained)


def test_early_stopping_keeps_the_best(start: Path, captions: pd.DataFrame, tmp_path: Path):
    out = train(start, captions, tmp_path / "out", max_epochs=30, patience=2, min_delta=10.0)
    stage1 = json.loads((out / "settings.json").read_text())["stage1"]
    # No fall of the loss reaches 10, so the first epoch stays the best and two more end the run.
    assert (stage1["kept_epoch"], stage1["epochs"]) == (1, 3)
    one = train(start, captions, tmp_path / "one", max_epochs=30, patience=1, min_delta=10.0)
    weights = [load_file(folder / WEIGHTS) for folder in (out, one)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_labels_test_split_and_share(start: Path, captions: pd.DataFrame, tmp_path: Path):
    table = captions.assign(label=["dark" if i % 6 < 3 else "bright" for i in range(len(captions))])
    table["split"] = ["test" if split == "validation" else split for split in table["split"]]
    out = train(start, table, tmp_path / "out", validation_share=0.25, keep="last", temperature=0.05)
    kept = json.loads((out / "settings.json").read_text())["stage1"]
    assert kept["pairs"] == {"train": 18, "validation": 6, "test": 9}
    assert kept["temperature"] == pytest.approx(0.05)
    scale = load_file(out / WEIGHTS)["logit_scale"]
    assert scale.exp().item() == pytest.approx(20, rel=1e-5)
    curves = pd.read_csv(out / "retrieval.csv")
    accuracy = curves[curves["metric"] == "zero_shot_accuracy"]
    assert accuracy["chance"].unique().tolist() == [0.5]
    assert sorted(accuracy[accuracy["split"] == "test"]["epoch"]) == [0, 3]


def test_another_image_size(start: Path, captions: pd.DataFrame, tmp_path: Path):
    out = train(start, captions, tmp_path / "out", image_size=48, max_epochs=2)
    assert load_backbone(out).visual.positional_embedding.shape == (1 + 6 * 6, 32)


def test_a_source_is_read_and_what_is_skipped_listed(start: Path, captions: pd.DataFrame, tmp_path: Path):
    rows = captions.rename(columns={"file": "image"})
    rows.loc[3, "image"] = str(tmp_path / "gone.png")
    rows.to_csv(tmp_path / "t.csv", index=False)
    source = {"kind": "csv", "path": str(tmp_path / "t.csv"), "max_broken_share": 0.05}
    out = train(start, source, tmp_path / "out", max_epochs=2)
    skipped = pd.read_csv(out / "skipped.csv")
    assert skipped["image_id"].tolist() == [3]
    assert "no such file" in skipped["reason"].item()


def test_loss_that_is_no_number(start: Path, captions: pd.DataFrame, tmp_path: Path):
    with pytest.raises(InputError, match="no longer finite"):
        train(start, captions, tmp_path / "out", learning_rate=1.0, epsilon=0.0, betas=(1e-9, 1e-9),
              layer_decay=1.0, warmup_epochs=0, max_epochs=60, patience=0, weight_decay=1.0)  # fmt: skip


def test_settings_survive_json():
    assert PretrainSettings.from_dict(json.loads(json.dumps(asdict(SETTINGS)))) == SETTINGS
