"""Controls of pixels, by hand."""

import numpy as np
import pytest

from fusionmedclip.baselines import create

RISING = np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)
FRAMED = np.pad(np.full((16, 16), 0.5, np.float32), 2, constant_values=0.25)


def scores(kind: str, reading: str) -> list[float]:
    """Of two images, after a support set of theirs and a black one."""
    support = np.stack([RISING, FRAMED, np.zeros_like(RISING)])
    return create(kind, reading=reading).fit(support).score(support[:2]).scores.tolist()


@pytest.mark.parametrize(
    ("kind", "statistics"),
    [
        ("mean_brightness", [0.5, (256 * 0.5 + 144 * 0.25) / 400]),
        ("contrast", [np.sqrt((400 + 1) / (12 * 399)), 0.25 * np.sqrt(0.64 * 0.36)]),  # uniform; two values
        ("border_darkness", [0.5, 0.75]),  # a sixteenth of 20 pixels: a frame of one
    ],
)
def test_each_statistic_and_its_three_readings(kind, statistics):
    third = 1.0 if kind == "border_darkness" else 0.0  # of the black image
    everything = np.array([*statistics, third])
    assert scores(kind, "raw") == pytest.approx(statistics, rel=1e-5)
    assert scores(kind, "inverted") == pytest.approx([-value for value in statistics], rel=1e-5)
    away = np.abs(everything - everything.mean()) / everything.std()
    assert scores(kind, "deviation") == pytest.approx(away[:2].tolist(), rel=1e-5, abs=1e-6)
