"""Costs of runs, against the measurements that they come from and sums by hand."""

from itertools import pairwise

import pytest
import yaml

from fusionmedclip.baselines import KINDS
from fusionmedclip.config import load_config
from fusionmedclip.methods import FILE_STATISTIC, OURS
from fusionmedclip.pipeline.costs import Cost, cost_of, learnt_cost_of, table

PROTOCOL = load_config([])


def cost(method: str, *, k: int = 16, **changed) -> Cost:
    return cost_of({**PROTOCOL.method(method), **changed}, k=k, images=220)


def test_each_kind_of_the_protocol_was_measured_and_others_cost_as_the_dearest_of_minutes():
    """So that another baseline is one folder and one line."""
    known = {*KINDS, OURS, f"{OURS}_lora", FILE_STATISTIC}
    assert set(table()["kinds"]) <= known
    used = {PROTOCOL.method(name)["kind"] for name in PROTOCOL.data["methods"]}
    assert used <= set(table()["kinds"])
    unmeasured = cost_of({"kind": "anomalib", "settings": {}}, k=16, images=220)
    assert (unmeasured.gpu, unmeasured.group(on_gpu=True)) == (True, "quarter_hours")


@pytest.mark.parametrize(
    ("method", "seconds"),  # measured, fit and scoring, on an H200
    [
        ("fusionmedclip", 67 + 1.3),
        ("align_adapter", 29 + 1.0),
        ("cutpaste", 8),
        ("simplenet", 274),
        ("squid", 1107),
    ],
)
def test_a_run_costs_what_was_measured(method, seconds):
    assert cost(method).seconds - table()["start_s"] == pytest.approx(seconds, rel=0.04, abs=1)


def test_anoddpm_costs_what_was_counted():
    """300,000 steps of 1.66 TFLOP at 35 TFLOP/s: 160 hours in 36 runs; 3,000 epochs of 16: 48,000."""
    official = cost("anoddpm", settings={}).seconds
    assert 36 * official / 3600 == pytest.approx(160, rel=0.1)
    assert official - cost("anoddpm").seconds == pytest.approx((300_000 - 48_000) * 0.047)


def test_anoddpm_in_tf32_costs_what_was_counted_for_it():
    """48,000 steps of 1.66 TFLOP at 150 TFLOP/s, and scoring as much faster."""
    faster = cost("anoddpm", settings={**PROTOCOL.method("anoddpm")["settings"], "precision": "tf32"})
    assert faster.seconds - table()["start_s"] == pytest.approx(
        48_000 * 1.66 / 150 + 300 * 35 / 150, rel=0.01
    )


def test_steps_follow_k():
    """200 epochs of one, one, two and four batches of 8, 0.168 s a step."""
    fits = [cost("fusionmedclip", k=k).seconds for k in (4, 8, 16, 32)]
    assert [b - a for a, b in pairwise(fits)] == pytest.approx([0, 33.6, 67.2])


OFFICIAL = {"meta_shots": None}
"""RegAD's network learnt anew for each k."""


def test_regad_costs_what_was_measured_where_its_network_is_learnt_for_each_k():
    """5,500 steps of 32 queries registered to 16 images each: 980 s; to 4 each, 160 images a step of 544."""
    assert cost("regad", settings=OFFICIAL).seconds == pytest.approx(16 + 5 + 980 + 1, rel=0.01)
    learnt = learnt_cost_of(PROTOCOL.method("regad"))
    assert learnt.seconds == pytest.approx(16 + 980 * 160 / 544, rel=0.01)
    assert learnt.gpu_mb == 9000 + 4 * 500
    assert cost("regad").seconds == pytest.approx(16 + 5 + 1)


def test_memory_of_the_card_follows_k_where_it_was_seen_to():
    assert [cost("regad", k=k, settings=OFFICIAL).gpu_mb for k in (16, 32)] == [17_000, 25_000]
    assert cost("fusionmedclip", k=4).gpu_mb == cost("fusionmedclip", k=32).gpu_mb == 6300


@pytest.mark.parametrize("method", ["clip", "roco_clip", "mean_brightness", "file_size_raw", "image_area"])
def test_what_trains_nothing_and_reads_no_image_by_a_network_needs_no_gpu(method):
    assert not cost(method).gpu
    assert cost(method).group(on_gpu=True) == cost(method).group(on_gpu=False) == "instant"


@pytest.mark.parametrize(
    ("method", "group"),
    [("coop", "minutes"), ("random_weights", "minutes"), ("squid", "quarter_hours")],
)
def test_runs_are_submitted_with_others_of_their_length(method, group):
    assert cost(method).gpu
    assert cost(method).group(on_gpu=True) == group
    assert cost("anoddpm", k=32, settings={}).group(on_gpu=True) == "hours"


def test_fits_for_a_threshold_count():
    once, five = (cost("simplenet", support_folds=folds).seconds for folds in (None, 4))
    assert five - once == pytest.approx(4 * 4840 * 0.057)


def test_more_is_asked_for_with_each_attempt():
    run = cost("regad", k=32)
    assert [run.mem_mb(attempt=n, on_gpu=True) for n in (1, 2, 3)] == [6000, 12_000, 18_000]
    squid = cost("squid")
    assert [squid.runtime(attempt=n, on_gpu=True) for n in (1, 2)] == [59, 118]  # 2 + 3 * 1,139 s


def test_a_cpu_takes_longer_and_no_job_asks_for_more_than_a_week():
    """90 times the 52 s of CoOp and zero-shot scoring; 16 days of AnoDDPM."""
    coop = cost("coop")
    assert coop.takes(on_gpu=False) == pytest.approx(90 * coop.seconds)
    assert (coop.group(on_gpu=True), coop.group(on_gpu=False)) == ("minutes", "hours")
    official = cost("anoddpm", settings={})
    assert official.takes(on_gpu=False) > 14 * 86_400
    assert official.runtime(attempt=1, on_gpu=False) == 7 * 1440
    assert cost("mean_brightness").takes(on_gpu=False) == cost("mean_brightness").seconds


def test_each_group_has_a_size_in_the_profile(root):
    profile = yaml.safe_load((root / "profiles/slurm/config.yaml").read_text())
    names = [method for method in PROTOCOL.data["methods"] if "kind" in PROTOCOL.method(method)]
    found = {cost_of(PROTOCOL.method(name), k=32, images=748).group(on_gpu=True) for name in names}
    assert found == set(profile["group-components"])
    assert table()["together"] == profile["group-components"]
