"""`ok` means the thesis's protocol: whatever is set otherwise is a stand-in, and the table says what."""

import copy
import re

import pytest

from fusionmedclip.config import Config, load_config, merge
from fusionmedclip.reporting.finished import status_of
from fusionmedclip.reporting.status import reasons_of, scoped
from fusionmedclip.reporting.tables.rows import (
    Run,
    is_run,
    is_stand_in_backbone,
    row_request,
    rows_of,
    run_settings,
    stand_in_reasons,
)
from fusionmedclip.reporting.thesis.differences import UNCOUNTED, differences, leaves, resolved
from fusionmedclip.settings import OFF


@pytest.fixture(scope="module")
def thesis(root):
    return load_config(root / "config.yaml")


def _with(thesis, overlay):
    return Config.checked(merge(copy.deepcopy(thesis.data), overlay))


def _request(config, *tables):
    return [
        cell for table in tables for row in rows_of(config, table) for cell in row_request(config, table, row)
    ]


def _settings(**settings):
    return {"methods": {"clip": {"settings": settings}}}


THESIS_TABLES = ("table6", "table7", "table8")

SEVEN = {
    "optimiser epochs: 2 instead of 200": _settings(optimiser={"epochs": 2}),
    "seeds: 0 instead of 0, 1, 2": {"seeds": [0]},
    "test normal: 10 instead of 101": {"datasets": {"busi": {"test": {"normal": 10, "abnormal": 10}}}},
    "split: grouped instead of paper": {"split": "grouped"},
    "model layers: 12 instead of 12, 18, 24": _settings(model={"layers": [12]}),
    "model temperature value: 1 instead of 0.07": _settings(model={"temperature": {"value": 1.0}}),
    "Stage 1 max_epochs: 2 instead of 50": {
        "backbones": {"roco_clip": {"stage1": {"settings": {"max_epochs": 2, "warmup_epochs": 1}}}}
    },
}


@pytest.mark.parametrize("said", SEVEN)
def test_what_once_passed_for_the_thesis_is_a_stand_in_and_says_why(thesis, said):
    config = _with(thesis, SEVEN[said])
    cells = {(c["table"], c["dataset"], c["method"], c["k"]): c for c in _request(config, *THESIS_TABLES)}
    ours = cells["table6", "busi", "fusionmedclip", 16]
    assert said in ours["reasons"]
    assert status_of(ours, []) == "stand-in"
    others = {cell for cell, request in cells.items() if status_of(request, []) == "ok"}
    untouched = {
        "seeds": 0,
        "split": 0,
        "test": 84 - 28 + 18 - 6 - 8,  # RegAD on the two others learns from BUSI's normals
        "optimiser": 72
        + 20
        + 6,  # the baselines' cells of Tables 6 and 7; rows 1 and 2 of Table 8 train nothing
        "model layers": 72 + 20 + 12,  # and rows 1 to 4, which pool the last tokens
        "model temperature": 72 + 20,
        "Stage": 72 + 20 + 3,  # and row 1 of Table 8
    }
    (expected,) = (count for start, count in untouched.items() if said.startswith(start))
    assert len(others) == expected


def test_every_cell_of_the_protocol_is_the_thesis_s(thesis):
    request = _request(thesis, *thesis.data["tables"])
    assert len(request) == 84 + 24 + 18 + 42
    assert {status_of(cell, []) for cell in request} == {"ok"}
    assert not any(is_stand_in_backbone(thesis, name) for name in thesis.data["backbones"])


def _changed(value):
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return [*value[:-1], _changed(value[-1])] if value else [1]
    return {"x": 1} if isinstance(value, dict) else 1


def _put(settings, path, value):
    name, _, below = path.partition(".")
    return {**settings, name: _put(settings[name], below, value) if below else value}


def test_every_leaf_of_the_resolved_settings_counts_unless_it_is_listed(thesis):
    listed = {name: re.compile(re.escape(name).replace(r"\*", r"\w+")) for name in UNCOUNTED}
    met, tried = set(), 0
    for dataset in thesis.data["datasets"]:
        for method in thesis.data["methods"]:
            settings = run_settings(thesis, Run(dataset, "paper", method, 16, 0))
            whole = resolved(settings, thesis.data["seeds"])
            assert differences(whole, whole) == {}
            for path, value in leaves(whole).items():
                if value is OFF or path.endswith("synthesis.profile"):  # a name; its values are leaves too
                    assert differences(_put(whole, path, "anything"), whole) == {}
                    continue
                known = {name for name, pattern in listed.items() if pattern.fullmatch(path)}
                found = differences(_put(whole, path, _changed(value)), whole)
                assert bool(found) is not bool(known), path
                assert bool(reasons_of(found)) is not bool(known), path
                met |= known
                tried += 1
    assert tried > 3000
    assert met == set(UNCOUNTED)  # none is listed in vain


def test_nothing_of_a_run_s_settings_is_left_out_of_the_comparison(thesis):
    """Defaults are added and `preset` stands for what it names; each key of the run is still there."""
    for method in thesis.data["methods"]:
        settings = run_settings(thesis, Run("busi", "paper", method, 16, 0))
        kept = leaves(resolved(settings, [0, 1, 2]))
        lost = {
            path
            for path in leaves(settings)
            if not any(q == path or q.startswith(f"{path}.") or path.startswith(f"{q}.") for q in kept)
        }
        assert lost <= {"seed", "method.settings.synthesis.preset"}


LISTS = {"support": "train.json", "test": "test.json"}
PHANTOMS = {"kind": "phantoms", "normal": 9, "abnormal": 9}
LISTED = {"kind": "folder", "normal": ["n"], "abnormal": ["a"], "samples": LISTS}


@pytest.mark.parametrize(
    ("overlay", "method", "said"),
    [
        (_settings(synthesis={"preset": "parent"}), "coop", "synthesis foreground: False instead of True"),
        (_settings(model={"lora": {"rank": 4}}), "coop", "model lora: rank 4"),
        ({"methods": {"squid": {"settings": {"steps": 30}}}}, "squid", "steps: 30 instead of 17000"),
        ({"methods": {"patchcore": {"backbone": "resnet18"}}}, "patchcore", "weights: ResNet-18, ImageNet"),
        ({"methods": {"squid": {"kind": "contrast"}}}, "squid", "method: contrast instead of squid"),
        ({"backbones": {"clip": {"model": "RN50"}}}, "clip", "backbone model: RN50 instead of ViT-L-"),
        ({"backbones": {"clip": {"model": "RN50", "title": "R"}}}, "clip", "weights: R instead of CLIP V"),
        ({"backbones": {"roco_clip": {"stage1": None}}}, "coop", "Stage 1: none instead of the protocol's"),
        ({"captions": {"roco": {"stand_in": "captions of ours"}}}, "coop", "captions: captions of ours"),
        ({"captions": {"roco": {"source": {"kind": "csv"}}}}, "coop", "captions: csv instead of roco"),
        ({"datasets": {"busi": {"profile": "generic"}}}, "coop", "synthesis profile: generic instead of"),
        ({"datasets": {"busi": {"stand_in": "phantoms of a kind"}}}, "patchcore", "data: phantoms of a kind"),
        ({"datasets": {"busi": {"source": {"mask_suffix": "_m"}}}}, "squid", "source mask_suffix: _m"),
        ({"datasets": {"busi": {"source": {"read": {"exif": False}}}}}, "squid", "source read exif: False"),
        ({"datasets": {"brainmri": {"stand_in": "x"}}}, "regad", "meta-training: other images of brainmri"),
        (
            {"datasets": {"busi": {"source": {"samples": LISTS}, "test": {"normal": 9}}}},
            "squid",
            "test normal: 9 instead of 101",
        ),
        (
            {"datasets": {"busi": {"source": {**PHANTOMS, "samples": LISTS}}}},
            "squid",
            "source: phantoms instead of folder",
        ),
        (
            {"datasets": {"busi": {"source": {**LISTED, "slices": "all"}}}},
            "squid",
            "source slices: all instead of middle",
        ),
        (
            {"datasets": {"busi": {"source": {**LISTED, "mask_suffix": "_other"}}}},
            "squid",
            "source mask_suffix: _other instead of _mask",
        ),
        ({"image_size": 256}, "squid", "working size: 256 instead of 224"),
        ({"split_seed": 1}, "squid", "split_seed: 1 instead of 0"),
        ({"seeds": [0, 1, 3]}, "squid", "seeds: 0, 1, 3 instead of 0, 1, 2"),
    ],
)  # fmt: skip
def test_what_differs_is_said_in_words(thesis, overlay, method, said):
    config = _with(thesis, overlay)
    reasons = stand_in_reasons(config, dataset="busi", method=method)
    assert any(reason.startswith(said) for reason in reasons), reasons
    assert len(reasons) == len(set(reasons))


def test_other_weights_stand_for_their_own_settings_alone(thesis):
    config = _with(thesis, {"seeds": [0], "methods": {"patchcore": {"backbone": "resnet18"}}})
    weights, *others = stand_in_reasons(config, dataset="busi", method="patchcore")
    assert weights.startswith("weights: ResNet-18, ImageNet")
    assert others == ["seeds: 0 instead of 0, 1, 2"]


@pytest.mark.parametrize(
    "overlay",
    [
        {"seeds": [2, 1, 0]},
        {"seeds": list(range(20))},  # more draws of the same protocol
        {"data": "/elsewhere", "results": "other", "tier": "mine", "device": "cpu", "threads": 4},
        {"datasets": {"busi": {"source": {"path": "other"}, "title": "Ultrasound", "licence": "x"}}},
        {"methods": {"squid": {"title": "S", "settings": {"steps": 17_000, "batch_size": 2}}}},  # the default
        {"backbones": {"clip": {"title": "L/14"}}},
        {"tables": {"table6": {"title": "mine", "shots": [4]}}, "examples": 0, "warm_jobs": True},
        {
            "images": {"kernel": "bicubic"},
            "datasets": {"chexpert": {"source": {"seed": 0, "tables": ["train.csv"]}}},
        },
        {
            "datasets": {
                "brainmri": {"test": {"abnormal": None}, "source": {"normal": "no", "slices": "middle"}}
            }
        },
        {
            "backbones": {
                "clip": {
                    "quick_gelu": True,
                    "init_seed": 3,
                    "mean": [0.48145466, 0.4578275, 0.40821073],
                    "std": [0.26862954, 0.26130258, 0.27577711],
                }
            }
        },
        {"backbones": {"roco_clip": {"stage1": {"repeated": False, "settings": {"image_size": 224}}}}},
        {"captions": {"roco": {"source": {"check": "decode", "workers": 1}}}},
        _settings(
            model={
                "temperature": {"minimum": 0.001, "maximum": 2.0},
                "prompt": {"class_names": ["normal", "anomaly"]},
            }
        ),
        _settings(loss={"pixel_smoothing": 0.1}, optimiser={"learning_rates": {"temperature": 1.0}}),
    ],
)
def test_what_cannot_change_a_number_does_not_count(thesis, overlay):
    assert {status_of(c, []) for c in _request(_with(thesis, overlay), *THESIS_TABLES)} == {"ok"}


OWN = {
    "datasets": {"mine": {"title": "m", "source": {"kind": "csv", "path": "m.csv"}, "test": {"normal": 9}}},
    "backbones": {"other": {"kind": "open_clip", "model": "RN50", "pretrained": "openai", "layers": [1, 2]}},
    "methods": {
        "variant": {"base": "fusionmedclip", "settings": {"model": {"layers": [14, 18, 24]}}},
        "elsewhere": {"base": "clip", "backbone": "other", "settings": {"model": {"layers": [2]}}},
    },
}  # fmt: skip


def test_entries_that_the_protocol_does_not_have_are_compared_in_all_else(thesis):
    config = _with(thesis, OWN)
    for dataset, method in (
        ("busi", "variant"),
        ("busi", "elsewhere"),
        ("mine", "patchcore"),
        ("mine", "variant"),
    ):
        assert stand_in_reasons(config, dataset=dataset, method=method) == []
    changed = _with(config, _settings(optimiser={"epochs": 2}))
    for method in ("variant", "elsewhere"):
        reasons = stand_in_reasons(changed, dataset="busi", method=method)
        # `elsewhere` is based on row 1, which trains nothing
        assert reasons == (["optimiser epochs: 2 instead of 200"] if method == "variant" else [])
    # RegAD of the thesis learns from the thesis's other data sets, and from no further one.
    assert stand_in_reasons(config, dataset="busi", method="regad") == ["meta-training: other images of mine"]


@pytest.mark.parametrize("overlay", ["demo", "offline", "grouped"])
def test_no_cell_of_a_tier_that_is_not_the_thesis_s_passes_for_it(root, overlay):
    config = load_config([root / "config.yaml", root / "configs" / f"{overlay}.yaml"])
    ran = [cell for cell in _request(config, *THESIS_TABLES) if cell["runs"]]
    assert {status_of(cell, []) for cell in ran} == {"stand-in"}


@pytest.mark.parametrize("overlay", ["supports20", "variants", "further", "published", "strategy", "peers"])
def test_an_overlay_that_adds_to_the_protocol_leaves_its_cells_the_thesis_s(root, overlay):
    config = load_config([root / "config.yaml", root / "configs" / f"{overlay}.yaml"])
    assert {status_of(cell, []) for cell in _request(config, *config.data["tables"])} == {"ok"}


def test_what_holds_of_the_same_cells_stands_in_one_line():
    cells = [(d, m) for d in ("a", "b", "c") for m in ("x", "y")]
    reasons = {cell: ["seeds: 0"] for cell in cells}
    for dataset in ("a", "b"):
        reasons[dataset, "x"] += ["steps: 1", "width: 2"]
    reasons["a", "y"].append("steps: 1")  # with the line above no block of data sets by methods
    reasons["c", "y"].append("test: 3")
    assert scoped(reasons, {"a": "A", "x": "X"}) == [
        "Every cell: seeds: 0.",
        "A, b; X: steps: 1; width: 2.",
        "A; y: steps: 1.",
        "c; y: test: 3.",
    ]
    assert scoped({cell: [] for cell in cells}, {}) == []
    assert scoped({("a", "x"): ["s: 1"], ("a", "y"): []}, {}) == ["x: s: 1."]


def test_a_table_of_many_cells_says_it_in_few_lines(root):
    config = load_config([root / "config.yaml", root / "configs" / "demo.yaml"])
    entry = config.data["tables"]["table8"]
    found = {
        (d, m): stand_in_reasons(config, dataset=d, method=m)
        for d in entry["datasets"]
        for m in entry["methods"]
    }
    assert all(is_run(config, method) for method in entry["methods"])
    assert len(found) == 18
    lines = scoped(found, {})
    assert len(lines) <= 9
    assert lines[0].startswith("Every cell: ")
