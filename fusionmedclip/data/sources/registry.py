"""A source is data from the configuration; here it becomes a list of records."""

from collections.abc import Mapping

from fusionmedclip.data.sources.kinds import SOURCE_KINDS, reader
from fusionmedclip.data.sources.options import apply_options
from fusionmedclip.data.sources.records import Listing
from fusionmedclip.data.sources.shared_files import report_shared_files
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading

__all__ = ["list_source"]


def list_source(source: Mapping) -> Listing:
    """List the images of a source; of volumes, headers are read where slices have to be counted.

    Parameters
    ----------
    source : mapping
        ``kind`` and that kind's keys, see :func:`~fusionmedclip.data.sources.folder.list_folder`,
        :func:`~fusionmedclip.data.sources.table.list_csv`,
        :func:`~fusionmedclip.data.sources.chexpert.list_chexpert` and
        :func:`~fusionmedclip.data.sources.bmad.list_bmad`; for all kinds ``read`` (how pixels are
        read, see :class:`~fusionmedclip.data.reading.settings.ReadSettings`), ``slices`` and
        ``group_pattern``, see :func:`~fusionmedclip.data.sources.options.apply_options`.

    Returns
    -------
    Listing
        Records in the order of their file names.

    Raises
    ------
    InputError
        When the source cannot be understood at all: unknown kind or key, missing folder or table.
    """
    kind = source.get("kind")
    if kind not in SOURCE_KINDS:
        raise InputError("unknown kind of source", received=kind, allowed=", ".join(SOURCE_KINDS))
    with reading(source.get("path", ""), "data set"):
        listing: Listing = reader(SOURCE_KINDS[kind])(source)
        report_shared_files(listing)
        apply_options(listing, source)
    listing.records.sort(key=lambda record: record.file)
    if not listing.records and not listing.problems.messages:
        listing.problems.add(
            InputError(f"{listing.root}: no images found", hint="check `path` and the classes")
        )
    return listing
