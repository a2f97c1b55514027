"""Settings that would train something else, or nothing, are refused by name, in every kind that has them."""

import pytest

from fusionmedclip.baselines.registry import KINDS, create, settings_class
from fusionmedclip.errors import InputError


@pytest.mark.parametrize(
    ("kind", "settings", "allowed"),
    [
        ("regad", {"momentum": 1.0}, "below 1"),
        ("promptad", {"momentum": 5.0}, "below 1"),
        ("cutpaste", {"momentum": -0.1}, "0 or more"),
        ("anoddpm", {"ema": 5.0}, "below 1"),
        ("supersimplenet", {"patch_size": 4}, "1, 3, 5"),
        ("patchcore", {"patch_size": 0}, "1, 3, 5"),
        ("simplenet", {"patch_size": 2}, "1, 3, 5"),
        ("supersimplenet", {"noise_threshold": 1.0}, "below 1"),
        ("supersimplenet", {"decay": 7.0}, "at most 1"),
        ("anomalyclip", {"temperature": 0}, "more than 0"),
        ("anomalyclip", {"local_weight": -1.0}, "0 or more"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(kind: str, settings: dict, allowed: str) -> None:
    (name,) = settings
    with pytest.raises(InputError, match=rf"(?s)`{name}`.*{settings[name]}.*{allowed}"):
        create(kind, **settings)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if hasattr(settings_class(kind), "sigma")])
def test_a_blur_beyond_its_bounds_is_refused_before_hours_of_training(kind: str) -> None:
    for sigma in (1e20, -1.0, 1e-46, 0.00099):
        with pytest.raises(InputError, match=r"(?s)`sigma`.*0, or 0.001 to 1000, in pixels"):
            create(kind, sigma=sigma)
    for sigma in (1000.0, 0.001, 0.0, -0.0):
        assert settings_class(kind)(sigma=sigma).sigma == sigma


@pytest.mark.parametrize(
    "kind", ["regad", "promptad", "patchcore", "simplenet", "supersimplenet", "patch_nn"]
)
def test_a_layer_is_named_once(kind: str) -> None:
    with pytest.raises(InputError, match=r"(?s)`layers` names one twice.*layer2"):
        create(kind, layers=["layer2", "layer2"])
