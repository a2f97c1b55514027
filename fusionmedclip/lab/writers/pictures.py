"""Pictures of one input: overlays to look at, a thumbnail, and the layers that a review draws itself."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from fusionmedclip.errors import InputError
from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.writers.entries import LAYERS, Entry, SliceEntry, write_entry
from fusionmedclip.lab.writers.map_scale import MapScale
from fusionmedclip.lab.writers.overlay import flag_text, grey_levels, overlay, value_text, with_legend
from fusionmedclip.lab.writers.writer import Skipped
from fusionmedclip.outputs import whole_file

__all__ = ["OVERLAYS", "PictureWriter", "save_picture"]

OVERLAYS = "overlays"

_THUMBNAIL = 320  # pixels of the longer side
_LAYER = 1024  # pixels of the longer side of a map that a browser draws: maps are coarser than that
_THREADS = 2


@dataclass(frozen=True)
class PictureWriter:
    """Writes ``overlays/NAME.png`` (``overlays/NAME/0001.png`` of slices) and what a page needs of it.

    Parameters
    ----------
    scale : MapScale
        Of every map of the prediction.
    """

    scale: MapScale

    def write(self, scored: ScoredInput, folder: Path) -> list[str]:
        """Write all pictures of one input, then the record that names them."""

        def one(index: int) -> SliceEntry:
            return self._slice(scored, index, folder)

        with ThreadPoolExecutor(_THREADS) as pool:  # OpenCV packs PNG outside of Python's lock
            slices = tuple(pool.map(one, range(len(scored.slices))))
        height, width = scored.pixels.shape[1:3]
        first = scored.files[0]
        entry = Entry(
            name=scored.name,
            file=first.name if len(scored.files) == 1 else first.parent.name,
            score=float(scored.score),
            percentile=None if scored.percentile is None else float(scored.percentile),
            flag=None if scored.flag is None else bool(scored.flag),
            width=width,
            height=height,
            thumbnail=_thumbnail(scored.name),
            scale=asdict(self.scale),
            slices=slices,
            notes=scored.notes,
        )
        return [*entry.files, write_entry(folder, entry)]

    def finish(self, folder: Path, *, skipped: Sequence[Skipped] = ()) -> None:
        """All is written by then."""

    def _slice(self, scored: ScoredInput, index: int, folder: Path) -> SliceEntry:
        pixels = scored.pixels[index]
        values = None if scored.maps is None else scored.maps[index]
        single = len(scored.slices) == 1
        stem = scored.name if single else f"{scored.name}/{index:04d}"
        files = {"overlay": f"{OVERLAYS}/{stem}.png", "picture": f"{LAYERS}/pictures/{stem}.png", "map": ""}
        drawn = overlay(pixels, values, self.scale)
        if index == int(np.argmax(scored.scores)):
            save_picture(folder / _thumbnail(scored.name), _shrunk(drawn, _THUMBNAIL))
        scale = None if values is None else self.scale
        save_picture(folder / files["overlay"], with_legend(drawn, self._lines(scored, index), scale))
        save_picture(folder / files["picture"], grey_levels(pixels) if pixels.ndim == 3 else _levels(pixels))
        if values is not None:
            files["map"] = f"{LAYERS}/maps/{stem}.png"
            save_picture(folder / files["map"], _levels(self.scale.positions(_shrunk(values, _LAYER))))
        return SliceEntry(
            name=scored.slices[index],
            score=float(scored.scores[index]),
            flag=scored.standings[index].flag if scored.standings else None,
            marked=values is not None and bool(self.scale.marked(values).any()),
            **files,
        )

    def _lines(self, scored: ScoredInput, index: int) -> list[str]:
        lines = [f"{flag_text(scored.flag, scored.flagged_slices)}  score {value_text(scored.score)}"]
        if scored.percentile is not None:
            lines.append(f"above {scored.percentile:.0f} % of the support")
        if len(scored.slices) > 1:
            place = f"slice {index + 1} of {len(scored.slices)}"
            lines.append(f"{place}  score {value_text(scored.scores[index])}")
        return [*lines, *scored.notes]


def _thumbnail(name: str) -> str:
    return f"{LAYERS}/thumbnails/{name}.jpg"


def _levels(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _shrunk(picture: np.ndarray, longest: int) -> np.ndarray:
    height, width = picture.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return picture
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def save_picture(path: Path, picture: np.ndarray) -> None:
    """Write an RGB or grey picture in the form of its name, whole or not at all."""
    swapped = np.ascontiguousarray(picture[..., ::-1]) if picture.ndim == 3 else picture
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1] if path.suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 85]
    packed, data = cv2.imencode(path.suffix, swapped, options)
    if not packed:
        raise InputError(f"{path}: a picture that cannot be packed", received=picture.shape)
    with whole_file(path) as temporary:
        temporary.write_bytes(data.tobytes())
