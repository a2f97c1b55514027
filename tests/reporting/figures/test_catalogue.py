"""The figures of results show the numbers of their files, in the same bytes each time."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.figures import style
from fusionmedclip.reporting.figures.ablation_steps import draw_ablation_steps
from fusionmedclip.reporting.figures.auroc_by_k import draw_auroc_by_k
from fusionmedclip.reporting.figures.catalogue import FIGURES, caption
from fusionmedclip.reporting.figures.cost_accuracy import draw_cost_accuracy
from fusionmedclip.reporting.figures.curves_of_scores import precision_steps, roc_steps
from fusionmedclip.reporting.figures.rank_diagram import draw_ranks, groups_of
from fusionmedclip.reporting.figures.roc_pr import draw_roc_pr
from fusionmedclip.reporting.figures.score_histograms import draw_score_histograms
from fusionmedclip.reporting.figures.training_curves import draw_training_curves


@pytest.fixture
def figures(monkeypatch) -> list:
    """Figures drawn, instead of files."""
    kept = []
    monkeypatch.setattr(style, "save_figure", lambda figure, path, **_: kept.append(figure))
    return kept


def scored(path: Path, seed: int, *, ties: bool = False) -> tuple[str, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [17, 23])
    scores = rng.normal(labels * 0.8)
    scores = np.round(scores, 0 if ties else 9)
    pd.DataFrame({"image_id": range(40), "label": labels, "score": scores}).to_csv(path, index=False)
    return str(path), labels, scores


def table(tmp_path: Path, shots: list[int], *, rows: str = "dataset_k") -> tuple[str, pd.DataFrame]:
    lines = []
    for row, k in enumerate(shots, 1):
        for place, method in enumerate(["patchcore", "squid", "fusionmedclip"]):
            ran = method != "squid"
            mean = 0.6 + 0.1 * place + 0.002 * k
            lines.append(
                {
                    "row": place + 1 if rows == "method" else row,
                    "dataset": "busi",
                    "method": method,
                    "k": k,
                    "metric": "image_auroc",
                    "mean": mean if ran else None,
                    "ci_low": mean - 0.05 if ran else None,
                    "ci_high": mean + 0.03 if ran else None,
                    "paper_mean": 0.7 + 0.01 * place,
                    "status": "stand-in" if ran else "not run",
                }
            )
    frame = pd.DataFrame(lines)
    frame.to_csv(tmp_path / "t.csv", index=False)
    return str(tmp_path / "t.csv"), frame


@pytest.mark.parametrize("ties", [False, True])
def test_areas_of_the_steps_are_the_metrics(tmp_path: Path, ties: bool):
    _, labels, scores = scored(tmp_path / "s.csv", 3, ties=ties)
    assert roc_steps(labels, scores).values.mean() == pytest.approx(roc_auc_score(labels, scores))
    assert precision_steps(labels, scores).values.mean() == pytest.approx(
        average_precision_score(labels, scores)
    )


def test_roc_steps_lie_on_scikit_learns_curve(tmp_path: Path):
    _, labels, scores = scored(tmp_path / "s.csv", 4)
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    edges, values = roc_steps(labels, scores)
    for left, height in zip(edges[:-1], values, strict=True):
        assert height == pytest.approx(true[np.isclose(false, left)].max())


@pytest.mark.parametrize("seeds", [1, 3])
def test_roc_figure_shows_seeds_and_their_mean(tmp_path: Path, figures: list, seeds: int):
    runs = [scored(tmp_path / f"{seed}.csv", seed) for seed in range(seeds)]
    groups = [["table6", {"k": 8, "runs": [["patchcore", [path for path, _, _ in runs]]]}]]
    draw_roc_pr(figures=[["busi", groups]], titles={"patchcore": "PC"}, stand_in=True, folder=tmp_path)
    (figure,) = figures
    drawn = [patch.get_data().values for patch in figure.axes[0].patches]
    assert len(drawn) == (1 if seeds == 1 else seeds + 1)
    mean = np.mean([roc_auc_score(labels, scores) for _, labels, scores in runs])
    assert drawn[-1].mean() == pytest.approx(mean)
    assert figure.axes[0].get_legend().get_texts()[0].get_text() == f"PC ({mean:.3f})"
    assert any("Stand-in" in text.get_text() for text in figure.texts)


def test_histograms_count_every_image_once(tmp_path: Path, figures: list):
    runs = [scored(tmp_path / f"{seed}.csv", seed) for seed in range(2)]
    methods = [["patchcore", {"k": 8, "scores": [path for path, _, _ in runs]}]]
    draw_score_histograms(figures=[["busi", methods]], titles={}, stand_in=False, folder=tmp_path)
    normal, abnormal = figures[0].axes[0].patches
    every = {0: [], 1: []}
    for _, labels, scores in runs:  # each seed on its own scale
        low, middle, high = np.percentile(scores[labels == 0], [25, 50, 75])
        for label in (0, 1):
            every[label] += [(score - middle) / (high - low) for score in scores[labels == label]]
    ends = np.percentile(every[0] + every[1], [1, 99])
    every = {label: np.clip(values, *ends) for label, values in every.items()}
    for label, patch in ((0, normal), (1, abnormal)):
        data = patch.get_data()
        for low, high, share in zip(data.edges[:-1], data.edges[1:], data.values, strict=True):
            inside = (every[label] >= low) & ((every[label] < high) | (high == data.edges[-1]))
            assert share == pytest.approx(inside.mean())


def test_lines_against_k_hold_the_table(tmp_path: Path, figures: list):
    path, frame = table(tmp_path, [4, 16])
    draw_auroc_by_k(tables=[["table6", path]], titles={}, folder=tmp_path)
    axis = figures[0].axes[0]
    drawn = {tuple(np.round(np.asarray(line.get_ydata(), float), 9)) for line in axis.lines}
    for _, cells in frame.groupby("method"):
        assert tuple(np.round(cells["paper_mean"], 9)) in drawn
        if cells["mean"].notna().all():
            assert tuple(np.round(cells["mean"].astype(float), 9)) in drawn
    assert "squid (not run)" in [text.get_text() for text in axis.get_legend().get_texts()]
    bars = [line for bar in axis.containers for line in bar[2][0].get_segments()]
    ran = frame[frame["mean"].notna()].sort_values(["method", "k"])
    ends = sorted((segment[0][1], segment[1][1]) for segment in bars)
    assert np.allclose(ends, sorted(zip(ran["ci_low"], ran["ci_high"], strict=True)))


@pytest.mark.parametrize("draw", [draw_auroc_by_k, draw_ablation_steps])
def test_one_k_is_a_line_a_method(tmp_path: Path, figures: list, draw):
    path, frame = table(tmp_path, [16], rows="method")
    draw(tables=[["t", path]], titles={"squid": "SQUID"}, folder=tmp_path)
    axis = figures[0].axes[0]
    ours = [line for line in axis.lines if len(line.get_xdata()) == 1]
    points = {(round(float(line.get_xdata()[0]), 9), line.get_ydata()[0]) for line in ours}
    assert points == {(round(mean, 9), place) for place, mean in enumerate(frame["mean"]) if mean == mean}
    hollow = next(line for line in axis.lines if line.get_marker() == "D")
    assert np.allclose(hollow.get_xdata(), frame["paper_mean"])
    assert [t.get_text() for t in axis.texts] == ["not run"]
    assert axis.texts[0].get_position()[1] == 1


def test_nothing_run_is_drawn_too(tmp_path: Path, figures: list):
    path, frame = table(tmp_path, [4, 16])
    frame[["mean", "ci_low", "ci_high"]] = np.nan
    frame.to_csv(path, index=False)
    draw_auroc_by_k(tables=[["table6", path]], titles={}, folder=tmp_path)
    assert len(figures) == 1


def costs(folder: Path, parameters: dict[str, int]) -> list[str]:
    files = []
    for seed in range(2):
        record = {
            "metrics": {"image_auroc": 0.6 + 0.2 * seed},
            "timing": {"fit_s": 2.0 + seed, "images_per_s": 100.0},
            "memory": {"peak_bytes": 2**30},
            "trained_parameters": parameters,
            "provenance": {"device": "cpu, test"},
        }
        (folder / f"{seed}.json").write_text(json.dumps(record))
        files.append(str(folder / f"{seed}.json"))
    return files


def _group(*runs, labelled=False):
    return {"labelled": labelled, "runs": list(runs)}


def test_nothing_trained_has_a_place_of_its_own_beside_the_axis(tmp_path: Path, figures: list):
    files = costs(tmp_path, {})
    draw_cost_accuracy(
        figures=[["busi", _group(["patchcore", files])]], titles={}, stand_in=False, folder=tmp_path
    )
    axis = figures[0].axes[3]
    marker = axis.lines[0]
    width = marker.get_markersize() * figures[0].dpi / 72
    middle = axis.transData.transform(marker.get_xydata()[0])[0]
    assert marker.get_xdata()[0] == 0
    assert axis.bbox.x0 + width < middle < axis.transData.transform((1000, 0))[0] - 2 * width


def test_cost_points_are_means_over_seeds(tmp_path: Path, figures: list):
    files = costs(tmp_path, {"a": 1000, "b": 24})
    draw_cost_accuracy(
        figures=[["busi", _group(["patchcore", files])]], titles={}, stand_in=False, folder=tmp_path
    )
    points = [axis.lines[0].get_xydata()[0].tolist() for axis in figures[0].axes]
    assert np.allclose(points, [[2.5, 0.7], [10, 0.7], [1, 0.7], [1024, 0.7]])
    assert any("cpu, test" in text.get_text() for text in figures[0].texts)


def test_what_labels_taught_has_panels_of_its_own_and_no_long_title_is_cut(tmp_path: Path, figures: list):
    files = costs(tmp_path, {})
    title = "zero-shot CLIP, two phrases about a picture"
    draw_cost_accuracy(
        figures=[
            ["busi", _group(["patchcore", files])],
            ["busi", _group(["clip_untrained", files], ["anomalyclip", files], labelled=True)],
        ],
        titles={"clip_untrained": title},
        stand_in=False,
        folder=tmp_path,
    )
    figure = figures[0]
    assert [len(axis.lines) for axis in figure.axes[::4]] == [1 + 1, 2 + 1]  # methods, and chance
    heads = [axis.get_title("left") for axis in figure.axes[::4]]
    assert heads == ["busi", "busi, trained on other data with labels"]
    assert any("not comparable" in text.get_text() for text in figure.texts)
    (legend,) = figure.legends
    assert " ".join(text.get_text() for text in legend.get_texts()).replace("\n", " ").count(title) == 1
    assert legend.get_window_extent().x1 <= figure.bbox.x1


def test_no_marker_vanishes_below_its_white_edge():
    import yaml
    from matplotlib.markers import MarkerStyle
    from matplotlib.path import Path as Outline

    names = [
        m
        for file in Path("configs").glob("*.yaml")
        for m in (yaml.safe_load(file.read_text()) or {}).get("methods", {})
    ]
    grid = np.stack(np.meshgrid(*2 * [np.linspace(-0.5, 0.5, 101)]), -1).reshape(-1, 2)
    for name in {*names, *map(str, range(50))}:
        shape = MarkerStyle(style.marker(name))
        outline = Outline(shape.get_transform().transform_path(shape.get_path()).to_polygons()[0])
        seen = outline.contains_points(grid)
        edge = 1 / 14  # half of a white edge of one point, of a marker of seven
        left = seen & np.all(
            [outline.contains_points(grid + edge * np.array(d)) for d in ((1, 0), (-1, 0), (0, 1), (0, -1))],
            axis=0,
        )
        assert left.mean() > 0.15, (name, style.marker(name), left.mean())


def test_ranks_and_groups(tmp_path: Path, figures: list):
    frame = pd.DataFrame({"method": ["a", "b", "c"], "mean_rank": [1.0, 2.0, 3.0], "n": 3, "blocks": 3})
    frame = frame.assign(critical_difference=1.91, cliques=["1", "1;2", "2"], status="ok")
    frame.to_csv(tmp_path / "r.csv", index=False)
    assert groups_of(frame) == [["a", "b"], ["b", "c"]]
    assert groups_of(frame.assign(cliques=[np.nan] * 3)) == []
    frame[:0].to_csv(tmp_path / "empty.csv", index=False)
    tables = [["t", str(tmp_path / "r.csv")], ["none", str(tmp_path / "empty.csv")]]
    draw_ranks(tables=tables, titles={}, folder=tmp_path)
    first, second = figures[0].axes
    marks = [line.get_xdata()[0] for line in first.lines if line.get_marker() not in ("None", None)]
    assert marks == [1.0, 2.0, 3.0]
    bars = [list(np.round(line.get_xdata(), 2)) for line in first.lines if line.get_linewidth() == 3]
    assert bars == [[0.96, 2.04], [1.96, 3.04]]
    assert "Fewer than two" in second.texts[0].get_text()


def test_training_curves_keep_order_and_skip_the_untrained(tmp_path: Path, figures: list):
    (tmp_path / "a.csv").write_text("step,loss\n1,3.0\n2,1.0\n")
    (tmp_path / "b.csv").write_text("step,loss\n1,1.0\n2,0.5\n3,9\n")
    (tmp_path / "empty.csv").write_text("\n")
    methods = [
        ["fusionmedclip", {"k": 4, "logs": [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]}],
        ["clip", {"k": 4, "logs": [str(tmp_path / "empty.csv")]}],
    ]
    draw_training_curves(figures=[["busi", methods]], titles={}, stand_in=False, folder=tmp_path)
    (axis,) = figures[0].axes
    assert [line.get_ydata().tolist() for line in axis.lines] == [[3, 1], [1, 0.5], [2, 0.75]]
    assert axis.lines[-1].get_color() == style.colour("fusionmedclip")


def test_same_bytes_twice_png_and_pdf(tmp_path: Path):
    path, _ = table(tmp_path, [4, 16])
    files = []
    for folder in ("a", "b"):
        draw_auroc_by_k(tables=[["table6", path]], titles={}, folder=tmp_path / folder)
        files.append([(tmp_path / folder / f"auroc_by_k_table6.{s}").read_bytes() for s in ("png", "pdf")])
    assert files[0] == files[1]
    assert files[0][1].startswith(b"%PDF")
    assert b"CreationDate" not in files[0][1]


def test_every_kind_has_a_caption():
    for kind in FIGURES:
        title, sentence = caption(f"{kind}_x", {"x": "BUSI"})
        assert title == f"{FIGURES[kind].title}: BUSI"
        assert sentence.endswith(".")
    with pytest.raises(InputError, match="no such kind"):
        caption("pie_chart")


def test_listed_colours_differ():
    assert len(set(style.COLOURS.values())) == len(style.COLOURS)
