"""What stands behind a table, against naive recomputation from scores.csv."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fusionmedclip.errors import InputError
from fusionmedclip.provenance import file_sha256
from fusionmedclip.randomness import generator
from fusionmedclip.reporting.comparisons.compare import COMPARISON_COLUMNS
from fusionmedclip.reporting.comparisons.ranks import RANK_COLUMNS, rank_table
from fusionmedclip.reporting.comparisons.statistics import METRIC_COLUMNS, build_statistics
from fusionmedclip.reporting.comparisons.text import sentences

SEEDS, NORMAL, ABNORMAL = 3, 12, 20


def _auroc(labels, scores):
    ill, well = scores[labels == 1], scores[labels == 0]
    return np.mean([[(a > b) + 0.5 * (a == b) for b in well] for a in ill])


def _write_run(folder, path, rng, strength, *, extra=None):
    labels = rng.permutation(np.repeat([0, 1], [NORMAL, ABNORMAL]))
    order = np.argsort(rng.random(len(labels)))
    names = np.array([f"{'ill' if label else 'well'}_{i:02}" for i, label in enumerate(sorted(labels))])
    labels = np.sort(labels)
    scores = np.round(rng.normal(labels * strength), 1)  # rounded: with ties
    out = folder / "scores" / path
    out.mkdir(parents=True)
    table = pd.DataFrame({"image_id": names, "label": labels, "score": scores}).iloc[order]
    table.to_csv(out / "scores.csv", index=False)
    metrics = {"image_auroc": _auroc(labels, scores), "image_f1_oracle": 0.5, **(extra or {})}
    inputs = {f"results/scores/{path}/scores.csv": file_sha256(out / "scores.csv")}
    record = {"settings_digest": "d", "metrics": metrics, "provenance": {"inputs": inputs}}
    file = folder / "metrics" / f"{path}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record))
    return labels, scores


@pytest.fixture
def made(tmp_path):
    """Three methods on two data sets, each seed's files in another order; and the request of the table."""
    rng = np.random.default_rng(0)
    request, truth = [], {}
    for dataset in ("busi", "brainmri"):
        for method, strength in (("weak", 0.3), ("strong", 2.5), ("stronger", 2.7)):
            paths = [f"{dataset}/paper/{method}/k4/seed{seed}" for seed in (2, 10, 0)]
            drawn = [_write_run(tmp_path, path, rng, strength) for path in sorted(paths)]
            truth[dataset, method] = dict(zip(sorted(paths), drawn, strict=True))
            request.append(
                {"table": "t", "row": 1, "dataset": dataset, "method": method, "k": 4,
                 "metric": "image_auroc", "split": "paper", "backbone": "b", "reasons": [],
                 "runs": dict.fromkeys(sorted(paths), "d")}
            )  # fmt: skip
        request.append({**request[-1], "method": "absent", "runs": {}})
    return tmp_path, request, truth


def _build(folder, request, **more):
    out = {name: folder / f"t_{name}.csv" for name in ("comparisons", "ranks", "metrics", "verdicts")}
    build_statistics(request=request, results=folder, manifests=[], **out, **more)
    return {name: pd.read_csv(path) for name, path in out.items()}


def _naive(first, second):
    """Obuchowski and Rockette's test of a difference, by loops over pairs of images and seeds."""
    components = []
    for (labels, a), (_, b) in zip(first, second, strict=True):
        ill, well = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)

        def win(scores, i, j):
            return (scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j])

        wins = np.array([[win(a, i, j) - win(b, i, j) for j in well] for i in ill])
        components.append((wins.mean(axis=1), wins.mean(axis=0), wins.mean()))
    values = np.array([value for *_, value in components])
    shared = [
        np.cov(p[0], q[0])[0, 1] / ABNORMAL + np.cov(p[1], q[1])[0, 1] / NORMAL
        for p, q in combinations(components, 2)
    ]
    images, spread = max(np.mean(shared), 0), values.var(ddof=1)
    total = spread + len(values) * images
    degrees = total**2 / (spread**2 / (len(values) - 1))
    error = np.sqrt(total / len(values))
    half = stats.t.ppf(0.975, degrees) * error
    p = 2 * stats.t.sf(abs(values.mean()) / error, degrees)
    return values.mean(), values.mean() - half, values.mean() + half, p


def test_comparisons_equal_a_naive_recomputation(made):
    folder, request, truth = made
    table = _build(folder, request)["comparisons"]
    assert list(table.columns) == list(COMPARISON_COLUMNS)
    assert len(table) == 6  # three pairs of methods that ran, twice
    assert "absent" not in set(table["method_a"]) | set(table["method_b"])
    p_values = []
    for _, row in table.iterrows():
        runs = [truth[row["dataset"], row[name]] for name in ("method_a", "method_b")]
        seeds = [f"seed{seed}" for seed in (0, 2, 10)]
        first, second = ([run[path] for seed in seeds for path in run if path.endswith(seed)] for run in runs)
        difference, low, high, p = _naive(first, second)
        assert row["difference"] == pytest.approx(difference, abs=1e-12)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), abs=1e-9)
        assert row["p"] == pytest.approx(p, rel=1e-7)
        assert row["mean_a"] - row["mean_b"] == pytest.approx(difference, abs=1e-12)
        p_values.append(p)
    # Holm over all six, by its definition.
    wanted = np.empty(6)
    largest = 0
    for place, index in enumerate(np.argsort(p_values)):
        largest = max(largest, min(1, (6 - place) * p_values[index]))
        wanted[index] = largest
    assert table["p_holm"].to_numpy() == pytest.approx(wanted, rel=1e-7)


def _naive_draws(runs):
    """Mean AUROC over drawn seeds and images, one draw at a time, as docs/metrics.md states."""
    labels = runs[0][0]
    ill, well = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    sizes = {"normal": len(well), "anomalous": len(ill), "seeds": len(runs)}
    picks = [generator(0, "bootstrap", key).integers(0, n, (2000, n)) for key, n in sizes.items()]
    found = []
    for i, j, seeds in zip(*picks, strict=True):
        aurocs = []
        for seed in seeds:
            scores = runs[seed][1]
            a, b = scores[ill[j]][:, None], scores[well[i]]
            aurocs.append(np.mean((a > b) + 0.5 * (a == b)))
        found.append(np.mean(aurocs))
    return np.array(found)


def test_bootstrap_intervals_equal_a_naive_recomputation(made):
    folder, request, truth = made
    tables = _build(folder, [cell for cell in request if cell["dataset"] == "busi"])
    draws = {}
    for method in ("weak", "strong", "stronger"):
        runs = truth["busi", method]
        ordered = sorted(runs, key=lambda run: int(run.rpartition("seed")[2]))
        draws[method] = _naive_draws([runs[run] for run in ordered])
    pairs = tables["comparisons"]
    assert len(pairs) == 3
    for _, row in pairs.iterrows():
        wanted = np.percentile(draws[row["method_a"]] - draws[row["method_b"]], [2.5, 97.5])
        assert row[["bootstrap_low", "bootstrap_high"]].tolist() == pytest.approx(wanted.tolist(), abs=1e-12)
    metrics = tables["metrics"]
    aurocs = metrics[metrics["metric"] == "image_auroc"].set_index("method")
    assert set(aurocs.index) == set(draws)
    for method, row in aurocs.iterrows():
        wanted = np.percentile(draws[method], [2.5, 97.5])
        assert row[["bootstrap_low", "bootstrap_high"]].tolist() == pytest.approx(wanted.tolist(), abs=1e-12)
    others = metrics[metrics["metric"] != "image_auroc"]
    assert others[["bootstrap_low", "bootstrap_high"]].isna().all(axis=None)


def test_ranks_by_hand(made):
    folder, request, _ = made
    ranks = _build(folder, request, unranked=["stronger"])["ranks"]
    assert list(ranks.columns) == list(RANK_COLUMNS)
    assert list(ranks["method"]) == ["strong", "weak"]
    assert list(ranks["mean_rank"]) == [1, 2]
    assert set(ranks["n"]) == {2}


def test_the_k_of_one_data_set_are_one_block():
    cells = [
        {"dataset": d, "k": k, "method": m, "mean": v, "status": "stand-in" if m == "c" else "ok"}
        for d in ("x", "y") for k in (4, 8) for m, v in (("a", 0.9), ("b", 0.8), ("c", 0.7 + (k == 8)))
    ]  # fmt: skip
    cells.append({"dataset": "x", "k": 4, "method": "once", "mean": 0.99, "status": "ok"})
    table = rank_table(cells).set_index("method")
    assert set(table.index) == {"a", "b", "c"}  # what ran in one cell alone is left out
    # k = 4: a, b, c; k = 8: c, a, b
    assert table["mean_rank"].to_dict() == {"a": 1.5, "b": 2.5, "c": 2.0}
    assert (set(table["n"]), set(table["blocks"])) == ({4}, {2})
    # Demsar's Table 5: q = 2.343 for three methods at 0.05
    assert table["critical_difference"].iloc[0] == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 2)), rel=1e-3)
    assert table.at["c", "status"] == "stand-in"
    assert rank_table(cells[:1]).empty


def test_further_metrics_say_what_looked_at_the_test_set(made):
    folder, request, _ = made
    table = _build(folder, request)["metrics"]
    assert list(table.columns) == list(METRIC_COLUMNS)
    f1 = table[table["metric"] == "image_f1_oracle"]
    assert len(f1) == 6
    assert (f1["mean"] == 0.5).all()
    assert f1["note"].str.contains("test labels").all()


def test_stale_metrics_and_scores_are_refused(made):
    folder, request, _ = made
    stale = [{**cell, "runs": dict.fromkeys(cell["runs"], "new")} for cell in request]
    with pytest.raises(InputError, match="other settings"):
        _build(folder, stale)
    scores = next((folder / "scores").rglob("scores.csv"))
    was = file_sha256(scores)
    scores.write_text(scores.read_text().replace("0.", "1.", 1))
    with pytest.raises(InputError, match="not the file that its metrics") as refused:
        _build(folder, request)
    assert f"received: '{file_sha256(scores)[:12]}'\n  allowed:  {was[:12]}\n" in str(refused.value)


def test_pixel_tables_are_not_compared_and_say_why(made):
    folder, request, _ = made
    pixel = [{**cell, "metric": "image_f1_oracle"} for cell in request]
    table = _build(folder, pixel)["comparisons"]
    assert table.empty
    assert list(table.columns) == list(COMPARISON_COLUMNS)
    ran = pd.DataFrame(
        [{"dataset": "d", "k": 4, "method": m, "mean": 0.5, "status": "ok"} for m in ("a", "b")]
    )
    assert "not compared" in sentences(ran, table, {})[0]


def _pair(**more):
    line = {"dataset": "d", "k": 4, "method_a": "a", "method_b": "b", "n_seeds": 3, "difference": 0.02,
            "ci_low": 0.01, "ci_high": 0.03, "p": 0.001, "p_holm": 0.04, "draws_needed": 5, "draws_low": 3,
            "draws_high": None}  # fmt: skip
    return pd.DataFrame([{**dict.fromkeys(COMPARISON_COLUMNS), **line, **more}])


TWO = "+2.0 points, +1.0 to +3.0"
TURNED = {"difference": -0.02, "ci_low": -0.03, "ci_high": -0.01}


@pytest.mark.parametrize(
    ("change", "means", "said"),
    [
        ({}, (0.9, 0.88), f"A and b can be told apart ({TWO}, p = 0.001, corrected p = 0.040)"),
        ({"p_holm": 0.06}, (0.9, 0.88), f"A and b cannot be told apart ({TWO}, p = 0.001, corrected"),
        (TURNED, (0.88, 0.9), f"b and A can be told apart ({TWO}"),
        ({}, (0.9, 0.88), "it would take 5 support draws (3 to over a million)"),
        ({"p_holm": 0.06, "draws_needed": 3}, (0.9, 0.88), "3 support draws would do, what is missing"),
        ({"p_holm": 0.05, "draws_needed": 3}, (0.9, 0.88), "it would take 3 support draws"),
        ({"draws_needed": None}, (0.9, 0.88), "not even a million support draws"),
        ({"n_seeds": 1}, (0.9, 0.88), "how many it would take is unknown"),
        ({"pool": 32, "k": 32}, (0.9, 0.88), "there is one support set, all 32 normals of the pool"),
        ({"pool": 5}, (0.9, 0.88), "5 support draws (3 to over a million)."),
        ({"pool": 5, "draws_needed": 6}, (0.9, 0.88), "a million), and the pool has only 5 support sets"),
        ({"p": None, "p_holm": None}, (0.9, 0.88), "no test"),
    ],
)  # fmt: skip
def test_the_sentence_under_a_table(change, means, said):
    k = change.get("k", 4)
    lines = [
        {"dataset": "d", "k": k, "method": m, "mean": v, "status": "ok"}
        for m, v in zip(("a", "b", "c"), (*means, 0.1), strict=True)
    ]
    found = sentences(pd.DataFrame(lines), _pair(**change), {"a": "A", "d": "D"})
    assert found[0].startswith(f"D, k = {k}: ")
    assert said in found[0]
    tested = 0 if "p" in change else 1
    assert f"all pairs of this table ({tested})" in found[1]
