"""Controls of pixels, by hand."""

import numpy as np
import pytest

from fusionmedclip.baselines import create

SIDE = 32
RISING = np.linspace(0, 1, SIDE**2, dtype=np.float32).reshape(SIDE, SIDE)
FRAMED = np.pad(np.full((30, 30), 0.5, np.float32), 1, constant_values=0.25)
RINGS = 4 * 31 * 0.25, 4 * 29 * 0.5
"""Sums of the outermost ring of 124 pixels, and of the next one of 116."""


def scores(kind: str, reading: str) -> list[float]:
    """Of two images, after a support set of theirs and a black one."""
    support = np.stack([RISING, FRAMED, np.zeros_like(RISING)])
    return create(kind, reading=reading).fit(support).score(support[:2]).scores.tolist()


# Contrasts are the deviation of a uniform row of numbers, and of two values by their shares.
@pytest.mark.parametrize(
    ("kind", "statistics"),
    [
        ("mean_brightness", [0.5, 0.5 - 0.25 * 124 / 1024]),
        (
            "contrast",
            [np.sqrt((1024 + 1) / (12 * 1023)), 0.25 * np.sqrt(124 * 900) / 1024],
        ),
        ("border_darkness", [0.5, 1 - sum(RINGS) / 240]),  # a sixteenth of 32 pixels: two rings
    ],
)
def test_each_statistic_and_its_three_readings(kind, statistics):
    third = 1.0 if kind == "border_darkness" else 0.0  # of the black image
    everything = np.array([*statistics, third])
    assert scores(kind, "raw") == pytest.approx(statistics, rel=1e-5)
    assert scores(kind, "inverted") == pytest.approx([-value for value in statistics], rel=1e-5)
    away = np.abs(everything - everything.mean()) / everything.std()
    assert scores(kind, "deviation") == pytest.approx(away[:2].tolist(), rel=1e-5, abs=1e-6)
