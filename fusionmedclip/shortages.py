"""What the machine refused, in place of what was wrong with an input: memory, room on a disk, rights."""

import errno

__all__ = ["is_shortage", "lacks_memory", "remedy"]


_NO_MEMORY = (
    "can't allocate memory", "Cannot allocate memory", "not enough memory", "out of memory", "Out of memory",
    "failed to map segment", "can't start new thread", "Unable to allocate", "bad_alloc",
)  # fmt: skip
"""How PyTorch, the loader of libraries, CPython, NumPy and C++ say it, by exceptions of their own."""

_MORE_MEMORY = (
    "end other programs, or allow more memory (ulimit -v, the container's limit, the job's mem_mb); "
    "a smaller --batch-size and fewer --workers need less"
)
_REMEDIES = {
    errno.ENOENT: "look whether it, or a folder above it, was moved, renamed or removed",
    errno.EACCES: "its rights (ls -l) keep you out, or those of a folder above: ask its owner, or use a copy",
    errno.EPERM: "its rights (ls -l) keep you out, or those of a folder above: ask its owner, or use a copy",
    errno.EROFS: "that disk can only be read: give a place on another",
    errno.ENOSPC: "make room, and start the same command again",
    errno.EDQUOT: "your share of that disk is used up: make room, and start the same command again",
    errno.EMFILE: "more files at a time have to be allowed (ulimit -n)",
    errno.ENFILE: "this machine has too many open files: end other programs",
    errno.ENOMEM: _MORE_MEMORY,
    errno.EIO: "the disk or its network fails: look after it, then start the same command again",
    errno.ESTALE: "the network drive has been mounted anew: start the same command again",
}


def remedy(error: BaseException) -> str:
    """What to do about a refusal of the machine; empty where an error is none.

    Examples
    --------
    >>> remedy(OSError(errno.ENOSPC, "No space left on device"))
    'make room, and start the same command again'
    >>> remedy(ValueError("k"))
    ''
    """
    if lacks_memory(error):
        return _MORE_MEMORY
    return _REMEDIES.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def is_shortage(error: BaseException) -> bool:
    """Whether an error tells of the machine, so that nobody is helped by the lines of code it passed.

    A pipe whose reader has ended is none: ``fusionmedclip trace ... | head`` may have seen enough.
    """
    return (isinstance(error, OSError) and not isinstance(error, BrokenPipeError)) or lacks_memory(error)


def lacks_memory(error: BaseException) -> bool:
    """Whether an error is for want of memory, whichever library says so."""
    if isinstance(error, MemoryError):
        return True
    kinds = OSError | RuntimeError | ImportError
    return isinstance(error, kinds) and any(words in str(error) for words in _NO_MEMORY)
