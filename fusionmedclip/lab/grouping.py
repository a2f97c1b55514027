"""Which files are one input: slices of a series together, all else by itself."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from fusionmedclip.data.files.kinds import kind_of
from fusionmedclip.data.parallel import map_files
from fusionmedclip.data.reading.dicom.consistency import frame_count
from fusionmedclip.data.reading.dicom.header import read_header
from fusionmedclip.data.reading.dicom.slice_place import series_key, series_without_place
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reason
from fusionmedclip.lab.slices_of_series import Member, alike, volumes_of, without_copies
from fusionmedclip.lab.writers.writer import Skipped

__all__ = ["PICTURE", "SERIES", "VOLUME", "Group", "grouped", "one_line"]

PICTURE, VOLUME, SERIES = "picture", "volume", "series"
_NO_VOLUME = "one of {count} files of a series, several of them at one place: no order of theirs is a volume"
_UNREAD = "files of its folder cannot be read ({count}): are slices of it missing?"
_PLACELESS = "files of its series do not say where in the patient they lie ({count}): each is a picture"
_TURNED = "its series has other slices, of another size or orientation, which are inputs by themselves"


class Group(NamedTuple):
    """Files that are one input, where its name is relative to."""

    place: Path
    base: Path
    kind: str
    files: list[Path]
    notes: tuple[str, ...] = ()


def grouped(files: list[tuple[Path, Path]], skipped: list[Skipped]) -> list[Group]:
    """What belongs together, in the order in which the first files come."""
    unread: Counter[Path] = Counter()
    series: dict[tuple, list[Member]] = defaultdict(list)
    for (file, _), found in zip(files, map_files(_examined, files, title="Looking at files"), strict=True):
        if isinstance(found, Skipped):
            skipped.append(found)
            unread[file.parent] += 1
            continue
        one, of = found
        series[(file.parent, of) if of else (file,)].append(one)
    result: list[Group] = []
    for found_in in series.values():
        parts = alike([one for one in found_in if one.slice])
        placeless = [one for one in found_in if not one.slice]
        lost = (_PLACELESS.format(count=len(placeless)),) if placeless and len(found_in) > 1 else ()
        for members in parts:
            kept, copies = without_copies(members)
            skipped += [
                Skipped(str(copy), f"a copy of {first}, which is taken") for copy, first in copies.items()
            ]
            notes = ((_TURNED,) if len(parts) > 1 else ()) + lost
            result += [one._replace(notes=(*one.notes, *notes)) for one in _as_volumes(kept)]
        result += [Group(one.file, one.base, one.kind, [one.file], lost) for one in placeless]
    result = [_with_unread(group, unread[group.files[0].parent]) for group in result]
    folders = Counter(group.place for group in result if group.kind == SERIES)
    return [  # the folder is named, where it holds one series only
        group._replace(place=group.files[0]) if folders[group.place] > 1 else group for group in result
    ]


def _with_unread(group: Group, count: int) -> Group:
    told = group.kind == SERIES and count
    return group._replace(notes=(*group.notes, _UNREAD.format(count=count))) if told else group


def _as_volumes(members: list[Member]) -> list[Group]:
    """Slices of one series as volumes, or as pictures each; what is no slice stays by itself."""
    stacks = volumes_of(members)
    if stacks:
        first = members[0]
        return [
            Group(first.file.parent, first.base, SERIES, [one.file for one in stack.members], stack.notes)
            for stack in stacks
        ]
    notes = () if len(members) == 1 else (_NO_VOLUME.format(count=len(members)),)
    return [Group(one.file, one.base, one.kind, [one.file], notes) for one in members]


def _examined(item: tuple[Path, Path]) -> tuple[Member, str | None] | Skipped:
    """A file, and of which series it is a slice; or what is wrong with it."""
    path, base = item
    try:
        kind = kind_of(path)
        if kind != "dicom":
            return Member(path, base, VOLUME if kind == "volume" else PICTURE, None), None
        header = read_header(path, pixels=False)
        place = series_key(header)
        kind = VOLUME if frame_count(header) > 1 else PICTURE
        return Member(path, base, kind, place), place.series if place else series_without_place(header)
    except InputError as error:
        return Skipped(str(path), one_line(error, path))
    except OSError as error:
        return Skipped(str(path), reason(error))


def one_line(error: BaseException | str, file: Path) -> str:
    """What an error says of a file, as one line of a table, which names the file beside it."""
    said = str(error).removeprefix(str(InputError(f"{file}: ")))
    return "; ".join(filter(None, (" ".join(line.split()) for line in said.splitlines())))
