"""The small file beside a manifest."""

import json
from pathlib import Path

from fusionmedclip.data.acquisition.acquire import acquire
from fusionmedclip.data.acquisition.settings import AcquireSettings
from fusionmedclip.data.curation.datasheet import datasheet
from fusionmedclip.data.sources.manifest import build_manifest


def test_licence_and_counts_without_a_path(source: dict, folder: Path) -> None:
    settings = AcquireSettings(
        publisher="A. Nyone", homepage="https://example.org", licence="CC0", citation="X 2020"
    )
    found = acquire(settings, folder, dataset="toy")
    manifest = build_manifest(source, dataset="toy")
    manifest.loc[0, "mask"] = ""
    sheet = datasheet(manifest, dataset="toy", source=source, acquire=settings, acquired=found)
    assert sheet["classes"] == {"abnormal": {"label": 1, "images": 4}, "normal": {"label": 0, "images": 6}}
    assert (sheet["images"], sheet["masks_known"]) == (10, 9)
    assert (sheet["licence"], sheet["citation"], sheet["same_as_public"]) == ("CC0", "X 2020", None)
    assert str(folder) not in json.dumps(sheet)
    assert datasheet(manifest, dataset="toy", source=source)["licence"] == ""
