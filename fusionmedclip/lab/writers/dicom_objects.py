"""Maps as DICOM objects that point at their source: parametric map, segmentation, secondary capture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import highdicom
import numpy as np
from highdicom.pm import ParametricMap, RealWorldValueMapping
from highdicom.sc import SCImage
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from fusionmedclip.lab.writers.map_scale import MapScale

__all__ = ["Maker", "parametric_map", "secondary_captures", "segmentation"]

_SERIES = 9000  # added to the source's number, so that results come after what was acquired


@dataclass(frozen=True)
class Maker:
    """What made the objects.

    Attributes
    ----------
    name, version : str
        Of the method and of this package.
    model : str
        Digest of the saved model.
    """

    name: str
    version: str
    model: str

    def series(self, source: Dataset, what: str) -> dict[str, Any]:
        """Series and equipment of a new object (C.7.3.1, C.7.5.1, C.7.5.2)."""
        return {
            "series_instance_uid": generate_uid(),
            "series_number": _SERIES + min(int(source.get("SeriesNumber") or 0), 999),
            "sop_instance_uid": generate_uid(),
            "instance_number": 1,
            "manufacturer": self.name,
            "manufacturer_model_name": self.name,
            "software_versions": self.version,
            "device_serial_number": self.model[:16] or "none",
            "series_description": f"{what} (research, not for diagnosis)",
        }


def parametric_map(
    sources: Sequence[Dataset], maps: np.ndarray, *, scale: MapScale, maker: Maker
) -> ParametricMap:
    """The maps themselves, float32, where the source lies in a frame of reference (PS3.3, A.75).

    Parameters
    ----------
    sources : sequence of Dataset
        One header a slice, or one of all frames.
    maps : (S, H, W) float32 array
    scale : MapScale
        Becomes the window.
    maker : Maker
    """
    values = RealWorldValueMapping(
        lut_label="anomaly",
        lut_explanation="anomaly map, the method's own scale",
        unit=codes.UCUM.NoUnits,
        value_range=(float(maps.min()), float(maps.max())),
        slope=1.0,
        intercept=0.0,
    )
    centre, width = (scale.low + scale.high) / 2, scale.high - scale.low
    window = highdicom.VOILUTTransformation(
        window_center=float(centre), window_width=float(width), voi_lut_function="LINEAR_EXACT"
    )
    made = ParametricMap(
        source_images=list(sources),
        pixel_array=np.ascontiguousarray(maps, np.float32),
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[values],
        voi_lut_transformations=[window],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_label="ANOMALY_MAP",
        content_description="Anomaly map",
        content_creator_name="",
        **maker.series(sources[0], "Anomaly map"),
    )
    return _with_side(made, sources[0])


def segmentation(source: Dataset, marked: np.ndarray, *, threshold: float, maker: Maker) -> Segmentation:
    """What lies above the threshold, for one image without a frame of reference (PS3.3, A.51).

    Parameters
    ----------
    source : Dataset
    marked : (H, W) bool array
    threshold : float
        For the segment's name.
    maker : Maker
    """
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=maker.name, family=codes.DCM.ArtificialIntelligence, version=maker.version
    )
    segment = SegmentDescription(
        segment_number=1,
        segment_label=f"map above {threshold:.4g}",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.MorphologicallyAbnormalStructure,
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
    )
    made = Segmentation(
        source_images=[source],
        pixel_array=marked[None].astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[segment],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_label="ANOMALY",
        content_description="Anomaly map above its threshold",
        content_creator_name="",
        omit_empty_frames=False,
        **maker.series(source, "Anomaly"),
    )
    made.PatientOrientation = source.get("PatientOrientation")  # as the source has it, or unknown
    return _with_part(made, source)


def secondary_captures(
    source: Dataset, pictures: Mapping[int | None, np.ndarray], *, maker: Maker
) -> list[SCImage]:
    """Overlays as a series of pictures (PS3.3, A.8.1), where nothing else can hold the map.

    Parameters
    ----------
    source : Dataset
    pictures : mapping of int or None to (H, W, 3) uint8 array
        By the source's frame, counted from 0; None for a single image.
    maker : Maker
    """
    series = maker.series(source, "Anomaly map, picture")
    captures = []
    for number, (frame, picture) in enumerate(pictures.items()):
        own = {"sop_instance_uid": generate_uid(), "instance_number": number + 1}
        captures.append(_capture(source, picture, frame=frame, series={**series, **own}))
    return captures


def _capture(source: Dataset, picture: np.ndarray, *, frame: int | None, series: dict[str, Any]) -> SCImage:
    capture = SCImage.from_ref_dataset(
        source,
        np.ascontiguousarray(picture),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),  # the library wants one; the source's is set below
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **series,
    )
    pointer = Dataset()
    pointer.ReferencedSOPClassUID, pointer.ReferencedSOPInstanceUID = (
        source.SOPClassUID,
        source.SOPInstanceUID,
    )
    if frame is not None:
        pointer.ReferencedFrameNumber = frame + 1
    capture.SourceImageSequence = [pointer]
    capture.PatientOrientation = source.get("PatientOrientation")
    capture.ImageType = ["DERIVED", "SECONDARY"]
    capture.DerivationDescription = "anomaly map in colours over its source"
    return _with_side(capture, source)


_PART = ("BodyPartExamined", "Laterality", "ImageLaterality")


def _with_part(made: Any, source: Dataset) -> Any:
    """Which part and side of the body, as the source says it (C.7.3.1)."""
    for keyword in _PART:
        if source.get(keyword):
            setattr(made, keyword, source.get(keyword))
    return made


def _with_side(made: Any, source: Dataset) -> Any:
    """Part and side, or that the side is not known, where the object must say one of them."""
    if not any(_with_part(made, source).get(keyword) for keyword in _PART):
        made.Laterality = None
    return made
