"""Kinds, settings and errors, and that none of it needs torch."""

import ast
import dataclasses
import inspect
import subprocess
import sys

import pytest

from fusionmedclip.baselines import KINDS, create, detector_class, settings_class
from fusionmedclip.errors import InputError
from fusionmedclip.methods import learns_from_others, learns_labels, ours_in, reads_features
from fusionmedclip.models.detector import Detector


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_detector_and_frozen_settings(kind):
    cls = detector_class(kind)
    assert issubclass(cls, Detector)
    assert isinstance(cls.needs_backbone, bool)
    settings = settings_class(kind)
    assert settings.__dataclass_params__.frozen
    assert dataclasses.asdict(settings())
    documented = settings.__doc__ + "".join(base.__doc__ or "" for base in settings.__mro__[1:-1])
    for field in dataclasses.fields(settings):
        assert field.name in documented, f"{kind}.{field.name} is not documented"


def test_no_baseline_knows_another_and_what_they_share_knows_none(root):
    """Whole folders, by their imports: the contracts of the layers name a few modules of each alone."""
    home = root / "fusionmedclip/baselines"
    folders = {path.parent.name for path in home.glob("*/__init__.py")}
    for path in sorted(home.rglob("*.py")):
        own = path.relative_to(home).parts[0]
        modules = [
            n.module or "" for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)
        ]
        known = {name.split(".")[2] for name in modules if name.startswith("fusionmedclip.baselines.")}
        assert known & folders <= {own}, path.relative_to(home)


def test_registry_and_settings_load_no_torch():
    code = (
        "import sys; from fusionmedclip.baselines import KINDS, settings_class;"
        "[settings_class(kind)() for kind in KINDS]; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_unknown_kind_names_the_kinds():
    with pytest.raises(InputError, match=r"(?s)'patchcor'.*patchcore, simplenet"):
        create("patchcor")


def test_unknown_setting_names_key_and_allowed(resnet):
    with pytest.raises(InputError, match=r"(?s)patchcore\.sigm.*3.*allowed.*sigma"):
        create("patchcore", backbone=resnet, sigm=3)


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        ("patchcore", {"coreset_fraction": 0.0}),
        ("patchcore", {"patch_size": 2}),
        ("patchcore", {"layers": []}),
        ("patchcore", {"layers": [0]}),
        ("patchcore", {"embedding": "max"}),
        ("simplenet", {"steps": -1}),
        ("simplenet", {"train_patches": 1}),
        ("cutpaste", {"area": [0.2, 0.1]}),
        ("regad", {"layers": [2, 2, 3]}),
        ("squid", {"image_size": 100}),
        ("anoddpm", {"image_size": 100}),
        ("anoddpm", {"test_timesteps": 2000}),
        ("anoddpm", {"norm_groups": 48}),
        ("patch_nn", {"tail": 0}),
        ("winclip", {"scales": [1]}),
        ("clip_zero_shot", {"prompts": "none"}),
        ("mean_brightness", {"reading": "up"}),
    ],
)
def test_bad_values_name_the_setting(kind, bad):
    with pytest.raises(InputError) as caught:
        settings_class(kind)(**{k: tuple(v) if isinstance(v, list) else v for k, v in bad.items()})
    message = str(caught.value)
    assert next(iter(bad)) in message
    assert "received" in message
    assert "allowed" in message or "Hint" in message or "twice" in message


def test_backbone_missing_and_unwanted(resnet):
    with pytest.raises(InputError, match="needs a backbone"):
        create("patchcore")
    with pytest.raises(InputError, match="takes no backbone"):
        create("mean_brightness", backbone=resnet)
    with pytest.raises(InputError, match="text tower"):
        create("winclip", backbone=resnet)


def test_backbone_as_a_mapping():
    detector = create(
        "patchcore", backbone={"kind": "timm", "model": "resnet10t"}, layers=["layer2"], coreset_fraction=1
    )
    assert detector.layers == ("layer2",)
    with pytest.raises(InputError, match=r"backbone\.modl"):
        create("patchcore", backbone={"modl": "resnet10t"})


def test_unfitted_says_so(resnet, phantoms):
    with pytest.raises(InputError, match="was not fitted"):
        create("patchcore", backbone=resnet).score(phantoms[1])


@pytest.mark.parametrize(
    ("kind", "settings", "metric", "says"),
    [
        ("squid", {}, "pixel_auroc", "squared residual of the reconstruction"),
        ("squid", {}, "image_auroc", ""),
        ("squid", {"score": "residual"}, "image_ap", "mean squared residual of the reconstruction"),
        ("anoddpm", {"score": "max"}, "image_auroc", "maximum of the squared error"),
        ("patchcore", {}, "pixel_auroc", ""),
        ("fusionmedclip", {}, "image_auroc", ""),
    ],
)
def test_outputs_that_a_method_leaves_open_are_named(kind, settings, metric, says):
    assert ours_in(kind, settings, metric) == says


@pytest.mark.parametrize("kind", KINDS)
def test_the_plan_knows_what_a_detector_does(kind):
    """Without its class, which loads torch: which stores and which data sets a method reads."""
    assert reads_features(kind, {}) is detector_class(kind).frozen_features
    takes = "meta" in inspect.signature(detector_class(kind).fit).parameters
    assert learns_from_others(kind, {}) is takes
    labels = takes and "LabelledSet" in str(inspect.signature(detector_class(kind).fit).parameters["meta"])
    assert learns_labels(kind, {}) is labels
    if takes and not labels:
        assert not learns_from_others(kind, {"meta_source": "support"})
