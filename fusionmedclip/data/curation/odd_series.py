"""DICOM series that are read, and of which slices may be missing or out of place."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fusionmedclip.data.curation.findings import Finding
from fusionmedclip.data.files.kinds import split_slice

__all__ = ["odd_series_findings"]

_HINT = "look whether all of the series was exported; it is read as it is"


def odd_series_findings(manifest: pd.DataFrame, statistics: pd.DataFrame, root: Path) -> Iterator[Finding]:
    """Folders that are volumes, by the places and the numbers of their slices."""
    folders = defaultdict(list)
    of_dicom = manifest[(statistics["format"] == "DICOM").to_numpy()]
    for image_id, file in of_dicom[["image_id", "file"]].to_numpy():
        folder = split_slice(file)[0]
        if (Path(root) / folder).is_dir():
            folders[str(folder)].append(image_id)
    for name, images in sorted(folders.items()):
        from fusionmedclip.data.reading.dicom.gaps import number_notes
        from fusionmedclip.data.reading.dicom.series import find_series  # pydicom takes long to import

        series = find_series(Path(root) / name)
        for note in (*series.notes, *number_notes(series.numbers)):
            yield Finding(kind="odd_series", message=f"{name}: {note}", hint=_HINT, images=tuple(images))
