"""Nothing of a header but geometry and the meaning of pixels reaches any output."""

import logging
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom.dataset import Dataset

from fusionmedclip.data import load_images, read_image
from fusionmedclip.data.curation.check import check_dataset
from fusionmedclip.data.curation.curate import curate, write_curation
from fusionmedclip.data.curation.statistics import image_statistics
from fusionmedclip.data.reading.dicom.header import GEOMETRY, PIXELS, read_header
from fusionmedclip.data.reading.recombine import write_map_volume
from fusionmedclip.data.sources.manifest import build_manifest, write_manifest
from fusionmedclip.data.splits import make_split
from fusionmedclip.data.support import draw_support
from fusionmedclip.errors import InputError
from fusionmedclip.reporting.report.curation_page import curation_page


@pytest.fixture
def source(tmp_path: Path, write_dicom, picture) -> dict:
    """Twelve DICOM files full of identity, also nested, private and malformed, among them two copies."""
    nested = Dataset()
    nested.PatientName = "Zebrafink^Wilhelmina"
    nested.PatientID = "ZF-7781-PATIENT"
    for n in range(12):
        folder = tmp_path / "set" / ("no" if n < 8 else "yes")
        extra = {"OtherPatientIDsSequence": [nested], "RequestAttributesSequence": [nested]}
        path = write_dicom(
            folder / f"{n}.dcm", picture(n).astype(np.uint16) * 16, BitsStored=12, HighBit=11, **extra
        )
        if n == 3:
            (folder / "copy.dcm").write_bytes(path.read_bytes())
    return {"kind": "folder", "path": str(tmp_path / "set"), "normal": "no", "abnormal": "yes"}


def _clean(text: str | bytes, planted: list[str]) -> bool:
    text = text.encode() if isinstance(text, str) else text
    return not any(word.encode() in text or word.lower().encode() in text.lower() for word in planted)


def test_the_planted_words_are_there_to_be_found(source: dict, planted: list[str]) -> None:
    data = (Path(source["path"]) / "no" / "0.dcm").read_bytes()
    assert all(word.encode() in data for word in planted)


def test_no_output_holds_identity(source: dict, planted: list[str], tmp_path: Path, caplog, capfd) -> None:
    caplog.set_level(logging.DEBUG)
    root, out = Path(source["path"]), tmp_path / "results"
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        manifest = build_manifest(source, dataset="toy")
        write_manifest(manifest, out / "manifest.csv")
        curation, marked = curate(manifest, root, dataset="toy")
        write_manifest(marked, out / "marked.csv")
        write_curation(curation, out / "curation.json")
        curation_page([curation], {"toy": marked}, {"toy": root}, out / "page.html")
        image_statistics(manifest, root).to_csv(out / "statistics.csv")
        split = make_split(marked, name="grouped", test_normal=3)
        split.to_csv(out / "split.csv")
        draw_support(split, k=2, seed=0, dataset="toy").to_csv(out / "support.csv")
        np.save(out / "images.npy", load_images(root / "no", 32))
        (out / "check.txt").write_text(check_dataset(source).text())
    written = sorted(path for path in out.rglob("*") if path.is_file())
    assert len(written) == 9
    for path in written:
        assert _clean(path.read_bytes(), planted), path.name
    spoken = caplog.text + "".join(capfd.readouterr()) + "".join(str(w.message) for w in warned)
    assert _clean(spoken, planted)


def test_no_error_message_holds_identity(
    source: dict, planted: list[str], tmp_path: Path, write_dicom
) -> None:
    whole = (Path(source["path"]) / "no" / "0.dcm").read_bytes()
    messages = []
    for length in range(140, len(whole), 23):  # cut anywhere, also inside a name
        (tmp_path / "cut.dcm").write_bytes(whole[:length])
        with pytest.raises(InputError) as caught:
            read_image(tmp_path / "cut.dcm")
        messages.append(str(caught.value) + str(caught.value.__cause__))
    for place in range(140, min(len(whole), 1400), 17):  # and damage single bytes of the header
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        (tmp_path / "bad.dcm").write_bytes(bytes(damaged))
        try:
            read_image(tmp_path / "bad.dcm")
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 50
    assert all(_clean(message, planted) for message in messages)


def test_only_the_allowed_part_is_ever_in_memory(source: dict) -> None:
    header = read_header(Path(source["path"]) / "no" / "0.dcm")
    assert {element.keyword for element in header} <= {*GEOMETRY, *PIXELS}
    assert [element.keyword for element in header.file_meta] == ["TransferSyntaxUID"]
    personal = (
        "Patient",
        "Name",
        "Date",
        "Time",
        "Physician",
        "Institution",
        "Accession",
        "Comment",
        "Description",
    )
    allowed = [k for k in (*GEOMETRY, *PIXELS) if any(word in k for word in personal)]
    assert allowed == ["ImagePositionPatient", "ImageOrientationPatient"]


def test_maps_carry_no_free_text(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4))
    image.header["descrip"] = b"Zebrafink Wilhelmina"
    image.header["aux_file"] = b"ZF-7781"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"Hospital of Quokkaville"))
    nibabel.save(image, tmp_path / "scan.nii")
    write_map_volume(
        [1], np.ones((1, 4, 3), np.float32), like=tmp_path / "scan.nii", target=tmp_path / "map.nii"
    )
    written = (tmp_path / "map.nii").read_bytes()
    assert _clean(written, ["Zebrafink", "Wilhelmina", "ZF-7781", "Quokkaville"])
