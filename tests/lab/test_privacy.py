"""Identity planted in headers of twelve DICOM files of many kinds: in derived DICOM objects, nowhere else."""

import gzip
import io
import logging
import struct
import threading
import urllib.request
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, JPEG2000Lossless, RLELossless, generate_uid
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.lab.review.server import open_review
from tests.lab.dicoms import ct_series, multi_frame, projection
from tests.lab.models import phantoms, write_overlay, write_pngs

WHO = {
    "PatientName": "Zebrafink^Wilhelmina", "PatientID": "ZF-7781-PATIENT", "PatientBirthDate": "19370214",
    "OtherPatientNames": "Axolotl^Brunhilde", "PatientComments": "Tapir comment",
    "PatientAddress": "Narwhal Lane",
    "InstitutionName": "Hospital of Quokkaville", "InstitutionalDepartmentName": "Pangolin ward",
    "ReferringPhysicianName": "Okapi^Ferdinand", "PerformingPhysicianName": "Dugong^Adelheid",
    "OperatorsName": "Capybara^Theodor", "StudyDate": "20190731", "SeriesDate": "20190801",
    "ContentDate": "20190802", "AccessionNumber": "ACC-ZZ-4417", "StudyDescription": "Wombat study",
    "SeriesDescription": "Echidna series", "ProtocolName": "Kakapo protocol",
    "ImageComments": "Numbat comment",
    "DeviceSerialNumber": "SERIAL-QQ-99321", "StationName": "MARKHOR01", "StudyID": "STUDY-8812",
}  # fmt: skip
PRIVATE = "Saiga private remark"
OVERLAY = "Quagga overlay label"
WORDS = [part for text in (*WHO.values(), PRIVATE, OVERLAY) for part in text.split("^")]


def _plant(path: Path, **more) -> Path:
    """Identity at the top, in a sequence, in a private block, in an overlay's label, and before it all."""
    header = pydicom.dcmread(path)
    nested = Dataset()
    for keyword, value in WHO.items():
        setattr(header, keyword, value)
        setattr(nested, keyword, value)
    header.OtherPatientIDsSequence = header.RequestAttributesSequence = [nested]
    header.private_block(0x0009, "ACME", create=True).add_new(1, "LO", PRIVATE)
    if "NumberOfFrames" not in header:
        header.add_new(0x60000010, "US", header.Rows)
        header.add_new(0x60000011, "US", header.Columns)
        header.add_new(0x60000040, "CS", "G")
        header.add_new(0x60000050, "SS", [1, 1])
        header.add_new(0x60000100, "US", 1)
        header.add_new(0x60000102, "US", 0)
        header.add_new(0x60001500, "LO", OVERLAY)
        header.add_new(0x60003000, "OB", bytes(-(-header.Rows * header.Columns // 16) * 2))
    for keyword, value in more.items():
        setattr(header, keyword, value)
    header.preamble = WORDS[0].encode().ljust(128, b"\0")
    header.save_as(path)
    return path


def _compressed(path: Path, syntax: str) -> Path:
    header = pydicom.dcmread(path)
    header.compress(syntax)
    header.save_as(path)
    return path


def _enhanced(path: Path) -> Path:
    header = pydicom.dcmread(multi_frame(path))
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    header.Modality = "MR"
    groups = []
    for number in range(int(header.NumberOfFrames)):
        group, place, content = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, 3 * number]
        content.FrameComments = "Numbat comment"
        content.FrameAcquisitionDateTime = "20190731101112"
        group.PlanePositionSequence, group.FrameContentSequence = [place], [content]
        groups.append(group)
    header.PerFrameFunctionalGroupsSequence = groups
    header.FrameOfReferenceUID = generate_uid()
    header.save_as(path)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve files: a series of four, five radiographs (plain, RLE, JPEG 2000, no suffix), three films."""
    folder = tmp_path_factory.mktemp("privacy")
    scans = folder / "scans"
    made = ct_series(scans / "series")
    made += [projection(scans / name) for name in ("plain.dcm", "without-suffix", "noted.dcm")]
    made += [_compressed(projection(scans / "rle.dcm"), RLELossless)]
    made += [_compressed(projection(scans / "j2k.dcm", size=(96, 80)), JPEG2000Lossless)]
    made += [multi_frame(scans / "film.dcm"), _enhanced(scans / "enhanced.dcm")]
    made += [_compressed(multi_frame(scans / "film-rle.dcm"), RLELossless)]
    assert len(made) == 12
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in made:
            _plant(path, BurnedInAnnotation="YES" if path.name == "noted.dcm" else "NO")
    write_overlay(folder)
    write_pngs(folder / "normals", phantoms(4))
    return folder


def _chunks_of_png(data: bytes) -> Iterator[bytes]:
    place = 8
    while place + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + size]
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            body += _inflated(body[body.find(b"\0") + 2 :])
        yield body
        place += 12 + size


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data)
    except zlib.error:
        return b""


def inside(data: bytes) -> Iterator[bytes]:
    """The bytes of a file, and what is packed in them."""
    yield data
    if data[:2] == b"\x1f\x8b":
        yield from inside(gzip.decompress(data))
    elif data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                yield entry.comment + entry.extra
                yield from inside(archive.read(entry))
    elif data[:8] == b"\x89PNG\r\n\x1a\n":
        yield from _chunks_of_png(data)


def found_in(data: bytes) -> list[str]:
    """Planted words in bytes, also as UTF-16 and in another case."""
    texts = [part.lower() for part in inside(data)]
    forms = {word: (word.lower().encode(), word.lower().encode("utf-16-le")) for word in WORDS}
    return [word for word, kinds in forms.items() if any(kind in text for kind in kinds for text in texts)]


def test_the_search_finds_what_is_planted(home: Path, tmp_path: Path) -> None:
    data = (home / "scans/plain.dcm").read_bytes()
    assert set(found_in(data)) == set(WORDS)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm.gz", gzip.compress(data))
    assert set(found_in(packed.getvalue())) == set(WORDS)
    chunk = b"Comment\0\0" + zlib.compress(WORDS[0].encode())
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", len(chunk), b"zTXt") + chunk + b"\0\0\0\0"
    assert found_in(png) == [WORDS[0]]


def test_nothing_but_dicom_objects_says_who_a_patient_is(
    home: Path, tmp_path: Path, monkeypatch, caplog, capfd
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    scans, said = str(home / "scans"), []
    fit = ("--config", str(home / "overlay.yaml"), "--folds", "2")
    commands = [
        ("check", scans, "--normal", "series", "--abnormal", "."),
        ("fit", scans, *fit, "--method", "my_fusionmedclip", "--out", "model", "--slices", "2"),
        ("predict", "model", scans, "--out", "prediction"),
        ("predict", "model", scans, "--out", "scores.csv"),
        ("export", "model", "--out", "model.onnx"),
        ("explain", "model", f"{scans}/plain.dcm", "--out", "explanation"),
        ("compare", scans, *fit, "--methods", "my_mean_brightness,my_patchcore", "--out", "compared.csv"),
        ("fit", scans, *fit, "--method", "my_patchcore", "--out", "whole", "--self-contained"),
    ]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for command in commands:
            done = CliRunner().invoke(app, list(command))
            expected = (0, 1) if command[0] == "check" else (0, 3)
            assert done.exit_code in expected, (command, done.output, done.exception)
            said.append(done.output)
        opened = open_review(tmp_path / "prediction")
        threading.Thread(target=opened.server.serve_forever, daemon=True).start()
        for place in ("", "data.json"):
            with urllib.request.urlopen(opened.address + place) as answer:
                said.append(answer.read().decode())
        opened.server.shutdown()
        opened.server.server_close()
    spoken = (
        "".join(said) + caplog.text + "".join(capfd.readouterr()) + "".join(str(w.message) for w in warned)
    )
    assert found_in(spoken.encode()) == []
    written = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    kinds = {path.suffix for path in written}
    assert kinds >= {
        ".csv",
        ".json",
        ".html",
        ".png",
        ".gz",
        ".dcm",
        ".onnx",
        ".safetensors",
        ".md",
        ".jsonl",
    }
    telling = {path for path in written if found_in(path.read_bytes()) or found_in(str(path).encode())}
    objects = set((tmp_path / "prediction/dicom").glob("*.dcm"))
    # by the standard (PS3.3, C.7.1.1) a derived object is filed under its patient; all else tells nothing
    assert telling == objects
    assert len(objects) >= 6
