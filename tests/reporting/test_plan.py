"""The plan of a configuration, against figures of the measurements and sums by hand."""

import pytest
import yaml
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.config import PROTOCOL, Config, load_config, merge, read_config
from fusionmedclip.reporting.plan import Part, plan


@pytest.fixture(scope="module")
def protocol():
    return plan(load_config([]))


def test_the_protocol_is_405_runs_in_77_submissions(protocol):
    """As many as a test of the workflow counts (tests/workflow/test_submissions.py)."""
    assert protocol.submissions == 77
    assert protocol.before == {"data": 3, "backbones": 4, "stage1": 1, "features": 9}
    assert sum(part.runs for part in protocol.parts.values()) == 405
    assert {name: part.submissions for name, part in protocol.parts.items()} == {
        "instant": 3,  # 117 by 40
        "minutes": 18,  # 216 by 12
        "quarter_hours": 21,  # 63 by 3: SQUID, and AnoDDPM but for its longest nine
        "hours": 9,
    }


def test_regads_network_is_learnt_once_for_each_data_set_and_seed(protocol):
    """Nine times, 288 s each; for each of 36 runs were it for each k."""
    assert (protocol.learnt.runs, protocol.learnt.submissions) == (9, 9)
    assert protocol.learnt.hours == pytest.approx(9 * (16 + 288) / 3600, rel=0.01)
    official = {"methods": {"regad": {"settings": {"meta_shots": None}}}}
    each = plan(Config.checked(merge(read_config(PROTOCOL), official)))
    assert each.learnt is None
    assert each.network_hours > protocol.network_hours + 8


def test_hours_are_those_that_were_measured(protocol):
    """17 without AnoDDPM; its 36 runs, counted: 160 with the official steps, 28 with epochs of k."""
    assert protocol.network_hours == pytest.approx(17 + 28, abs=1.5)
    official = {"methods": {"anoddpm": {"settings": {"epochs": None}}}}
    whole = plan(Config.checked(merge(read_config(PROTOCOL), official)))
    assert whole.parts["hours"].hours == pytest.approx(160, rel=0.1)
    assert whole.network_hours - whole.parts["hours"].hours == pytest.approx(17, abs=1)


def test_no_number_of_gpus_beats_the_longest_run(protocol):
    assert protocol.hours(1) == protocol.network_hours
    assert protocol.hours(10) == pytest.approx(protocol.network_hours / 10)
    longest = 96_000 * 0.047 + 300 * 748 / 220 + 16  # AnoDDPM on BUSI at k = 32, seconds
    assert protocol.hours(10_000) == pytest.approx(longest / 3600, rel=0.01)


def test_a_faster_card_halves_hours_of_gpus_alone(protocol):
    fast = plan(load_config([]), speed=2.0)
    assert fast.network_hours == pytest.approx(protocol.network_hours / 2)
    assert fast.parts["instant"] == protocol.parts["instant"]


def test_controls_take_no_gpu(protocol):
    part: Part = protocol.parts["instant"]
    assert (part.gpu, part.memory_mb) == (False, 0)


def test_disk_is_backbones_and_the_features_of_test_images(protocol):
    """CLIP, ROCO-CLIP, random weights, WideResNet-50 and ResNet-18; three of them have stores."""
    images = 500 + 220 + 748
    weights = 3 * 1.71 + 0.276 + 0.047
    # No map of CLIP is read; of ROCO-CLIP four are kept, and two of WideResNet-50.
    assert protocol.disk_gb == pytest.approx(weights + images * (4 * 1.05 + 2 * 1.2) / 1000, rel=0.01)


def test_a_machine_without_a_gpu_is_planned_as_one(protocol, tmp_path):
    """90 times as long; and with AnoDDPM's official steps its 16 days a run are said to be too long."""
    (tmp_path / "cpu.yaml").write_text("device: cpu\n")
    assert plan(load_config([tmp_path / "cpu.yaml"])).overlong == {}
    official = {"device": "cpu", "methods": {"anoddpm": {"settings": {"epochs": None}}}}
    (tmp_path / "cpu.yaml").write_text(yaml.safe_dump(official))
    slow = plan(load_config([tmp_path / "cpu.yaml"]))
    assert {name: part.gpu for name, part in slow.parts.items()} == dict.fromkeys(slow.parts, False)
    assert slow.network_hours > 90 * protocol.network_hours
    assert slow.parts["hours"].submissions == slow.parts["hours"].runs
    assert list(slow.overlong) == ["anoddpm"]
    assert slow.overlong["anoddpm"] / 24 == pytest.approx(16, abs=1)
    done = CliRunner().invoke(app, ["plan", "--config", str(tmp_path / "cpu.yaml")])
    assert "too long: days of one run of anoddpm 16" in done.output
    assert "GPU-hours" not in done.output


def test_the_command_prints_it():
    done = CliRunner().invoke(app, ["plan", "--preset", "paper", "--gpus", "16"])
    assert done.exit_code == 0, done.output
    assert "quarter_hours" in done.output
    assert "77 submissions" in done.output
    assert "Stage 1 of roco_clip" in done.output
    assert "nobody measured" not in done.output


def test_networks_that_nobody_measured_are_named():
    """Their hours are those of others, and far too many."""
    done = CliRunner().invoke(app, ["plan", "--preset", "demo"])
    said = " ".join(done.output.split())
    assert "nobody measured clip, roco_clip:" in said
    assert "hours and memory are those of the protocol's networks at 224 pixels" in said
