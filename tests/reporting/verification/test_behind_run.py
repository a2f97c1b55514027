"""Behind a run: the results that hold a table, the weights that were learnt, the images that were seen."""

import csv
import shutil

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.provenance import file_sha256
from fusionmedclip.reporting.verification.behind_run import results_of, support_images, trained_weights

RUN = "busi/paper/patchcore/k2/seed0"


def test_results_are_found_below_a_folder_where_one_alone_holds_the_table(results, tmp_path):
    assert results_of(results, "images") == results
    assert results_of(results.parent, "images") == results
    assert results_of(tmp_path, "images") == tmp_path  # two folders up: not looked at
    shutil.copytree(results / "tables", results.parent / "again" / "tables")
    with pytest.raises(InputError, match=r"more than once(?s:.*)again"):
        results_of(results.parent, "images")


def test_weights_are_those_of_the_record_or_say_so(results):
    weights = results / "runs" / RUN / "weights/weights.safetensors"
    name = weights.relative_to(results).as_posix()
    before = file_sha256(weights)
    assert trained_weights(results, RUN) == {name: before}
    weights.write_bytes(weights.read_bytes() + b"x")
    assert trained_weights(results, RUN) == {name: f"{file_sha256(weights)}, recorded {before}"}
    weights.unlink()
    assert trained_weights(results, RUN) == {name: f"missing, recorded {before}"}


def test_images_are_the_support_sets_in_its_order(results):
    with (results / "support/busi/paper/k2_seed0.csv").open() as drawn:
        names = [line["image_id"] for line in csv.DictReader(drawn)]
    with (results / "datasets/busi/manifest.csv").open() as listed:
        hashes = {line["image_id"]: line["sha256"] for line in csv.DictReader(listed)}
    assert support_images(results, RUN) == {name: hashes[name] for name in names}
    assert list(support_images(results, RUN)) == names
    assert len(names) == 2
