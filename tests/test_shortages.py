"""What a machine refuses is told apart from what is wrong with an input, whichever library says it."""

import errno
import os

import numpy as np
import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading, refusal_of
from fusionmedclip.shortages import is_shortage, lacks_memory, remedy

HUGE = 1 << 60


def _torch() -> None:
    torch.empty(HUGE, dtype=torch.uint8)


def _numpy() -> None:
    np.empty(HUGE, np.uint8)


def _python() -> None:
    bytearray(1 << 62)


@pytest.mark.parametrize("ask", [_torch, _numpy, _python])
def test_each_librarys_own_word_for_no_memory_is_known(ask) -> None:
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        ask()
    assert lacks_memory(caught.value)
    assert is_shortage(caught.value)
    assert "allow more memory" in str(refusal_of(caught.value))
    assert "more memory than there is" in str(refusal_of(caught.value))


def test_a_thread_that_cannot_start_and_a_library_that_cannot_be_loaded_are_for_want_of_memory() -> None:
    for error in (
        RuntimeError("can't start new thread"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ):
        assert lacks_memory(error)
    for error in (RuntimeError("mat1 and mat2 shapes"), ImportError("No module named 'x'"), ValueError("k")):
        assert not is_shortage(error)
        assert remedy(error) == ""


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (errno.EACCES, "rights"), (errno.EROFS, "only be read"), (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"), (errno.EMFILE, "ulimit -n"), (errno.EIO, "disk"),
        (errno.ENOENT, "moved"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_own_hint_and_names_its_file(number: int, word: str) -> None:
    error = OSError(number, os.strerror(number), "folder/scan.png")
    assert word in remedy(error)
    assert str(refusal_of(error)).startswith(f"folder/scan.png: {os.strerror(number)}\n  Hint: ")
    with pytest.raises(InputError) as caught, reading("folder/scan.png", "image", hint="export it again"):
        raise error
    assert word in str(caught.value)
    assert "export it again" not in str(caught.value)  # the file is whole


def test_a_reader_that_has_seen_enough_is_no_shortage() -> None:
    assert not is_shortage(BrokenPipeError(errno.EPIPE, "Broken pipe"))
