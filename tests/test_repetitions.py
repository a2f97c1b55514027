"""One Stage 1 for all repetitions, or one for each."""

import pytest

from fusionmedclip.config import Config, load_config, merge
from fusionmedclip.errors import InputError
from fusionmedclip.reporting.tables.rows import Run, run_settings, stand_in_reasons


@pytest.fixture(scope="module")
def thesis(root) -> Config:
    return load_config(root / "config.yaml")


@pytest.fixture(scope="module")
def repeated(thesis) -> Config:
    own = {"stage1": {"repeated": True, "seed": 5}}
    return Config.checked(merge(thesis.data, {"seeds": [0, 2], "backbones": {"roco_clip": own}}))


def backbones(config: Config, method: str) -> list[dict]:
    return [
        run_settings(config, Run("busi", "paper", method, 16, seed))["backbone"]
        for seed in config.data["seeds"]
    ]


def test_by_default_all_repetitions_share_one(thesis):
    first, *rest = backbones(thesis, "fusionmedclip")
    assert first["name"] == "roco_clip"
    assert all(other == first for other in rest)


def test_each_repetition_has_a_backbone_of_its_own(repeated):
    found = backbones(repeated, "fusionmedclip")
    assert [one["name"] for one in found] == ["roco_clip_seed0", "roco_clip_seed2"]
    assert [one["stage1"]["seed"] for one in found] == [5, 7]
    for one in found:
        entry = repeated.backbone(one["name"])
        assert entry["base"] == "clip"
        assert entry["layers"] == repeated.backbone("roco_clip")["layers"]
        assert "repeated" not in entry["stage1"]
    titles = {repeated.backbone(one["name"])["title"] for one in found}
    assert titles == {f"ROCO-CLIP ViT-L/14, repetition {seed}" for seed in (0, 2)}


def test_backbones_without_a_stage_1_stay_shared(repeated):
    assert {one["name"] for one in backbones(repeated, "clip")} == {"clip"}
    assert repeated.run_backbone("mean_brightness", 0) is None


def test_a_table_says_that_stage_1_was_repeated(repeated):
    reasons = stand_in_reasons(repeated, dataset="busi", method="fusionmedclip")
    assert any("repeated" in reason for reason in reasons), reasons


def test_only_true_or_false(thesis):
    data = merge(thesis.data, {"backbones": {"roco_clip": {"stage1": {"repeated": "often"}}}})
    with pytest.raises(InputError, match=r"backbones\.roco_clip\.stage1\.repeated"):
        Config.checked(data)
