"""Settings are data: defaults as published, checked by name, JSON-able."""

import dataclasses
import json

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.synthesis import TASKS, SynthesisSettings, ranges
from fusionmedclip.synthesis.profiles import PROFILES


def test_default_mixture_is_table_a1_with_originals_beside_enhanced():
    settings = SynthesisSettings()
    assert settings.families == {
        "identity": {"identity": 1.0},
        "structural": {"cutpaste": 0.5, "poisson": 0.5},
        "density": {"gaussian": 0.5, "density": 0.5},
        "deformation": {"source": 0.5, "guided": 0.5},
    }
    assert settings.family_odds is None
    assert settings.second_anomaly_probability == 0.5


def test_parent_values():
    settings = SynthesisSettings.from_dict({"preset": "parent"})
    tasks = {task for family in settings.families.values() for task in family}
    assert tasks == {"identity", "cutpaste", "gaussian", "source"}
    assert settings == SynthesisSettings.preset("parent")
    assert not settings.foreground
    assert settings.placement == "whole"
    assert settings.drawn_masks == ("gaussian", "source", "sink")  # tasks.py there: no labeller
    assert settings.min_visible == settings.min_changed == 0
    assert settings.cutpaste.side == (0.1, 0.6)
    assert settings.cutpaste.rotation == (-45, 45)
    assert settings.cutpaste.resize_mean == 0.1
    assert settings.perlin.threshold == 0.3
    assert settings.perlin.min_fill == 0.2
    assert settings.gaussian.side == (0.3, 0.8)
    assert settings.gaussian.noise_sigma == (4, 7)
    assert settings.gaussian.intensity == (0.4, 0.6)
    assert settings.gaussian.edge_sigma == (1, 4)
    assert settings.radial.log2_factor == (0.5, 2)
    assert settings.shape.side == (0.2, 0.6)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_json_round_trip(profile):
    settings = SynthesisSettings.from_dict({"profile": profile, "family_odds": {"density": 3, "identity": 1}})
    text = json.dumps(settings.to_dict(), sort_keys=True)
    assert SynthesisSettings.from_dict(json.loads(text)) == settings


def test_profile_fills_what_the_mapping_leaves_out():
    settings = SynthesisSettings.from_dict({"profile": "chest_xray", "density": {"beta": [0.1, 0.2]}})
    assert settings.density == dataclasses.replace(PROFILES["chest_xray"].density, beta=(0.1, 0.2))
    assert settings.guided == PROFILES["chest_xray"].guided


def test_overrides_over_a_base():
    base = SynthesisSettings.from_dict({"profile": "brain_mri", "attempts": 3})
    settings = SynthesisSettings.from_dict({"foreground": False, "density": {"beta": [0.1, 0.2]}}, base=base)
    assert settings.attempts == 3
    assert settings.density == dataclasses.replace(PROFILES["brain_mri"].density, beta=(0.1, 0.2))


@pytest.mark.parametrize(
    ("values", "fragments"),
    [
        ({"profle": "generic"}, ["synthesis.profle", "'generic'", "preset", "families", "Hint"]),
        ({"profile": "ct"}, ["synthesis.profile", "'ct'", "brain_mri"]),
        ({"preset": "best"}, ["synthesis.preset", "'best'", "parent"]),
        ({"density": {"beta": [2, 1]}}, ["synthesis.density.beta", "[2, 1]", "0.05 and 1", "Hint"]),
        ({"density": {"beta": [0.9, 0.5]}}, ["synthesis.density.beta", "from <= to"]),
        ({"density": {"bta": [0.5, 0.9]}}, ["synthesis.density.bta", "beta"]),
        ({"density": 3}, ["synthesis.density", "3"]),
        ({"perlin": {"redraws": 0}}, ["synthesis.perlin.redraws", "0", "1 and 10000"]),
        ({"perlin": {"redraws": True}}, ["synthesis.perlin.redraws", "True"]),
        ({"foreground": "yes"}, ["synthesis.foreground", "'yes'", "true or false"]),
        ({"placement": "edge"}, ["synthesis.placement", "'edge'", "whole"]),
        ({"drawn_masks": ["sorce"]}, ["synthesis.drawn_masks", "sorce", "source"]),
        ({"drawn_masks": ["identity"]}, ["synthesis.drawn_masks", "identity"]),
        ({"second_anomaly_probability": 1.5}, ["second_anomaly_probability", "1.5", "0 and 1"]),
        ({"gaussian": {"noise_sigma": []}}, ["synthesis.gaussian.noise_sigma", "[]"]),
        ({"families": {"x": {"cutpast": 1}}}, ["synthesis.families.x.cutpast", "cutpaste"]),
        ({"families": {"x": {"cutpaste": -1}}}, ["synthesis.families.x.cutpaste", "-1"]),
        ({"families": {"x": {"cutpaste": 0}}}, ["synthesis.families.x", "all odds are zero"]),
        ({"families": {}}, ["synthesis.families", "preset"]),
        ({"family_odds": {"tumour": 1}}, ["synthesis.family_odds.tumour", "structural"]),
    ],
)
def test_a_bad_setting_is_refused_by_name(values, fragments):
    with pytest.raises(InputError) as caught:
        SynthesisSettings.from_dict(values)
    for fragment in fragments:
        assert fragment in str(caught.value)


def test_not_a_mapping_is_refused():
    with pytest.raises(InputError, match="not a mapping"):
        SynthesisSettings.from_dict(["profile"])


@pytest.mark.parametrize("name", [*ranges.__all__, "SynthesisSettings"])
def test_every_setting_is_documented(name):
    settings = SynthesisSettings if name == "SynthesisSettings" else getattr(ranges, name)
    for field in dataclasses.fields(settings):
        assert field.name in settings.__doc__


def test_every_task_can_be_drawn_from_a_mixture():
    families = {task: {task: 1} for task in TASKS}
    assert set(SynthesisSettings.from_dict({"families": families}).families) == set(TASKS)
