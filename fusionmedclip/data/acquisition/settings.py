"""Where a public data set comes from; parsed with the workflow, so it imports nothing that fetches."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields

from fusionmedclip.errors import InputError

__all__ = ["AcquireSettings", "archive_name", "unpacked_name"]

_ARCHIVES = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tar", ".zip")


def archive_name(url: str) -> str:
    """Under which name a file is fetched."""
    return url.split("?")[0].rsplit("/", 1)[-1] or "archive"


def unpacked_name(name: str) -> str:
    """Folder that an archive is unpacked into; other files keep their names."""
    suffix = next((suffix for suffix in _ARCHIVES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)] or name


@dataclass(frozen=True, kw_only=True)
class AcquireSettings:
    """Where a data set comes from, as data in the configuration.

    Attributes
    ----------
    publisher : str
        Who gives it out.
    homepage : str
        The page to read first.
    licence, citation : str
        As stated by the publisher.
    url : str, optional
        Direct address of an archive; None where a licence or a login stands before it.
    sha256 : str, optional
        Checksum of the archive where one is known. None: recorded at the first download, compared from then
        on.
    strip : str
        Folder of the archive that holds the data.
    urls : tuple of str
        Instead of ``url``: several addresses. Archives are unpacked into folders of their names
        (``train_images.zip`` to ``train_images/``), other files are kept as they are.
    checksums : str, optional
        Name of a list of checksums that this package ships.
    expect : tuple of str
        Paths that must be there, relative to the data set's folder.
    steps : tuple of str
        What to do by hand where there is no ``url``.
    """

    publisher: str
    homepage: str
    licence: str
    citation: str = ""
    url: str | None = None
    sha256: str | None = None
    strip: str = ""
    urls: tuple[str, ...] = ()
    checksums: str | None = None
    expect: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, config: Mapping) -> "AcquireSettings":
        """Build from a mapping of the configuration; unknown and missing keys are an :class:`InputError`."""
        allowed = [field.name for field in fields(cls)]
        for key in config:
            if key not in allowed:
                raise InputError(f"unknown key `acquire.{key}`", received=key, allowed=", ".join(allowed))
        for key in ("publisher", "homepage", "licence"):
            if not config.get(key):
                raise InputError(f"`acquire.{key}` is missing", received=dict(config))
        lists = {key: tuple(config.get(key) or ()) for key in ("urls", "expect", "steps")}
        places = Counter(unpacked_name(archive_name(url)) for url in lists["urls"])
        if twice := [place for place, count in places.items() if count > 1 or place in (".", "..")]:
            what = "two of `acquire.urls` would be put in one place, or one in none"
            raise InputError(what, received=twice, allowed="addresses that end in different names")
        return cls(**{**config, **lists})
