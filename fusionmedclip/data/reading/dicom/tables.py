"""Lookup tables of DICOM: modality, VOI and palette (PS3.3 C.11.1.1, C.11.2.1.1 and C.7.6.3.1.5)."""

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut

from fusionmedclip.errors import InputError

__all__ = ["Table", "apply_palette", "item_table"]

_COLOURS = ("Red", "Green", "Blue")


@dataclass(frozen=True)
class Table:
    """A lookup table.

    Attributes
    ----------
    entries : (N,) array
        What the stored values map to.
    first : int
        The input that maps to the first entry; those below do as well, those beyond the last to the last.
    bits : int
        Of an entry, as the descriptor says.
    """

    entries: np.ndarray
    first: int
    bits: int

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Map values, ends held.

        Not by pydicom, which keeps the index in the type of the output: a table of more than 256 entries of 8
        bits wraps around.
        """
        index = np.rint(values).astype(np.int64) - self.first
        return self.entries[np.clip(index, 0, len(self.entries) - 1)]

    def shown_range(self) -> tuple[int, int]:
        """Range of a table whose entries are shown, held against what they are.

        Raises
        ------
        InputError
            When entries need more bits than the descriptor says, or leave half of its range unused: a
            picture of a sixteenth of the brightness.
        """
        full, highest = 2**self.bits - 1, int(self.entries.max())
        if full // 2 < highest <= full:
            return 0, full
        raise InputError(
            "a lookup table whose entries are of other bits than it says",
            received=f"{self.bits} bits, entries up to {highest}",
            hint="export it again, or correct it with a DICOM editor; a data set's entry in the "
            "configuration may set `read: {value_range: [low, high]}` to read the pixels without it",
        )


def item_table(item: Dataset, view: Dataset, inputs: tuple[float, float]) -> Table:
    """The table of one item of a ``ModalityLUTSequence`` or ``VOILUTSequence``.

    Parameters
    ----------
    item, view : Dataset
        The item, and the frame it belongs to.
    inputs : (float, float)
        Lowest and highest value that may be looked up.
    """
    return _table(item.LUTDescriptor, item.LUTData, view, inputs)


def apply_palette(stored: np.ndarray, view: Dataset) -> tuple[np.ndarray, int]:
    """Look up the colours of a palette: (H, W, 3) array, and the value of full brightness.

    Raises
    ------
    InputError
        When the tables are cut off, or their entries are of other bits than the descriptors say.
    """
    if "RedPaletteColorLookupTableData" not in view:  # segmented ones are unfolded by pydicom
        count, _, bits = (int(number) for number in view.RedPaletteColorLookupTableDescriptor)
        if bits <= 8 and not 0 < count <= 256:
            raise InputError("a segmented palette of 8 bits and more than 256 entries", received=str(count))
        colours = apply_color_lut(stored, view)[..., :3]
        return colours, int(np.iinfo(colours.dtype).max)
    limits = np.iinfo(stored.dtype)
    tables = []
    for colour in _COLOURS:
        name = f"{colour}PaletteColorLookupTable"
        tables.append(_table(view[f"{name}Descriptor"].value, view[f"{name}Data"].value, view, limits))
    brightest = max(tables, key=lambda table: int(table.entries.max()))
    narrow = brightest.bits == 8 or brightest.entries.max() < 2**8  # common: 8-bit entries in 16-bit words
    full = 255 if narrow else brightest.shown_range()[1]
    if narrow and brightest.entries.max() > full:
        brightest.shown_range()
    colours = np.stack([table(stored) for table in tables], axis=-1)
    return colours.astype(np.uint8 if narrow else np.uint16), full


def _table(descriptor: list, data: object, view: Dataset, inputs: np.iinfo | tuple[float, float]) -> Table:
    count, first, bits = (int(number) for number in descriptor)
    count = count % 2**16 or 2**16
    if isinstance(data, bytes):
        order = "<" if view.file_meta.TransferSyntaxUID.is_little_endian else ">"
        packed = bits <= 8 and len(data) < 2 * count
        whole = data if packed else data[: len(data) // 2 * 2]
        entries = np.frombuffer(whole, np.uint8 if packed else f"{order}u2")
    else:
        entries = np.atleast_1d(np.asarray(data)) % 2**16
    if len(entries) < count:
        received = f"{len(entries)} entries, {count} in the descriptor"
        raise InputError("a lookup table is cut off", received=received, hint="export the file again")
    low, high = (inputs.min, inputs.max) if isinstance(inputs, np.iinfo) else inputs
    return Table(entries[:count].astype(np.uint16), _first(first, count, (low, high)), bits)


def _first(stated: int, count: int, inputs: tuple[float, float]) -> int:
    """The first input in the sign of what is looked up: headers give -1024 as 64512, or the reverse."""
    unsigned = stated % 2**16
    signed = unsigned - 2**16 if unsigned >= 2**15 else unsigned
    for first in (signed, unsigned) if inputs[0] < 0 else (unsigned, signed):
        if first <= inputs[1] and first + count > inputs[0]:
            return first
    received = f"first input {stated}, {count} entries; values may be {inputs[0]:g} to {inputs[1]:g}"
    raise InputError("a lookup table for other values than the picture's", received=received)
