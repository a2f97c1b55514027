"""What a prediction of a fitted model draws: each kind of file, on the scale of its left-out maps."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
from PIL import Image

from fusionmedclip.lab import AnomalyDetector
from fusionmedclip.lab.drawn import writers_for
from fusionmedclip.lab.prediction import predict_files
from fusionmedclip.lab.requests import prediction_request
from fusionmedclip.lab.writers.entries import read_entries
from tests.lab.dicoms import ct_series, projection


def test_a_mixed_folder_is_drawn_whole(fitted_fusion: AnomalyDetector, tmp_path: Path) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    ct_series(scans / "series")
    projection(scans / "x.dcm")
    Image.fromarray(np.arange(2400, dtype=np.uint32).reshape(40, 60).astype(np.uint8)).save(scans / "a.png")
    volume = np.random.default_rng(0).random((20, 22, 5)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([-1.0, 2, 3, 1])), scans / "v.nii.gz")
    (scans / "cut.png").write_bytes((scans / "a.png").read_bytes()[:100])
    fitted_fusion.save(tmp_path / "model")
    done = predict_files(prediction_request(tmp_path / "model", [scans], out), writers=writers_for)
    assert [Path(file).name for file, _ in done.skipped] == ["cut.png"]
    entries = {entry.file: entry for entry in read_entries(out)}
    assert sorted(entries) == ["a.png", "series", "v.nii.gz", "x.dcm"]
    kept = fitted_fusion.record_["maps"]
    assert {entry.scale["threshold"] for entry in entries.values()} == {kept["threshold"]}
    assert {entry.scale["low"] for entry in entries.values()} == {kept["usual"]}
    assert all(entry.scale["high"] <= 1 for entry in entries.values())  # its maps are probabilities
    assert sum(len(entry.slices) for entry in entries.values()) == 1 + 4 + 5 + 1
    made = nibabel.load(out / "maps" / "v.nii.gz")
    np.testing.assert_array_equal(made.affine, np.diag([-1.0, 2, 3, 1]))
    assert made.shape == (20, 22, 5)
    kinds = {path.name: pydicom.dcmread(path).SOPClassUID.name for path in (out / "dicom").iterdir()}
    assert kinds == {"series.dcm": "Parametric Map Storage", "x.dcm": "Segmentation Storage"}
    page = (out / "index.html").read_text()
    assert "4 inputs" in page
    assert "1 skipped" in page
    assert fitted_fusion.record_["rests_on"] in page
