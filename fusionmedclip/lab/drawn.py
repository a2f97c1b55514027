"""What ``predict`` draws beside the scores, on the scale that a model's own left-out maps give."""

from fusionmedclip import __version__
from fusionmedclip.lab.card import figure_text, threshold_text
from fusionmedclip.lab.detector import AnomalyDetector
from fusionmedclip.lab.writers.dicom_writer import DicomWriter
from fusionmedclip.lab.writers.map_scale import MapScale, calibrated_scale
from fusionmedclip.lab.writers.map_volumes import MapVolumeWriter
from fusionmedclip.lab.writers.page import PageWriter
from fusionmedclip.lab.writers.pictures import PictureWriter
from fusionmedclip.lab.writers.writer import Writer

__all__ = ["writers_for"]


def writers_for(model: AnomalyDetector) -> list[Writer]:
    """The writers of a prediction; the page comes last, since it names what the others wrote."""
    record = model.record_
    scale = _scale(record["maps"], probability=record["kind"] == "fusionmedclip")
    rests_on = (
        f"{record['title']} rests on {record['rests_on']}.",
        f"On left-out support images: {figure_text(record)}.",
        f"A flag is about a score: threshold of {threshold_text(record)}. The line in a map is about its "
        "values, which have a threshold of their own: a picture may have the one without the other.",
    )
    objects = DicomWriter(scale, record["title"], __version__, model.digest_)
    return [PictureWriter(scale), MapVolumeWriter(), objects, PageWriter(scale, rests_on)]


def _scale(maps: dict | None, *, probability: bool) -> MapScale:
    if maps is None:  # a method without maps: nothing is drawn on it
        return MapScale(low=0.0, high=1.0)
    whose = "left-out support images" if maps["left_out"] else "the support images that it was fitted on"
    text = f"The threshold is one that the maps of {whose} rarely reach, the low end is their median."
    ceiling = 1.0 if probability else None
    return calibrated_scale(maps["threshold"], usual=maps["usual"], ceiling=ceiling, rests_on=text)
