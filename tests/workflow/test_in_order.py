"""The graph as a user drives it: one row, everything, nothing, one changed setting. In order, on one copy."""

import json
import shutil
from contextlib import ExitStack

import pandas as pd
import pytest

from fusionmedclip.provenance import file_sha256
from fusionmedclip.reporting.figures.catalogue import FIGURES


def test_a_bad_configuration_is_one_readable_error(workflow):
    printed = workflow.run("--dry-run", "--config", "image_size=7", "--", "all_tables", ok=False)
    assert "image_size: value is not allowed" in printed
    assert "32 or more" in printed
    assert "Traceback" not in printed


def test_one_row_runs_only_its_own_runs(workflow):
    jobs = workflow.plan("table8_row_2")
    assert jobs["run_method"] == 2  # one method, two seeds
    assert jobs["build_row"] == 1
    workflow.run("--", "table8_row_2")
    metrics = sorted(p.relative_to(workflow.folder / "results/tiny/metrics") for p in _metrics(workflow))
    assert [str(p) for p in metrics] == [f"busi/paper/coop/k4/seed{seed}.json" for seed in (0, 1)]


def _metrics(workflow):
    return (workflow.folder / "results/tiny/metrics").rglob("*.json")


def test_everything_runs_and_a_second_time_nothing_does(workflow):
    jobs = workflow.plan()
    # table6: 2 methods x 2 k x 2 seeds = 8; table8 adds clip and align_adapter, 2 seeds each; coop is there
    assert jobs["run_method"] == 12
    workflow.run()
    assert workflow.plan() == {}
    assert (workflow.folder / "results/tiny/report.html").stat().st_size > 10_000


def test_all_that_was_finished_is_verified(workflow):
    """Every file of runs and tables is among those whose bytes were held against a record."""
    results = workflow.folder / "results/tiny"
    found = json.loads((results / "verification.json").read_text())
    # table6: 2 methods x 2 k; table7 and controls: 2 methods; table8: 4 methods
    assert (found["holds"], found["findings"], found["cells"], found["met"]) == (True, [], 12, 12)
    folders = ("metrics", "runs", "scores", "support", "tables")
    files = [path for folder in folders for path in (results / folder).rglob("*") if path.is_file()]
    written = {path.relative_to(results).as_posix() for path in files if not path.name.startswith(".")}
    assert len(written) > 150
    assert written - set(found["files"]) == set()
    assert "Verified: 12 of 12 cells" in (results / "report.html").read_text()


def test_tables_keep_the_contract(workflow):
    table = pd.read_csv(workflow.folder / "results/tiny/tables/table6.csv")
    head = "table,row,dataset,method,k,metric,mean,std,ci_low,ci_high,n_seeds,paper_mean,paper_std,delta"
    assert ",".join(table.columns) == f"{head},backbone,split,status"
    assert set(table["status"]) == {"stand-in"}
    assert table["mean"].between(0, 1).all()
    text = (workflow.folder / "results/tiny/tables/table8.md").read_text()
    assert "Stand-in" in text


def test_metrics_say_what_they_came_from(workflow):
    path = workflow.folder / "results/tiny/metrics/busi/paper/align_adapter/k4/seed0.json"
    record = json.loads(path.read_text())
    assert {
        "schema_version",
        "metrics",
        "settings",
        "settings_digest",
        "provenance",
        "timing",
        "memory",
    } <= set(record)
    assert {"image_auroc", "image_ap", "pixel_auroc", "pixel_ap", "pixel_aupro"} <= set(record["metrics"])
    assert {"fit_s", "score_s", "images_per_s"} <= set(record["timing"])
    for name, sha in record["provenance"]["inputs"].items():
        assert file_sha256(workflow.folder / name) == sha
    scores = pd.read_csv(workflow.folder / "results/tiny/scores/busi/paper/align_adapter/k4/seed0/scores.csv")
    assert list(scores.columns) == ["image_id", "label", "score"]
    assert sorted(scores["label"]) == [0] * 8 + [1] * 8
    support = pd.read_csv(workflow.folder / "results/tiny/support/busi/paper/k4_seed0.csv")
    assert len(support) == 4
    assert not set(support["image_id"]) & set(scores["image_id"])


@pytest.mark.parametrize(
    ("target", "runs"),
    # 2 seeds of: patchcore and fusionmedclip at k = 2 and 4, clip, coop and align_adapter at k = 4
    [("dataset_busi", 14), ("k_2", 4), ("k_4", 10), ("method_patchcore", 4), ("method_coop", 2)],
)
def test_one_data_set_one_k_one_method_are_targets(workflow, target, runs):
    assert workflow.plan(target) == {}
    jobs = workflow.plan(target, again="run_method")
    assert jobs["run_method"] == runs
    assert jobs["compute_metrics"] == runs
    assert not {name for name in jobs if name.startswith(("build_", "draw_", "write_"))}


def test_one_changed_setting_reruns_what_depends_on_it(workflow):
    workflow.change(
        "patchcore: {backbone: clip, settings: {layers: [1, 2]}}",
        "patchcore: {backbone: clip, settings: {layers: [2]}}",
    )
    jobs = workflow.plan()
    assert jobs["run_method"] == 4
    assert jobs["extract_features"] == 0
    assert jobs["make_backbone"] == 0
    printed = workflow.run("--dry-run")
    assert "method=fusionmedclip" not in printed
    workflow.change(
        "patchcore: {backbone: clip, settings: {layers: [2]}}",
        "patchcore: {backbone: clip, settings: {layers: [1, 2]}}",
    )
    assert workflow.plan() == {}


def test_a_title_reruns_no_training(workflow):
    workflow.change("title: phantom breast ultrasound", "title: phantom breasts")
    jobs = workflow.plan()
    assert jobs["run_method"] == 0
    assert jobs["build_table"] == 4
    workflow.change("title: phantom breasts", "title: phantom breast ultrasound")


@pytest.mark.parametrize(
    ("file", "old", "new", "again"),
    [
        ("fusionmedclip/pipeline/runs.py", "(result.scores)", "(-result.scores)", 14),
        ("fusionmedclip/baselines/patchcore/detector.py", "return self", "_ = 1\n        return self", 4),
        ("fusionmedclip/models/prompts/data/umls.json", "C", "D", 10),  # all but PatchCore
    ],
)
def test_an_edit_reruns_the_runs_that_use_it(workflow, file, old, new, again):
    with workflow.edited(file, old, new):
        jobs = workflow.plan()
    assert jobs["run_method"] == again
    assert jobs["list_dataset"] == 0
    assert jobs["make_backbone"] == 0


def test_another_version_of_a_package_reruns_what_computes_with_it(workflow, tmp_path, monkeypatch):
    """Of an installed one: these jobs run in the interpreter of Snakemake, whatever envs/ pins."""
    (tmp_path / "torch-9.9.dist-info").mkdir()
    (tmp_path / "torch-9.9.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: torch\nVersion: 9.9\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    jobs = workflow.plan()
    assert (jobs["make_backbone"], jobs["run_method"], jobs["list_dataset"]) == (2, 14, 0)


def test_edits_that_change_no_number_rerun_nothing(workflow):
    with ExitStack() as edits:
        for file, old, new in (
            ("fusionmedclip/errors.py", "    def", "    # a comment\n    def"),
            ("fusionmedclip/pipeline/runs.py", "Fit on the support set", "Fit the method on the support set"),
            ("fusionmedclip/pipeline/runs.py", "support and test set overlap", "support and test overlap"),
            ("fusionmedclip/baselines/registry.py", "}\n", '    "new": "fusionmedclip.new:New",\n}\n'),
            ("envs/data.yaml", "channels", "# a comment\nchannels"),
            ("envs/torch.yaml", "  - torch==", "  - torch==1"),  # jobs do not run in it
        ):
            edits.enter_context(workflow.edited(file, old, new))
        assert workflow.plan() == {}


def test_a_lost_file_of_scores_is_made_again(workflow):
    """Rows and curves read it, though the metrics that were made from it are there."""
    scores = workflow.folder / "results/tiny/scores/busi/paper/coop/k4/seed0/scores.csv"
    scores.rename(workflow.folder / "kept.csv")
    jobs = workflow.plan("table8_row_2")
    (workflow.folder / "kept.csv").rename(scores)
    assert jobs["run_method"] == jobs["compute_metrics"] == jobs["build_row"] == 1
    assert workflow.plan("table8_row_2") == {}


@pytest.mark.parametrize(
    ("lost", "again"),
    [
        ("datasets/busi/images.npy", {"prepare_dataset": 1, "run_method": 2, "build_row": 1}),
        ("backbones/clip/model.safetensors", {"make_backbone": 1, "run_method": 2}),
        ("runs/busi/paper/clip/k4/seed0/weights", {"run_method": 1, "compute_metrics": 1, "build_row": 1}),
        ("features/clip/busi", {"extract_features": 1, "run_method": 2, "build_row": 1}),
        ("tables/table8/row_1.csv", {"build_row": 1, "run_method": 0}),
    ],
)
def test_whatever_is_lost_below_a_target_is_made_again(workflow, lost, again):
    path, kept = workflow.folder / "results/tiny" / lost, workflow.folder / "kept"
    path.rename(kept)
    jobs = workflow.plan("table8_row_1")
    kept.rename(path)
    assert {rule: jobs[rule] for rule in again} == again


def test_after_a_failed_job_nothing_that_was_made_by_other_code_looks_finished(workflow):
    """A full disk, then the same code again: with Snakemake's records, and without."""
    targets = ("dataset_busi", "crate")
    images = workflow.folder / "results/tiny/datasets/busi/images.npy"
    broken = ("np.save(images, pixels)", "np.save(images, pixels[:, :, ::-1] ** 2)")
    with workflow.kept(), workflow.edited("fusionmedclip/pipeline/datasets.py", *broken):
        before = {target: workflow.plan(target) for target in targets}
        workflow.run("--", "all_tables", "report", ok=False, largest=images.stat().st_size // 2)
        assert not images.exists()
        assert {target: workflow.plan(target) for target in targets} == before
        shutil.rmtree(workflow.folder / ".snakemake")
        assert {target: workflow.plan(target) for target in targets} == before
        metrics = "results/tiny/metrics/busi/paper/coop/k4/seed0.json"
        assert workflow.plan(metrics)["run_method"] == 1  # a file, which asks for no other
    assert before["crate"]["run_method"] == 14
    assert workflow.plan() == {}


@pytest.mark.parametrize(
    "edits",
    [
        [("title: phantom breast", "title: phantom  breast"), ("{layers: [1, 2]}}", "{layers: [2]}}")],
        [("abnormal: 8}\n", "abnormal: 7}\n")],
        [("abnormal: 8, seed: 1", "abnormal: 8, seed: 2"), ("embed_dim: 32", "embed_dim: 16")],
    ],
    ids=["tables and runs", "splits and supports", "data sets and backbones"],
)
def test_without_snakemakes_records_an_edit_reruns_the_same_jobs(workflow, edits):
    records, kept = workflow.folder / ".snakemake", workflow.folder / "kept"
    with ExitStack() as edited:
        for old, new in edits:
            edited.enter_context(workflow.edited("tiny.yaml", old, new))
        jobs = workflow.plan()
        records.rename(kept)
        without = workflow.plan()
    shutil.rmtree(records)
    kept.rename(records)
    assert jobs
    assert without == jobs


def test_touched_scripts_and_code_rerun_nothing(workflow):
    """What a fresh checkout does to every file of the project."""
    for name in ("workflow_scripts", "fusionmedclip", "rules"):
        for path in (workflow.folder / name).rglob("*.*"):
            path.touch()
    assert workflow.plan() == {}


def test_auto_where_a_site_gives_no_gpu_is_the_cpu(workflow):
    none = ("run_method:gpu=0", "extract_features:gpu=0")
    asked = ("-n", "--config", "device=auto", "--set-resources", *none, "--", "all_tables")
    assert "Nothing to be done" in workflow.run(*asked)


def test_a_fresh_clone_with_the_results_of_another_reruns_nothing(workflow, root, tmp_path):
    """New files of code, all younger than the results and at another path; then one setting changes.

    With Snakemake's records, and without.
    """
    clone = type(workflow)(tmp_path, root)
    for path in tmp_path.rglob("*.*"):
        path.touch()
    for name in ("results", ".snakemake"):
        shutil.copytree(workflow.folder / name, tmp_path / name, copy_function=shutil.copy2, symlinks=True)
    assert clone.plan() == {}
    shutil.rmtree(tmp_path / ".snakemake")
    assert clone.plan("all", "crate") == {"crate": 1, "write_crate": 1}  # which was never made
    clone.change("settings: {layers: [1, 2]}}", "settings: {layers: [2]}}")
    jobs = clone.plan()
    assert jobs["run_method"] == 4
    assert jobs["make_backbone"] == 0


def test_tables_refuse_metrics_of_other_settings(workflow):
    """Without Snakemake's own records an edit triggers nothing: the row itself must notice."""
    shutil.rmtree(workflow.folder / ".snakemake")
    workflow.change("epochs: 1", "epochs: 2")
    (workflow.folder / "results/tiny/tables/table8/row_2.csv").unlink()
    printed = workflow.run("--rerun-triggers", "mtime", "--", "table8_row_2", ok=False)
    assert "made with other settings" in printed
    workflow.change("epochs: 2", "epochs: 1")


def test_the_same_settings_give_the_same_bytes_on_one_core(workflow):
    """Scores and weights of a run made again, alone in a new process, equal those made beside others."""
    run = "busi/paper/fusionmedclip/k4/seed1"
    results = workflow.folder / "results/tiny"
    files = [results / "scores" / run / "scores.csv", results / "runs" / run / "weights/weights.safetensors"]
    before = [file_sha256(path) for path in files]
    metrics = f"results/tiny/metrics/{run}.json"
    workflow.run("--cores", "1", "--config", "warm_jobs=False", "--forcerun", "run_method", "--", metrics)
    assert [file_sha256(path) for path in files] == before
    made = json.loads((workflow.folder / metrics).read_text())["provenance"]
    assert made["arithmetic"]["precision"] == "float32"
    assert made["arithmetic"]["deterministic"]
    assert made["machine"]["variables"]["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_a_rule_that_asks_for_a_gpu_never_falls_back_in_silence(workflow, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    workflow.change("device: cpu", "device: auto")
    run = "busi/paper/fusionmedclip/k4/seed1"
    target = ("--", f"results/tiny/scores/{run}/scores.csv")
    workflow.run("--forcerun", "run_method", *target, ok=False)
    log = (workflow.folder / f"results/tiny/logs/run_method/{run}.log").read_text()
    assert "a GPU was asked for, and torch finds none" in log
    assert "device: auto, 1 GPU(s) of the scheduler" in log
    assert "Traceback" not in log
    # A site without GPUs says so in its profile.
    workflow.run("--set-resources", "run_method:gpu=0", *target)
    workflow.change("device: auto", "device: cpu")


def test_a_forged_figure_stops_the_archive(workflow):
    """Tables are made again from it, and it still is not what its scores give."""
    workflow.run("--", "results/tiny/verification.json")  # nothing is left to be made again
    metrics = workflow.folder / "results/tiny/metrics/busi/paper/coop/k4/seed0.json"
    record = json.loads(metrics.read_text())
    record["metrics"]["image_auroc"] = 0.999
    metrics.write_text(json.dumps(record))
    workflow.run("--", "results/tiny/verification.json")
    found = json.loads((workflow.folder / "results/tiny/verification.json").read_text())
    assert [(f["file"], f["what"]) for f in found["findings"]] == [
        ("metrics/busi/paper/coop/k4/seed0.json", "contradicted")
    ]
    assert (found["cells"], found["met"]) == (12, 11)
    allowed = ["draw_curation_page", *(f"draw_{kind}" for kind in FIGURES)]
    printed = workflow.run(
        "--allowed-rules", "write_report", "write_crate", *allowed, "--", "crate", ok=False
    )
    assert "do not hold, and are not packed" in printed
    assert "coop/k4/seed0.json: contradicted" in printed
    report = (workflow.folder / "results/tiny/report.html").read_text()
    assert "Not verified: 11 of 12 cells" in report


def test_jobs_are_forks_of_a_warm_process_unless_they_have_environments_of_their_own(workflow):
    job = "    if status is None:"
    tells = f"    os.write(terminal, f'warm: {{bool(address)}} {{status}}\\n'.encode())\n{job}"
    asked = ["--forcerun", "split_dataset", "--", "results/tiny/datasets/busi/split_paper.csv"]
    with workflow.edited("workflow_scripts/run_job.py", job, tells):
        printed = workflow.run(*asked)
        assert "warm: True 0" in printed
        printed = workflow.run("--software-deployment-method", "env-modules", *asked)
        assert "warm_jobs is off: jobs run in environments of their own" in printed
        assert "warm: False None" in printed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            ("test: {normal: 8, abnormal: 8}", "test: {normal: 12, abnormal: 8}"),
            "k = 4 support images cannot be drawn",
        ),
        (("test: {normal: 8, abnormal: 8}", "test: {normal: 15, abnormal: 8}"), "fewer normal images"),
    ],
)
def test_too_few_images_are_an_error_that_names_them(workflow, change, says):
    """The last: a split that is lost makes everything anew."""
    workflow.change(*change)
    target = "results/tiny/support/busi/paper/k4_seed0.csv"
    printed = workflow.run("--forcerun", "split_dataset", "--", target, ok=False)
    assert says in printed
    assert "Hint" in printed
    workflow.change(*reversed(change))
