"""What a table says of seeds that were computed with other packages, or on another machine."""

import json
from copy import deepcopy

import pytest

from fusionmedclip.reporting.tables.build import build_table
from fusionmedclip.reporting.tables.mixed_runs import mixed_lines

TITLES = {"busi": "BUSI", "patchcore": "PatchCore"}
MADE = {
    "commit": "a",
    "python": "3.11.7",
    "packages": {"numpy": "2.4.6", "torch": "2.15.0"},
    "device": "cpu, x86_64",
    "machine": {
        "processor": "Xeon",
        "vectors": "AVX512",
        "blas": {"numpy": "openblas 0.3, SkylakeX"},
        "variables": {"CUDA_VISIBLE_DEVICES": "0"},
    },
}


@pytest.fixture
def written(tmp_path):
    """Metrics files of a cell with four seeds, of which the second is changed."""

    def write(change=None):
        paths = []
        for seed in (0, 1, 2, 10):
            made = deepcopy(MADE)
            if seed == 1 and change is not None:
                change(made)
            path = tmp_path / f"metrics/busi/paper/patchcore/k4/seed{seed}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"provenance": made}))
            paths.append(path)
        return paths

    return write


def test_seeds_that_were_computed_alike_need_no_word(written):
    assert mixed_lines(written(), TITLES) == []
    assert mixed_lines(written(lambda made: made.update(commit="b")), TITLES) == []
    elsewhere = {"CUDA_VISIBLE_DEVICES": "3"}
    assert mixed_lines(written(lambda made: made["machine"].update(variables=elsewhere)), TITLES) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda made: made["packages"].update(torch="2.14.0"),
            "torch 2.15.0 (seeds 0, 2, 10), 2.14.0 (seed 1)",
        ),
        (lambda made: made["packages"].pop("numpy"), "numpy 2.4.6 (seeds 0, 2, 10), none (seed 1)"),
        (lambda made: made.update(python="3.12.1"), "python 3.11.7 (seeds 0, 2, 10), 3.12.1 (seed 1)"),
        (
            lambda made: made["machine"].update(vectors="AVX2"),
            "vectors AVX512 (seeds 0, 2, 10), AVX2 (seed 1)",
        ),
        (
            lambda made: made["machine"].update(gpu={"name": "H100"}),
            "gpu name none (seeds 0, 2, 10), H100 (seed 1)",
        ),
    ],
)
def test_what_differs_between_the_seeds_of_a_cell_is_said(written, change, said):
    assert mixed_lines(written(change), TITLES) == [f"BUSI, PatchCore, k = 4: {said}."]


def test_other_cells_may_differ_and_the_table_prints_what_does(written, tmp_path):
    metrics = written(lambda made: made["packages"].update(torch="2.14.0"))
    other = tmp_path / "metrics/busi/paper/patchcore/k8/seed0.json"
    other.parent.mkdir()
    other.write_text(json.dumps({"provenance": {**MADE, "python": "3.13.0"}}))
    row = tmp_path / "row.csv"
    head = "table,row,dataset,method,k,metric,mean,std,ci_low,ci_high,n_seeds,paper_mean,paper_std,delta"
    row.write_text(
        f"{head},backbone,split,status\nt,1,busi,patchcore,4,image_auroc,.5,0,0,1,4,,,,none,paper,ok\n"
    )
    build_table(rows=[row], title="T", titles=TITLES, layout="dataset_k", metrics=[*metrics, other],
                files=[tmp_path / "t.csv", tmp_path / "t.md"])  # fmt: skip
    text = (tmp_path / "t.md").read_text()
    assert "Seeds of one cell that were not computed alike:\n\n- BUSI, PatchCore, k = 4: torch" in text
    assert "3.13.0" not in text
