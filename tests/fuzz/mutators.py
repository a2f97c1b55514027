"""Ways in which the bytes of a file go wrong: cut, flipped, swapped, repeated, with sizes that lie."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["MUTATORS", "mutate"]

GZIP, ZIP, PNG = b"\x1f\x8b", b"PK", b"\x89P"
Mutator = Callable[[bytearray, np.random.Generator], bytearray]

# Sizes, counts and offsets that a header may claim; each is written in 1 to 8 bytes, in either order.
_CLAIMS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**64 - 1)


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """A position; every second one in the first 400 bytes, where headers are and a byte can do harm."""
    end = len(data) if rng.random() < 0.5 else min(len(data), 400)
    return int(rng.integers(0, max(end, 1)))


def _length(data: bytearray, rng: np.random.Generator) -> int:
    return int(2 ** rng.uniform(0, np.log2(len(data) / 2 + 2)))


def truncate(data: bytearray, rng: np.random.Generator) -> bytearray:
    return data[: int(rng.integers(0, len(data) + 1))]


def flip_bits(data: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(int(rng.integers(1, 9))):
        data[_place(data, rng)] ^= 1 << int(rng.integers(8))
    return data


def set_bytes(data: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(int(rng.integers(1, 9))):
        data[_place(data, rng)] = int(rng.integers(256))
    return data


def swap_bytes(data: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(int(rng.integers(1, 5))):
        a, b = _place(data, rng), _place(data, rng)
        data[a], data[b] = data[b], data[a]
    return data


def inflate_size(data: bytearray, rng: np.random.Generator) -> bytearray:
    width = int(2 ** rng.integers(0, 4))
    claim = int(_CLAIMS[rng.integers(len(_CLAIMS))]) % 2 ** (8 * width)
    start = _place(data, rng)
    data[start : start + width] = claim.to_bytes(width, ("little", "big")[rng.integers(2)])
    return data


def inflate_number(data: bytearray, rng: np.random.Generator) -> bytearray:
    """The same for formats of text: some digits become another number."""
    digits = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
    if not digits:
        return inflate_size(data, rng)
    start = digits[int(rng.integers(len(digits)))]
    end = start
    while end < len(data) and 48 <= data[end] <= 57:
        end += 1
    words = (b"-1", b"0", b"99999999999", b"1e400", b"nan", b"0x10", b"4294967296", b"1" * 5000)
    data[start:end] = words[int(rng.integers(len(words)))]
    return data


def duplicate_chunk(data: bytearray, rng: np.random.Generator) -> bytearray:
    start, size, target = _place(data, rng), _length(data, rng), _place(data, rng)
    data[target:target] = data[start : start + size]
    return data


def remove_chunk(data: bytearray, rng: np.random.Generator) -> bytearray:
    start = _place(data, rng)
    del data[start : start + _length(data, rng)]
    return data


def zero_block(data: bytearray, rng: np.random.Generator) -> bytearray:
    start = _place(data, rng)
    end = min(len(data), start + _length(data, rng))
    data[start:end] = bytes(end - start)
    return data


def splice(data: bytearray, rng: np.random.Generator) -> bytearray:
    """One part of the file lands over another."""
    start, size, target = _place(data, rng), _length(data, rng), _place(data, rng)
    data[target : target + size] = data[start : start + size]
    return data


MUTATORS: tuple[Mutator, ...] = (
    truncate, flip_bits, set_bytes, swap_bytes, inflate_size, inflate_number, duplicate_chunk, remove_chunk,
    zero_block, splice,
)  # fmt: skip


def mutate(data: bytes, rng: np.random.Generator, *, tokens: Sequence[bytes] = ()) -> bytes:
    """Damage a file, mostly once, at most three times; every third time inside its compression, if any.

    Parameters
    ----------
    data : bytes
        A whole file.
    rng : Generator
    tokens : sequence of bytes
        Pieces that mean something in this format; they are put in every fourth time.
    """
    result = bytearray(data)
    if rng.random() < 1 / 3 and data[:2] in (GZIP, ZIP, PNG):
        result = _inside(result, rng)
        if result != data:
            return bytes(result)
    for _ in range(int((1, 1, 1, 2, 3)[rng.integers(5)])):
        if not result:
            break
        if tokens and rng.random() < 0.25:
            place = _place(result, rng)
            result[place:place] = tokens[int(rng.integers(len(tokens)))]
        else:
            result = MUTATORS[int(rng.integers(len(MUTATORS)))](result, rng)
    return bytes(result)


def _inside(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Damage what is compressed and pack it again, so that checksums hold and decoders go further."""
    mutator = MUTATORS[int(rng.integers(len(MUTATORS)))]
    try:
        if data[:2] == GZIP:
            return bytearray(gzip.compress(mutator(bytearray(gzip.decompress(data)), rng), mtime=0))
        return (_rechunked if data[:2] == PNG else _repacked)(data, mutator, rng)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        return data


def _repacked(data: bytearray, mutator: Mutator, rng: np.random.Generator) -> bytearray:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(packed, "w") as target:
        names = source.namelist()
        chosen = int(rng.integers(len(names)))
        for index, name in enumerate(names):
            content = bytearray(source.read(name))
            if index == chosen and content:
                content = mutator(content, rng)
            target.writestr(zipfile.ZipInfo(name), bytes(content))
    return bytearray(packed.getvalue())


def _rechunked(data: bytearray, mutator: Mutator, rng: np.random.Generator) -> bytearray:
    """A PNG with one chunk damaged, its rows inside their compression, and every checksum made anew."""
    chunks, place = [], 8
    while place + 12 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        chunks.append((bytes(data[place + 4 : place + 8]), bytearray(data[place + 8 : place + 8 + size])))
        place += 12 + size
    chosen = int(rng.integers(len(chunks)))
    kind, content = chunks[chosen]
    if kind == b"IDAT":
        content = bytearray(zlib.compress(mutator(bytearray(zlib.decompress(content)), rng)))
    elif content:
        content = mutator(content, rng)
    chunks[chosen] = kind, content
    result = data[:8]
    for kind, content in chunks:
        checksum = zlib.crc32(kind + content).to_bytes(4, "big")
        result += len(content).to_bytes(4, "big") + kind + content + checksum
    return result
