"""The files that a run reads and writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionmedclip.pipeline.files import read_json

__all__ = ["RunInputs", "RunOutputs", "stage1_record"]


@dataclass(frozen=True, kw_only=True)
class RunInputs:
    """Files that a run reads.

    Attributes
    ----------
    manifest, images, masks, split, support : Path
        See :mod:`fusionmedclip.pipeline.datasets`.
    backbone : Path or None
        Settings file in the folder of the backbone, for methods that use one.
    backbone_weights, backbone_config : Path or None
        Its weights and, where it has a text tower, its architecture; beside its settings.
    features : Path or None
        Folder of its stored features of this data set.
    statistics : Path or None
        Properties of the files, for methods that score those and no pixels.
    meta : tuple of Path
        Files of each other data set that a method learns from (:func:`fusionmedclip.methods.other_files`).
    learnt : tuple of Path
        Weights, log and provenance of what was learnt from these ahead of the run.
    """

    manifest: Path
    images: Path
    masks: Path
    split: Path
    support: Path
    backbone: Path | None = None
    backbone_weights: Path | None = None
    backbone_config: Path | None = None
    features: Path | None = None
    statistics: Path | None = None
    meta: tuple[Path, ...] = ()
    learnt: tuple[Path, ...] = ()

    @classmethod
    def named(cls, files: Mapping[str, str | Sequence[str]]) -> "RunInputs":
        """From file names."""
        paths: dict[str, Any] = {
            name: Path(file) if isinstance(file, str) else tuple(map(Path, file))
            for name, file in files.items()
        }
        return cls(**paths)

    def files(self) -> list[Path]:
        """Every file that decides the scores; stored features follow from images and backbone."""
        single = (self.manifest, self.images, self.masks, self.split, self.support)
        chosen = (self.backbone, self.backbone_weights, self.backbone_config, self.statistics)
        return [*single, *(path for path in chosen if path is not None), *self.meta, *self.learnt]


@dataclass(frozen=True, kw_only=True)
class RunOutputs:
    """Files that a run writes.

    Attributes
    ----------
    weights : Path
        Folder of what was trained.
    log : Path
        CSV, one line a training step.
    provenance : Path
        JSON: settings, environment, inputs, timing, memory.
    scores : Path
        CSV ``image_id,label,score``.
    pixel_counts : Path
        Counts of pixels per score value.
    examples : Path
        ``image_id`` and float16 maps of the images drawn for the figures.
    """

    weights: Path
    log: Path
    provenance: Path
    scores: Path
    pixel_counts: Path
    examples: Path

    @classmethod
    def named(cls, files: Mapping[str, str]) -> "RunOutputs":
        """From file names."""
        return cls(**{name: Path(file) for name, file in files.items()})

    def files(self) -> list[Path]:
        """Every file that was written, the provenance apart, which holds their digests."""
        trained = (p for p in self.weights.rglob("*") if p.is_file() and not p.name.startswith("."))
        return [*sorted(trained), self.log, self.scores, self.pixel_counts, self.examples]


def stage1_record(backbone: Path | None) -> dict[str, Any]:
    """What a run keeps of its backbone's Stage 1: how many pairs of image and caption it saw, by split.

    Parameters
    ----------
    backbone : Path or None
        Settings file of the backbone.

    Returns
    -------
    dict
        Empty where there was no Stage 1.
    """
    stage1 = None if backbone is None else read_json(backbone).get("stage1")
    return {"stage1": {"pairs": stage1["pairs"]}} if stage1 else {}
