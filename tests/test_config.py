"""The configuration: merging, validation messages, references, resolution."""

import copy
import itertools
import re
import subprocess
import sys

import pytest

from fusionmedclip.config import Config, load_config, merge
from fusionmedclip.errors import InputError
from fusionmedclip.methods import check_settings
from fusionmedclip.reporting.tables.rows import is_run
from fusionmedclip.settings import build, plain
from fusionmedclip.training.settings import FusionSettings


@pytest.fixture(scope="module")
def thesis(root) -> Config:
    return load_config(root / "config.yaml")


def changed(config: Config, path: str, value) -> dict:
    data = copy.deepcopy(config.data)
    *parents, last = path.split(".")
    place = data
    for part in parents:
        place = place[part]
    place[last] = value
    return data


def test_merge_replaces_lists_and_merges_mappings():
    assert merge({"a": [1, 2], "b": {"c": 1, "d": 2}}, {"a": [3], "b": {"d": {"e": 4}}}) == {
        "a": [3],
        "b": {"c": 1, "d": {"e": 4}},
    }


def test_null_drops_an_entry_and_what_still_names_it_is_an_error(thesis):
    data = merge(thesis.data, {"tables": {"table6": None, "controls": None}})
    assert list(Config.checked(data).data["tables"]) == ["table7", "table8"]
    with pytest.raises(InputError, match=r"tables\.table6\.datasets names an unknown entry(?s:.*)busi"):
        Config.checked(merge(thesis.data, {"datasets": {"busi": None}}))


@pytest.mark.parametrize(
    "overlay", ["demo", "offline", "variants", "further", "supports20", "grouped", "published", "strategy"]
)
def test_overlays_are_valid(root, overlay):
    config = load_config([root / "config.yaml", root / "configs" / f"{overlay}.yaml"])
    for name in config.data["methods"]:
        method = config.method(name)
        if is_run(config, name):
            check_settings(method["kind"], method["settings"], where=name)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("image_size", 7, ["image_size", "7", "32 or more"]),
        ("image_size", "224", ["image_size", "'224'", "integer"]),
        ("results", "a{seed}", ["results", "a{seed}", "[^{}]"]),
        ("results", "", ["results", "[^{}]"]),
        ("seeds", [], ["seeds", "1 entries"]),
        ("seeds", [0, 0], ["seeds", "each entry once"]),
        ("split", "random", ["split", "random", "paper, grouped"]),
        ("tables.table6.metric", "accuracy", ["tables.table6.metric", "accuracy", "image_auroc"]),
        ("tables.table6.methods", ["patchcor"], ["tables.table6.methods", "patchcor", "patchcore"]),
        (
            "datasets.busi.source.samples",
            {"support": "a.json"},
            ["datasets.busi.source.samples", "missing key test"],
        ),
        ("methods.patchcore.backbone", "resnet", ["methods.patchcore.backbone", "resnet", "wide_resnet50"]),
        ("methods.patchcore.settings.layers", ["layer9"], ["layer9", "layer2, layer3", "Hint"]),
        ("methods.coop.base", "fusionmedclip", ["base", "leads back to itself"]),
        ("datasets.busi.tset", {}, ["datasets.busi", "unknown key tset", "Hint"]),
        ("backbones.roco_clip.stage1.captions", "roko", ["captions", "roko", "roco"]),
    ],
)
def test_a_bad_value_gives_one_error_that_names_key_value_and_choice(thesis, path, value, says):
    with pytest.raises(InputError) as error:
        Config.checked(changed(thesis, path, value))
    for part in says:
        assert part in str(error.value)


def test_bad_method_settings_name_the_whole_key(thesis):
    settings = changed(thesis, "methods.clip.settings.model.prompt.form", "cooop")["methods"]["clip"][
        "settings"
    ]
    with pytest.raises(InputError, match=r"(?s)prompt\.form.*'cooop'.*coop, phrases, manual"):
        check_settings("fusionmedclip", settings, where="methods.clip.settings")
    with pytest.raises(InputError, match=r"(?s)unknown key methods\.clip\.settings\.modle"):
        check_settings("fusionmedclip", {"modle": {}}, where="methods.clip.settings")
    with pytest.raises(InputError, match=r"(?s)optimiser\.epochs has the wrong type.*'many'.*int"):
        build(FusionSettings, {"optimiser": {"epochs": "many"}})


def test_row_6_of_the_configuration_is_the_default_of_the_library(thesis):
    """The configuration writes out every default; neither may drift from the other."""
    written = build(FusionSettings, thesis.method("fusionmedclip")["settings"])
    assert plain(written) == plain(FusionSettings())


def test_ablation_rows_switch_one_thing_each(thesis):
    """Section 4.4: which keys differ from one row to the next, counted by hand."""
    rows = thesis.data["tables"]["table8"]["methods"]
    flat = [
        _flat({k: v for k, v in thesis.method(name).items() if k in ("backbone", "settings")})
        for name in rows
    ]
    steps = [{k for k in a.keys() | b.keys() if a.get(k) != b.get(k)} for a, b in itertools.pairwise(flat)]
    model = "settings.model"
    assert steps[:4] == [
        {"backbone"},
        {f"{model}.prompt.form"},
        {f"{model}.prompt.umls"},
        {f"{model}.head"},
    ]
    assert {re.sub(r"\.(rank|alpha|dropout|bottleneck)$", "", key) for key in steps[4]} == {
        f"{model}.lora",
        f"{model}.block_adapter",
    }


def _flat(value, prefix=""):
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        k: v for key, item in value.items() for k, v in _flat(item, f"{prefix}.{key}".lstrip(".")).items()
    }


def test_table_a1_as_printed(thesis):
    settings = thesis.method("fusionmedclip")["settings"]
    assert settings["optimiser"] == {
        "name": "adamw",
        "epochs": 200,
        "batch_size": 8,
        "weight_decay": 0.01,
        "betas": [0.9, 0.999],
        "epsilon": 1e-8,
        "learning_rates": {
            "prompt": 1e-3,
            "alignment": 1e-3,
            "lora": 3e-5,
            "block_adapter": 5e-5,
            "temperature": 1e-3,
        },
    }
    assert settings["model"]["lora"] == {"rank": 8, "alpha": 16, "dropout": 0.05}
    assert settings["model"]["block_adapter"] == {"bottleneck": 64, "dropout": 0.1}
    assert settings["model"]["temperature"]["value"] == 0.07


def test_file_that_is_no_yaml_is_named(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("a: [1")
    with pytest.raises(InputError, match=r"broken\.yaml, line 1, column 6: not YAML"):
        load_config(path)
    with pytest.raises(InputError, match="configuration not found"):
        load_config(tmp_path / "missing.yaml")


def test_the_package_holds_the_protocol_as_it_stands_in_config_yaml(root):
    """It is what cells are compared with. After a change: cp config.yaml fusionmedclip/protocol.yaml"""
    assert (root / "fusionmedclip" / "protocol.yaml").read_bytes() == (root / "config.yaml").read_bytes()


def test_planning_loads_neither_torch_nor_an_imaging_library(root):
    """Imports of all rules, and what rules/configuration.smk does with every method, in its own process."""
    rules = "\n".join(path.read_text() for path in [root / "Snakefile", *root.glob("rules/*.smk")])
    imports = re.findall(r"^(?:from|import) fusionmedclip[^(\n]*(?:\([^)]*\))?", rules, re.M)
    assert len(imports) > 10
    plan = """
import sys
from fusionmedclip.config import load_config
from fusionmedclip.methods import check_settings, check_stage1, reads_features
from fusionmedclip.reporting.tables.rows import is_run, row_request, rows_of
config = load_config("config.yaml")
for name in config.data["methods"]:
    method = config.method(name)
    check_settings(method["kind"], method["settings"], where=name)
    reads_features(method["kind"], method["settings"])
for name in config.data["backbones"]:
    check_stage1(config.backbone(name)["stage1"], where=name)
row_request(config, "table8", 1)
print(sorted({"torch", "cv2", "PIL", "pydicom", "nibabel", "scipy", "skimage"} & set(sys.modules)))
"""
    program = "\n".join([*imports, plan])
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
