"""Every sample file that pydicom and nibabel ship is read, or fails for a reason that is written here."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from fusionmedclip.data import read_image
from fusionmedclip.errors import InputError

PYDICOM = Path(importlib.util.find_spec("pydicom").origin).parent / "data"
NIBABEL = Path(importlib.util.find_spec("nibabel").origin).parent
NO_PIXELS, NO_IMAGE, NO_PAIR, HDF5 = (
    "without pixels",
    "no image format",
    "its second file is not shipped",
    "MINC 2",
)

EXPECTED_FAILURES = {
    # pydicom: what it ships to test other things than images
    "chrJapMulti.dcm": NO_PIXELS, "chrJapMultiExplicitIR6.dcm": NO_PIXELS, "chrKoreanMulti.dcm": NO_PIXELS,
    "chrSQEncoding.dcm": NO_PIXELS, "chrSQEncoding1.dcm": NO_PIXELS, "fall.dcm": NO_PIXELS,
    "hotiron.dcm": NO_PIXELS, "hotmetalblue.dcm": NO_PIXELS, "pet.dcm": NO_PIXELS, "pet20step.dcm": NO_PIXELS,
    "spring.dcm": NO_PIXELS, "summer.dcm": NO_PIXELS, "winter.dcm": NO_PIXELS,
    "ExplVR_BigEndNoMeta.dcm": NO_PIXELS, "ExplVR_LitEndNoMeta.dcm": NO_PIXELS, "UN_sequence.dcm": NO_PIXELS,
    "empty_charset_LEI.dcm": NO_PIXELS, "no_meta.dcm": NO_PIXELS, "no_meta_group_length.dcm": NO_PIXELS,
    "priv_SQ.dcm": NO_PIXELS, "reportsi.dcm": NO_PIXELS, "reportsi_with_empty_number_tags.dcm": NO_PIXELS,
    "rtplan.dcm": NO_PIXELS, "rtplan_truncated.dcm": NO_PIXELS, "rtstruct.dcm": NO_PIXELS,
    "test-SR.dcm": NO_PIXELS, "waveform_ecg.dcm": NO_PIXELS, "DICOMDIR": "an index of other files",
    "DICOMDIR-bigEnd": NO_PIXELS, "DICOMDIR-implicit": NO_PIXELS, "DICOMDIR-nooffset": NO_PIXELS,
    "DICOMDIR-nopatient": NO_PIXELS, "DICOMDIR-reordered": NO_PIXELS, "DICOMDIR-empty.dcm": NO_PIXELS,
    "liver_1frame.dcm": "a segmentation", "liver_expb_1frame.dcm": "a segmentation",
    "meta_missing_tsyntax.dcm": "a header without a picture",
    "nested_priv_SQ.dcm": "pixels without rows or columns",
    # pydicom: malformed on purpose
    "badVR.dcm": "NumberOfFrames is 1A", "MR_truncated.dcm": "62 bytes short",
    "JPEG2000-embedded-sequence-delimiter.dcm": "a delimiter inside the code stream",
    "MR_small_padded.dcm": "128 bytes too many, as many as a row has",
    # pydicom: no decoder under a permissive licence
    "JPEG-lossy.dcm": "12-bit JPEG Extended", "JPGExtended.dcm": "12-bit JPEG Extended",
    # pydicom and nibabel: compressed as a whole, unpack first
    "zipMR.gz": "an archive", "philips_mprage.dcm.gz": "an archive", "siemens_dwi_0.dcm.gz": "an archive",
    "siemens_dwi_1000.dcm.gz": "an archive",
    # nibabel
    "csa_slice_norm.dcm": NO_PIXELS, "resampled_anat_moved.nii": "holds 153 NaN",
    "row_major.dconn.nii": "CIFTI: a matrix, no volume", "analyze.hdr": NO_PAIR, "nifti1.hdr": NO_PAIR,
    "nifti2.hdr": NO_PAIR, "bad_attribute+orig.HEAD": "malformed on purpose",
    "bad_datatype+orig.HEAD": "malformed on purpose", "phantom_truncated.PAR": "malformed on purpose",
    "phantom_truncated.REC": "malformed on purpose", "minc2-4d-d.mnc": HDF5, "minc2-no-att.mnc": HDF5,
    "minc2_1_scale.mnc": HDF5, "minc2_4d.mnc": HDF5, "minc2_baddim.mnc": HDF5, "small.mnc": HDF5,
}  # fmt: skip

CODE = (".py", ".pyc", ".pyi", ".typed", ".ini", ".m", ".md", ".rst", ".json", ".dump", ".txt", ".gitignore")
OTHER = (".gii", ".trk", ".tck", ".bin", ".dat", ".nc", ".v", ".icc", ".bz2", ".bin.gz", ".gii.gz")
"""Surfaces, tracks, raw headers, colour profiles: formats that hold no picture."""


def _samples() -> list[Path]:
    files = [path for base in (PYDICOM, NIBABEL) for path in sorted(base.rglob("*")) if path.is_file()]
    return [f for f in files if f.suffix not in CODE and f.name not in (".gitignore", "py.typed")]


def _reason(path: Path) -> str | None:
    if path.name.endswith(OTHER):
        return NO_IMAGE
    if "TINY_ALPHA" in path.parts:
        return NO_PIXELS  # headers alone, to test an index
    if path.suffix == ".PAR" and not path.with_suffix(".REC").exists():
        return NO_PAIR
    return EXPECTED_FAILURES.get(path.name)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_sample_file() -> None:
    wrong, read, failed = [], 0, 0
    for path in _samples():
        try:
            image = read_image(path)
        except InputError as error:
            failed += 1
            if _reason(path) is None or path.name.split("#")[0] not in str(error):
                wrong.append(f"{path.name}: {error}")
            continue
        read += 1
        fine = image.dtype == np.float32 and image.ndim == 2 and image.min() >= 0 and image.max() <= 1
        if not fine or _reason(path) is not None:
            wrong.append(f"{path.name}: read as {image.shape}, expected {_reason(path) or 'a grey picture'}")
    assert not wrong, "\n".join(wrong)
    assert read > 120  # the packages still ship their samples
    assert failed > 120
