"""The table of profiles in the documentation holds the values in force."""

import dataclasses

from fusionmedclip.synthesis.profiles import PROFILES


def written(value):
    if isinstance(value, str):
        return value
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else f"{value:g}"


def test_profiles_are_documented_as_they_are(root):
    lines = (root / "docs" / "synthesis.md").read_text().splitlines()
    rows = {
        cells[1]: cells[2:-1]
        for cells in ([c.strip() for c in line.split("|")] for line in lines)
        if len(cells) > 2
    }
    assert rows["setting"] == list(PROFILES)
    for part in ("poisson", "density", "guided"):
        for field in dataclasses.fields(getattr(PROFILES["generic"], part)):
            values = [written(getattr(getattr(profile, part), field.name)) for profile in PROFILES.values()]
            assert rows[f"`{part}.{field.name}`"] == values
