"""Identity in a DICOM header wherever one can stand, and the search for it in files of any kind."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

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


def plant(path: Path, **more) -> Path:
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
