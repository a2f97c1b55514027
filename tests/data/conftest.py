"""Small folders of pictures, made afresh for a test."""

import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from fusionmedclip.randomness import generator
from tests.data.acquisition.server import CONTENT, Handler


@pytest.fixture
def picture() -> Callable[..., np.ndarray]:
    """Smooth random uint8 pictures, one a key: what no two keys share."""

    def make(key: int, shape: tuple[int, int] = (40, 48)) -> np.ndarray:
        coarse = generator(key, "test picture").integers(0, 256, (8, 8)).astype(np.uint8)
        return np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC))

    return make


@pytest.fixture
def folder(tmp_path: Path, picture: Callable) -> Path:
    """``normal`` (6), ``abnormal`` (4) and ``masks`` (4) of 48 x 40 PNG files."""
    for number in range(10):
        name = "normal" if number < 6 else "abnormal"
        target = tmp_path / "set" / name / f"{name}_{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(number)).save(target)
        if number >= 6:
            mask = np.zeros((40, 48), np.uint8)
            mask[10:20, 5 : 5 + number] = 255
            masks = tmp_path / "set" / "masks"
            masks.mkdir(exist_ok=True)
            Image.fromarray(mask).save(masks / target.name)
    return tmp_path / "set"


@pytest.fixture
def source(folder: Path) -> dict:
    """The configuration entry of ``folder``."""
    return {
        "kind": "folder",
        "path": str(folder),
        "normal": ["normal"],
        "abnormal": ["abnormal"],
        "mask_folder": "masks",
    }


@pytest.fixture
def write_dicom() -> Callable[..., Path]:
    """Write a file with pixels and any other attributes, and with planted identity."""

    def write(path: Path, pixels: np.ndarray, *, syntax: str = ExplicitVRLittleEndian, **attributes) -> Path:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        for keyword, value in PLANTED.items():
            setattr(dataset, keyword, value)
        colour = pixels.ndim == 3 and pixels.shape[-1] == 3
        if pixels.ndim == 3 and not colour:
            dataset.NumberOfFrames = len(pixels)
        dataset.Rows, dataset.Columns = pixels.shape[:2] if colour or pixels.ndim == 2 else pixels.shape[1:]
        dataset.SamplesPerPixel = 3 if colour else 1
        dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
        if colour:
            dataset.PlanarConfiguration = 0
        dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        dataset.PixelData = pixels.tobytes()
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        if syntax != ExplicitVRLittleEndian:
            dataset.compress(syntax)
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


PLANTED = {
    "PatientName": "Zebrafink^Wilhelmina",
    "PatientID": "ZF-7781-PATIENT",
    "PatientBirthDate": "19370214",
    "InstitutionName": "Hospital of Quokkaville",
    "ReferringPhysicianName": "Okapi^Ferdinand",
    "AccessionNumber": "ACC-ZZ-4417",
    "StudyDate": "20190731",
    "StudyDescription": "Wombat study of the secret kind",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.777123",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.777124",
    "DeviceSerialNumber": "SERIAL-QQ-99321",
    "ImageComments": "Numbat comment",
}
"""Identity as a header carries it; no output may hold any of it."""


@pytest.fixture
def planted() -> list[str]:
    """Every piece of the planted identity, as text."""
    return [part for value in PLANTED.values() for part in value.split("^")]


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A web server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content, server.etag, server.breaks, server.status, server.requests = CONTENT, '"one"', 0, 200, []
    server.contents = {}
    server.url = f"http://127.0.0.1:{server.server_port}/set.zip"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
