"""Is this the data that everybody else uses? File by file."""

import json
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from fusionmedclip.data.files.folders import data_files
from fusionmedclip.data.parallel import map_files
from fusionmedclip.documents import read_json
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.outputs import own_file
from fusionmedclip.provenance import file_sha256

__all__ = ["Verification", "compare_or_record", "shipped_checksums", "verify_folder"]


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A folder against a list of checksums; every entry is a path below the folder.

    Attributes
    ----------
    same, different, missing, extra : tuple of str
        Files as listed, with other bytes, listed but not there, and there but not listed.
    """

    same: tuple[str, ...]
    different: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether folder and list agree on every file."""
        return not (self.different or self.missing or self.extra)

    def text(self) -> str:
        """One line of counts, and examples of what disagrees."""
        total = len(self.same) + len(self.different) + len(self.missing)
        lines = [f"{len(self.same)} of {total} listed files are identical"]
        for name in ("different", "missing", "extra"):
            files = getattr(self, name)
            if files:
                lines.append(
                    f"  {name}: {len(files)} ({', '.join(files[:3])}{', ...' if len(files) > 3 else ''})"
                )
        return "\n".join(lines)

    def to_dict(self) -> dict:
        """For JSON."""
        return {"identical": self.identical, **{key: list(value) for key, value in asdict(self).items()}}


def shipped_checksums(name: str) -> dict[str, str]:
    """Path to SHA-256 of a public data set, as this package ships it (``brainmri``, ``busi``)."""
    folder = resources.files("fusionmedclip.data.acquisition") / "checksum_lists"
    entry = folder / f"{name}.sha256"
    if not entry.is_file():
        allowed = sorted(item.name.removesuffix(".sha256") for item in folder.iterdir())
        raise InputError("no list of checksums for this data set", received=name, allowed=", ".join(allowed))
    lines = (line.partition("  ") for line in entry.read_text(encoding="utf-8").splitlines())
    return {path: digest for digest, _, path in lines}


def verify_folder(root: Path, checksums: dict[str, str], *, threads: int | None = None) -> Verification:
    """Hash every file of a folder and compare; stray files of systems do not count."""
    if not root.is_dir():
        raise InputError(f"{root}: no such folder")
    present = {path.relative_to(root).as_posix(): path for path in data_files(root)}
    common = sorted(set(checksums) & set(present))
    digests = map_files(file_sha256, [present[name] for name in common], title="Hashing", threads=threads)
    agree = {name: digest == checksums[name] for name, digest in zip(common, digests, strict=True)}
    return Verification(
        same=tuple(name for name in common if agree[name]),
        different=tuple(name for name in common if not agree[name]),
        missing=tuple(sorted(set(checksums) - set(present))),
        extra=tuple(sorted(set(present) - set(checksums))),
    )


def compare_or_record(path: Path, digest: str, *, record: Path) -> bool:
    """Compare a file's digest with the one seen first, or remember it.

    Nobody publishes checksums of these archives, so the first download is the reference for all later ones.

    Returns
    -------
    bool
        True where it was known already.

    Raises
    ------
    InputError
        When the file differs from the first one.
    """
    known = {}
    if record.is_file():
        with reading(record, "record of checksums", hint="restore or delete it"):
            known = dict(read_json(record))
    if path.name in known:
        if known[path.name] != digest:
            raise InputError(
                f"{path}: not the file that was downloaded first",
                received=digest,
                allowed=known[path.name],
                hint=f"if the publisher has changed it, delete its entry in {record}",
            )
        return True
    with own_file(record) as temporary:  # one for all data sets of a folder
        text = json.dumps({**known, path.name: digest}, indent=1, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8")
    return False
