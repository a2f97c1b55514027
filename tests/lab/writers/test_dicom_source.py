"""Objects of files that others have written: pydicom's samples, each by its name."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from fusionmedclip.data.reading.dicom.consistency import frame_count
from fusionmedclip.data.reading.dicom.header import read_header
from fusionmedclip.errors import InputError
from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.writers.dicom_writer import DicomWriter
from fusionmedclip.lab.writers.map_scale import MapScale

pytest.importorskip("highdicom")

SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
NO_OBJECT = {  # times of before 1993, and files without the UIDs of study and series
    "ExplVR_BigEnd", "JPEGLSNearLossless_08", "JPEGLSNearLossless_16", "SC_rgb_jls_lossy_line",
    "SC_rgb_jls_lossy_sample",
}  # fmt: skip
FAULTY_SOURCE = {"SC_rgb_rle_2frame", "SC_rgb_rle_16bit_2frame", "SC_rgb_rle_32bit_2frame"}
"""Two frames under a kind of one frame, at which no frame may be pointed."""


def scored(path: Path) -> ScoredInput | None:
    try:
        header = read_header(path)
    except InputError:
        return None
    shape = (frame_count(header), int(header.Rows), int(header.Columns))
    maps = np.random.default_rng(0).random(shape, np.float32)
    names = tuple(map(str, range(len(maps))))
    return ScoredInput((path,), path.stem, names, 0 * maps, maps, maps.max((1, 2)).astype(float), 0.9)


@pytest.mark.slow
def test_sample_files_give_objects_or_a_reason(tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (apt-get install dicom3tools)")
    writer = DicomWriter(MapScale(low=0.2, high=1, threshold=0.6), "FusionMedCLIP", "0")
    accepted, faulty, none = set(), set(), set()
    for path in sorted(SAMPLES.glob("*.dcm")):
        one = scored(path)
        if one is None:
            continue
        writer.write(one, tmp_path / path.stem)
        made = sorted((tmp_path / path.stem / "dicom").iterdir())
        if made[0].suffix == ".txt":
            none.add(path.stem)
            continue
        said = "".join(subprocess.run(["dciodvfy", m], capture_output=True, text=True).stderr for m in made)
        (faulty if "Error" in said else accepted).add(path.stem)
    assert none <= NO_OBJECT
    assert faulty <= FAULTY_SOURCE
    assert len(accepted) >= 51
