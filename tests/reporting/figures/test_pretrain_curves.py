"""The figure of a Stage 1 run shows the numbers of its table."""

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.figures import style
from fusionmedclip.reporting.figures.pretrain_curves import draw_pretrain_curves


def table(labels: bool) -> pd.DataFrame:
    rows = []
    for epoch in range(4):
        rows.append((epoch, "validation", "loss", 3 - epoch / 2, 3.2))
        if epoch:
            rows.append((epoch, "train", "loss", 3.1 - epoch / 4, None))
        for k in (1, 5, 10):
            for way in ("image_to_text", "text_to_image"):
                rows.append((epoch, "validation", f"{way}_r{k}", k * (epoch + 1) / 50, k / 50))
        if labels:
            rows.append((epoch, "validation", "zero_shot_accuracy", 0.3 + epoch / 10, 0.25))
    return pd.DataFrame(rows, columns=["epoch", "split", "metric", "value", "chance"])


@pytest.mark.parametrize(("labels", "panels"), [(False, 3), (True, 4)])
def test_lines_hold_the_tables_numbers(tmp_path: Path, monkeypatch, labels: bool, panels: int):
    table(labels).to_csv(tmp_path / "retrieval.csv", index=False)
    drawn = {}

    def keep(figure, path, **_):
        axes = figure.axes
        drawn["panels"] = len(axes)
        drawn["validation"] = axes[0].lines[1].get_ydata().tolist()
        drawn["recall"] = axes[1].lines[0].get_ydata().tolist()
        drawn["note"] = [text.get_text() for text in figure.texts]
        figure.savefig(path)

    monkeypatch.setattr(style, "save_figure", keep)
    draw_pretrain_curves(
        curves=tmp_path / "retrieval.csv", title="tiny", stand_in=True, out=tmp_path / "out.png"
    )
    assert drawn["panels"] == panels
    assert drawn["validation"] == [3.0, 2.5, 2.0, 1.5]
    assert drawn["recall"] == pytest.approx([0.02, 0.04, 0.06, 0.08])
    assert any("Stand-in" in note for note in drawn["note"])
    assert Image.open(tmp_path / "out.png").size[0] > 600


def test_same_bytes_twice(tmp_path: Path):
    table(True).to_csv(tmp_path / "retrieval.csv", index=False)
    for name in ("a.png", "b.png"):
        draw_pretrain_curves(
            curves=tmp_path / "retrieval.csv", title="tiny", stand_in=False, out=tmp_path / name
        )
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_other_tables_are_refused(tmp_path: Path):
    pd.DataFrame({"epoch": [1], "loss": [2.0]}).to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(InputError, match="columns are missing"):
        draw_pretrain_curves(curves=tmp_path / "log.csv", title="x", stand_in=False, out=tmp_path / "x.png")
    table(False)[lambda t: t["metric"] != "loss"].to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(InputError, match="no validation loss"):
        draw_pretrain_curves(curves=tmp_path / "r.csv", title="x", stand_in=False, out=tmp_path / "x.png")
