"""Whether a JPEG holds the whole picture: libjpeg fills what is missing with grey, and only warns."""

import re

import numpy as np
import simplejpeg

from fusionmedclip.errors import InputError

__all__ = ["whole_jpeg"]

_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # ITU-T T.81, table B.1: SOF0 to SOF15
_PROGRESSIVE = {0xC2, 0xCA}
_SCAN, _END = 0xDA, 0xD9
_BARE = {0x01, 0xD8}  # markers without a segment
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)  # stuffed bytes and restarts are data

_DAMAGE = re.compile(r"premature end|bad Huffman|bad arithmetic|instead of RST", re.IGNORECASE)
_LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0x(?:d[0-9a]|da|c4)")
_STRAY = 64  # bytes of them behind a scan: cameras pad a little, a hole leaves more
_HOLE = 64  # zero bytes: what is left of a file whose space was reserved but never written
_HINT = "the file is damaged or cut off; download or export it again"


def whole_jpeg(data: bytes) -> bytes:
    """The same JPEG with an end mark, where all of its picture is there.

    The scans are read once more by a decoder that tells libjpeg's warnings, at an eighth of the size; for a
    progressive picture all scans must have come. Only the end mark may be missing, as cameras and transfers
    leave it out.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        When a part of the picture is missing or cannot be decoded. What is no JPEG passes: that is for its
        decoder to say.
    """
    end, components, missing = _walk(data)
    picture = data[:end] + b"\xff\xd9"
    fault = _fault(picture, components)
    if "extraneous" in fault and not _DAMAGE.search(fault):
        tail = len(data[:end]) - len(data[:end].rstrip(b"\0"))
        if tail > _HOLE:  # are they part of the picture? A few stay, for a picture may end in zeros
            emptied = bool(_DAMAGE.search(_fault(data[: end - tail + 8] + b"\xff\xd9", components)))
        else:
            stray = _LEFT_OVER.search(fault)
            emptied = stray is not None and int(stray[1]) > _STRAY
        fault = fault if emptied else ""
    elif not _DAMAGE.search(fault):
        fault = ""
    if fault or missing:
        raise InputError(
            "a part of the JPEG's picture is missing or damaged",
            received=fault or missing,
            hint=_HINT,
        )
    return picture if end == len(data) else data


def _fault(picture: bytes, components: int) -> str:
    """libjpeg's last warning over a picture; empty where it has none."""
    try:
        colours = "CMYK" if components == 4 else "GRAY"
        simplejpeg.decode_jpeg(picture, colorspace=colours, min_height=1, min_width=1)
    except ValueError as error:
        return str(error)
    return ""


def _walk(data: bytes) -> tuple[int, int, str]:
    """Where the first picture ends, how many components it has, and which of its scans are missing."""
    at, progressive = 2, False
    left: dict[int, np.ndarray] = {}  # per component, of each coefficient the bits that are still to come
    while match := _MARKER.search(data, at):
        marker = match[1][0]
        if marker == _END:
            return match.start(), len(left), _missing(left)
        at = match.end()
        if marker in _BARE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        body = data[at + 2 : at + length]
        at += length
        if marker in _FRAMES and len(body) >= 6:
            progressive = marker in _PROGRESSIVE
            left = {body[6 + 3 * n]: np.full(64, 16) for n in range(min(body[5], (len(body) - 6) // 3))}
        elif marker == _SCAN and body and len(body) >= 4 + 2 * body[0]:
            first, last, bits = body[1 + 2 * body[0] :][:3]
            for component in body[1 : 1 + 2 * body[0] : 2]:
                if component in left:
                    part = slice(first, last + 1) if progressive else slice(None)
                    left[component][part] = bits & 15 if progressive else 0
    return len(data), len(left), _missing(left)


def _missing(left: dict[int, np.ndarray]) -> str:
    """In words: a file cut between two scans is a coarser picture, and no decoder warns of it."""
    count = sum(int((bits > 0).any()) for bits in left.values())
    return f"scans of {count} of {len(left)} components did not come" if count else ""
