"""What goes back to an archive: one DICOM object an input, of the kind that the standard allows for it."""

import contextlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset

from fusionmedclip.data.files.kinds import kind_of
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.writers.dicom_source import is_placed, read_sources, without_place
from fusionmedclip.lab.writers.map_scale import MapScale
from fusionmedclip.lab.writers.map_volumes import stretched
from fusionmedclip.lab.writers.overlay import flag_text, overlay, value_text, with_legend
from fusionmedclip.lab.writers.writer import Skipped
from fusionmedclip.outputs import whole_file

if TYPE_CHECKING:
    from fusionmedclip.lab.writers.dicom_objects import Maker

__all__ = ["OBJECTS", "DicomWriter"]

OBJECTS = "dicom"


@dataclass(frozen=True)
class DicomWriter:
    """Writes ``dicom/NAME.dcm`` for DICOM inputs, or ``dicom/NAME.txt`` with the reason why there is none.

    ======================================================  ==================================================
    input                                                   object
    ======================================================  ==================================================
    slices or frames at known places (CT, MR, PET, ...)     parametric map: the map itself, float32
    one image without a frame of reference (CR, DX, ...)    segmentation of what is above the threshold; the
                                                            parametric map's IOD demands a frame of reference
    the same without a threshold                            secondary capture of the overlay
    a film without places (US, XA, ...)                     secondary captures, ``NAME_0007.dcm``, of the
                                                            frames above the threshold, or of the worst one
    ======================================================  ==================================================

    Parameters
    ----------
    scale : MapScale
    name, version, model : str
        Of the method, of this package, and the digest of the saved model.
    """

    scale: MapScale
    name: str
    version: str
    model: str = ""

    def write(self, scored: ScoredInput, folder: Path) -> list[str]:
        """Write the objects of one input, if it is DICOM and its method has maps."""
        if scored.maps is None or kind_of(scored.files[0]) != "dicom":
            return []
        target = folder / OBJECTS / f"{scored.name}.dcm"
        for earlier in (target, target.with_name(f"{scored.name}.txt")):
            earlier.unlink(missing_ok=True)
        try:
            with _without_words(), reading(scored.files[0], "a DICOM object's source", private=True, hint=""):
                objects = self._objects(scored)
        except InputError as error:
            with whole_file(target.with_name(f"{scored.name}.txt")) as temporary:
                temporary.write_text(f"No DICOM object: {error}\n", encoding="utf-8")
            return [f"{OBJECTS}/{scored.name}.txt"]
        for suffix, made in objects.items():
            with whole_file(target.with_name(f"{scored.name}{suffix}.dcm")) as temporary:
                made.save_as(temporary, enforce_file_format=True)
        return [f"{OBJECTS}/{scored.name}{suffix}.dcm" for suffix in objects]

    def finish(self, folder: Path, *, skipped: Sequence[Skipped] = ()) -> None:
        """All is written by then."""

    def _objects(self, scored: ScoredInput) -> dict[str, Dataset]:
        """By the end of their names. What highdicom refuses, as a source that breaks its own kind's rules, is
        tried as the next plainer kind."""
        if importlib.util.find_spec("highdicom") is None:
            raise InputError("highdicom is not installed", hint="it comes with the extra `medical`")
        from fusionmedclip.lab.writers.dicom_objects import Maker

        sources, maker = read_sources(scored.files), Maker(self.name, self.version, self.model)
        kinds = [self._segmentation, self._captures] if len(sources) == 1 else []
        if is_placed(scored.files, sources):
            kinds.insert(0, self._parametric_map)
        refused: Exception = InputError("slices of a series without places in one frame of reference")
        for kind in kinds:
            try:
                return kind(scored, sources, maker)
            except (ValueError, TypeError, AttributeError, KeyError) as error:
                refused = error
        raise refused

    def _parametric_map(
        self, scored: ScoredInput, sources: list[Dataset], maker: "Maker"
    ) -> dict[str, Dataset]:
        from fusionmedclip.lab.writers.dicom_objects import parametric_map

        return {"": parametric_map(sources, _stored(scored, sources), scale=self.scale, maker=maker)}

    def _segmentation(
        self, scored: ScoredInput, sources: list[Dataset], maker: "Maker"
    ) -> dict[str, Dataset]:
        from fusionmedclip.lab.writers.dicom_objects import segmentation

        maps = _stored(scored, sources)
        if len(maps) > 1 or self.scale.threshold is None:
            raise InputError("a segmentation is of one image, above a threshold")
        bare, marked = without_place(sources[0]), self.scale.marked(maps[0])
        return {"": segmentation(bare, marked, threshold=self.scale.threshold, maker=maker)}

    def _captures(self, scored: ScoredInput, sources: list[Dataset], maker: "Maker") -> dict[str, Dataset]:
        from fusionmedclip.lab.writers.dicom_objects import secondary_captures

        assert scored.maps is not None
        several = len(scored.maps) > 1
        wanted = [n for n, one in enumerate(scored.maps) if self.scale.marked(one).any()]
        pictures: dict[int | None, np.ndarray] = {}
        for number in wanted or [int(np.argmax(scored.scores))]:
            words = [
                f"{flag_text(scored.flag, scored.flagged_slices)}  score {value_text(scored.scores[number])}",
                "not a medical device",
            ]
            drawn = overlay(scored.pixels[number], scored.maps[number], self.scale)
            pictures[number if several else None] = with_legend(drawn, words, self.scale)
        captures = secondary_captures(without_place(sources[0]), pictures, maker=maker)
        suffixes = (f"_{number:04d}" if several else "" for number in pictures)
        return dict(zip(suffixes, captures, strict=True))


def _stored(scored: ScoredInput, sources: Sequence[Dataset]) -> np.ndarray:
    """(S, H, W) maps at the size of the stored pixels."""
    assert scored.maps is not None
    return stretched(scored.maps, (int(sources[0].Rows), int(sources[0].Columns)))


@contextlib.contextmanager
def _without_words() -> Iterator[None]:
    """Silence highdicom, whose log and warnings repeat names of patients that it takes for malformed."""
    log = logging.getLogger("highdicom")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
