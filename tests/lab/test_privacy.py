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
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, JPEG2000Lossless, RLELossless, generate_uid
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.lab.review.server import open_review
from tests.lab.dicoms import ct_series, multi_frame, projection
from tests.lab.identity import WORDS, found_in, plant
from tests.lab.models import phantoms, write_overlay, write_pngs


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
            plant(path, BurnedInAnnotation="YES" if path.name == "noted.dcm" else "NO")
    write_overlay(folder)
    write_pngs(folder / "normals", phantoms(4))
    return folder


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
