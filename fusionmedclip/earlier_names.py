"""Modules by the names they had before folders: code that imports these runs on, with a warning.

For what others may have imported: reading, checking and listing data, making and reading backbones.
Everything else has one name.
"""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["EARLIER", "install"]

_DATA = "fusionmedclip.data"
_MODELS = "fusionmedclip.models"
EARLIER: dict[str, tuple[str, ...]] = {
    f"{_DATA}.acquire": (f"{_DATA}.acquisition.acquire",),
    f"{_DATA}.unpack": (f"{_DATA}.acquisition.unpack",),
    f"{_DATA}.check": (f"{_DATA}.curation.check",),
    f"{_DATA}.duplicates": (f"{_DATA}.curation.duplicates",),
    f"{_DATA}.image_files": (f"{_DATA}.files.images",),
    f"{_DATA}.kinds": (f"{_DATA}.files.kinds",),
    f"{_DATA}.images": (f"{_DATA}.reading.images",),
    f"{_DATA}.readers": (f"{_DATA}.reading.read", f"{_DATA}.reading.masks"),
    f"{_DATA}.masks": (f"{_DATA}.reading.masks",),
    f"{_DATA}.settings": (f"{_DATA}.reading.settings",),
    f"{_DATA}.volumes": (f"{_DATA}.reading.volumes",),
    f"{_DATA}.recombine": (f"{_DATA}.reading.recombine",),
    f"{_DATA}.captions": (f"{_DATA}.sources.captions",),
    f"{_DATA}.manifest": (f"{_DATA}.sources.manifest",),
    f"{_DATA}.chexpert_source": (f"{_DATA}.sources.chexpert",),
    f"{_DATA}.csv_source": (f"{_DATA}.sources.table",),
    f"{_DATA}.folder_source": (f"{_DATA}.sources.folder",),
    f"{_MODELS}.backbone_store": (f"{_MODELS}.backbones.store",),
    f"{_MODELS}.weight_files": (f"{_MODELS}.backbones.weight_files",),
    f"{_MODELS}.weights": (f"{_MODELS}.backbones.weights",),
}
"""The modules that hold today what one held."""


class _Earlier(MetaPathFinder, Loader):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        return ModuleSpec(name, self) if name in EARLIER else None

    def exec_module(self, module: ModuleType) -> None:
        homes = EARLIER[module.__name__]
        warnings.warn(f"{module.__name__} is now {homes[0]}", DeprecationWarning, stacklevel=2)

        def look(name: str) -> Any:
            for home in homes:
                if hasattr(found := import_module(home), name):
                    return getattr(found, name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}: see {homes[0]}")

        module.__getattr__ = look  # type: ignore[method-assign]  # PEP 562


def install() -> None:
    """Know the earlier names from now on."""
    if not any(isinstance(finder, _Earlier) for finder in sys.meta_path):
        sys.meta_path.append(_Earlier())
