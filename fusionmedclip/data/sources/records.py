"""What a source says of each image, before any file is opened."""

from dataclasses import dataclass, field
from pathlib import Path

from fusionmedclip.data.problems import Problems

__all__ = ["Listing", "Record"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One image of a source.

    Attributes
    ----------
    file : str
        Path relative to the root of the listing, with forward slashes.
    label : int
        0 normal, 1 abnormal.
    class_name : str
        The source's own name of the class, for example ``"benign"``.
    masks : tuple of str
        Mask files, relative to the root; the ground truth is their union. Empty where there is none.
    group : str
        What must stay together (a patient, a volume); empty for an image on its own.
    split : str
        The source's own split, or empty.
    """

    file: str
    label: int
    class_name: str
    masks: tuple[str, ...] = ()
    group: str = ""
    split: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """All records of a source, and what could not be understood.

    Attributes
    ----------
    root : Path
        Folder to which every file is relative.
    records : list of Record
    problems : Problems
        Wrong paths, classes, masks without an image, and so on.
    ignored : list of str
        Files in the source's folders that are neither image nor mask.
    """

    root: Path
    records: list[Record] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    ignored: list[str] = field(default_factory=list)
