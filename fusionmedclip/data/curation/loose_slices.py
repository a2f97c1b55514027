"""Slices of a volume that a source takes for pictures of their own."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from fusionmedclip.data.curation.findings import Finding

__all__ = ["loose_slice_findings"]

_MANY = 5  # a study of X-rays has fewer pictures in one series


def loose_slice_findings(manifest: pd.DataFrame, statistics: pd.DataFrame, root: Path) -> Iterator[Finding]:
    """Folders with several DICOM files of one series, none of which the source groups.

    The series' number is compared in memory and never kept.
    """
    single = (statistics["format"] == "DICOM") & ~manifest["file"].str.contains("#slice=", regex=False)
    folders = defaultdict(list)
    for image_id, file in manifest.loc[single & (manifest["group"] == ""), ["image_id", "file"]].to_numpy():
        if not (Path(root) / file).is_dir():
            folders[PurePosixPath(file).parent.as_posix()].append((image_id, file))
    for folder, members in sorted(folders.items()):
        if len(members) < _MANY:
            continue
        from fusionmedclip.data.reading.dicom.header import read_header  # pydicom takes long to import

        series = Counter(
            read_header(Path(root) / file, pixels=False).get("SeriesInstanceUID") for _, file in members
        )
        largest = max((count for number, count in series.items() if number), default=0)
        if largest >= _MANY:
            message = f"{folder}: up to {largest} files of one series"
            hint = (
                "set `series: true` if each folder is a volume, or `group_pattern` to keep patients together"
            )
            images = tuple(image_id for image_id, _ in members)
            yield Finding(kind="loose_slices", message=message, hint=hint, images=images)
