"""TIFF files written byte by byte (TIFF 6.0), with tags that no library lets one set."""

import struct
from pathlib import Path

import numpy as np

SHORT, LONG = 3, 4
SUBFILE_TYPE, PHOTOMETRIC, ORIENTATION, SAMPLE_FORMAT = 254, 262, 274, 339


def write_tiff(path: Path, *pages: tuple[np.ndarray, dict[int, int]], big_endian: bool = False) -> Path:
    """Write uncompressed pages, each an array (H, W) or (H, W, C) and its further SHORT tags."""
    order = ">" if big_endian else "<"
    content = bytearray((b"MM" if big_endian else b"II") + struct.pack(order + "HI", 42, 0))
    link = 4  # where the offset of the next directory stands
    for pixels, extra in pages:
        content += b"\0" * (len(content) % 2)
        strip = len(content)
        content += pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        content += b"\0" * (len(content) % 2)
        channels = pixels.shape[2] if pixels.ndim == 3 else 1
        bits = len(content)
        content += struct.pack(f"{order}{channels}H", *[8 * pixels.dtype.itemsize] * channels)
        tags = {256: (LONG, pixels.shape[1]), 257: (LONG, pixels.shape[0]), 259: (SHORT, 1),
                PHOTOMETRIC: (SHORT, 2 if channels == 3 else 1), 273: (LONG, strip), 277: (SHORT, channels),
                278: (LONG, pixels.shape[0]), 279: (LONG, pixels.nbytes)}  # fmt: skip
        tags |= {tag: (SHORT, value) for tag, value in extra.items()}
        content += b"\0" * (len(content) % 2)
        content[link : link + 4] = struct.pack(order + "I", len(content))
        content += struct.pack(order + "H", len(tags) + 1)
        entries = {tag: struct.pack(order + "HHI", tag, kind, 1)
                   + struct.pack(order + ("H2x" if kind == SHORT else "I"), value)
                   for tag, (kind, value) in tags.items()}  # fmt: skip
        place = struct.pack(order + "I", bits) if channels > 2 else content[bits : bits + 4].ljust(4, b"\0")
        if channels <= 2:
            place = bytes(content[bits : bits + 2 * channels]).ljust(4, b"\0")
        entries[258] = struct.pack(order + "HHI", 258, SHORT, channels) + place
        content += b"".join(entries[tag] for tag in sorted(entries))
        link = len(content)
        content += b"\0" * 4
    path.write_bytes(bytes(content))
    return path
