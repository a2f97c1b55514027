"""A lab's folder of scans, drawn: phantoms as DICOM and PNG, a NIfTI volume, masks of what is labelled.

    python draw_scans.py FOLDER

`normals/` holds 16 normal scans, `unseen/` nine that nobody has looked at, `archive/` labelled ones.
"""

import sys
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from fusionmedclip.data.phantoms import draw_phantom

SIZE = 96  # pixels
WHITE = 4000  # grey value of the brightest pixel, in scans of 12 bits


def drawn(index: int, *, lesion: bool):
    """A phantom: picture in [0, 1], and mask."""
    return draw_phantom("brain_mri", size=SIZE, lesion=lesion, seed=15, index=index)


def write_dicom(path: Path, picture: np.ndarray) -> None:
    """A slice as a scanner stores it: 12 bits of 16, with a window, a place, and a series of its own."""
    names = ("image", "series", "study", "frame")
    image, series, study, frame = (generate_uid(entropy_srcs=[*path.parts[-2:], name]) for name in names)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = image
    scan = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    scan.SOPClassUID, scan.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    scan.StudyInstanceUID, scan.SeriesInstanceUID, scan.FrameOfReferenceUID = study, series, frame
    scan.Modality, scan.ImageType, scan.InstanceNumber = "MR", ["ORIGINAL", "PRIMARY", "OTHER"], 1
    scan.PixelSpacing, scan.SliceThickness = [2, 2], 4  # mm
    scan.ImagePositionPatient, scan.ImageOrientationPatient = [-SIZE, -SIZE, 0], [1, 0, 0, 0, 1, 0]
    scan.Rows, scan.Columns = picture.shape
    scan.SamplesPerPixel, scan.PhotometricInterpretation = 1, "MONOCHROME2"
    scan.BitsAllocated, scan.BitsStored, scan.HighBit, scan.PixelRepresentation = 16, 12, 11, 0
    scan.WindowCenter, scan.WindowWidth = WHITE / 2, WHITE
    scan.PixelData = np.rint(picture * WHITE).astype("<u2").tobytes()
    scan.save_as(path, enforce_file_format=True)


def write(path: Path, picture: np.ndarray) -> None:
    """As DICOM or PNG, whichever the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".dcm":
        write_dicom(path, picture)
    else:
        Image.fromarray(np.rint(picture * 255).astype(np.uint8)).save(path)


def write_volume(path: Path, index: int) -> None:
    """Nine slices that fade to both ends, the middle one as drawn."""
    picture = np.flipud(drawn(index, lesion=True).image).T  # x to the right, y to the front
    fade = 1 - np.abs(np.linspace(-1, 1, 9)) ** 2
    stack = np.rint(picture[..., None] * fade * WHITE).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(stack, np.diag([2.0, 2.0, 4.0, 1.0])), path)  # mm


def main(folder: Path) -> None:
    """Draw all of it."""
    for index in range(16):
        name = f"scan_{index:02}{'.dcm' if index % 2 else '.png'}"
        write(folder / "normals" / name, drawn(index, lesion=False).image)
    for index in range(8):
        name = f"scan_{index:02}{'.dcm' if index % 2 else '.png'}"
        write(folder / "unseen" / name, drawn(100 + index, lesion=index >= 4).image)
    write_volume(folder / "unseen/volume.nii.gz", 108)
    for index in range(40):
        write(folder / f"archive/normal/n{index:03}.dcm", drawn(200 + index, lesion=False).image)
    for index in range(20):
        phantom = drawn(300 + index, lesion=True)
        write(folder / f"archive/abnormal/a{index:03}.dcm", phantom.image)
        write(folder / f"archive/masks/a{index:03}.png", phantom.mask.astype(float))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
