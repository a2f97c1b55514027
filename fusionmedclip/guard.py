"""One guard for every reader: whatever a library raises over a file becomes an error that names the file."""

import inspect
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from fusionmedclip.errors import InputError, as_utf8, visible
from fusionmedclip.shortages import lacks_memory, remedy

__all__ = ["guarded", "reading", "reason", "refusal_of"]

P = ParamSpec("P")
R = TypeVar("R")
PathLike = str | os.PathLike

_HINT = "open it with another program; download or export it again, or take it out"
_LONGEST = 300  # characters of a library's own words


@contextmanager
def reading(path: PathLike, what: str, *, hint: str = _HINT, private: bool = False) -> Iterator[None]:
    """Guard a block that reads one file.

    A list of the exceptions that a decoder may raise is never complete: broken bytes reach ``IndexError``,
    ``RecursionError`` and ``MemoryError``, and a panic in Rust arrives as a ``BaseException``. So everything
    is turned, but for what stops a program (``KeyboardInterrupt``, ``SystemExit``).

    Parameters
    ----------
    path : path
        The file, for the message.
    what : str
        What could not be read, such as ``"image"`` or ``"table"``.
    hint : str
        How to mend it, where it is the file that fails and not the machine (:mod:`fusionmedclip.shortages`).
    private : bool
        The library's words may repeat what a header says of a patient: only the kind of exception is told.

    Raises
    ------
    InputError
        ``path: cannot be read as WHAT (the library's reason, in one line)``. One that was raised inside
        passes, and gains the path where it does not name the file.

    Examples
    --------
    >>> with reading("scan.png", "image"):
    ...     {}["IHDR"]
    Traceback (most recent call last):
        ...
    fusionmedclip.errors.InputError: scan.png: cannot be read as image (KeyError: 'IHDR')
      Hint: open it with another program; download or export it again, or take it out
    """
    try:
        yield
    except InputError as error:
        said = _in_one_line(path, str(error))
        if not _named(path, said):
            said = f"{_text(path)}: {said}"
        if said == str(error):
            raise
        raise type(error)(said) from error
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        why = type(error).__name__ if private else reason(error)
        raise InputError(
            f"{_text(path)}: cannot be read as {what} ({why})", hint=remedy(error) or hint
        ) from error


def guarded(what: str, *, hint: str = _HINT) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """:func:`reading` around a whole function, whose first argument is the file.

    Examples
    --------
    >>> @guarded("number")
    ... def read_number(path):
    ...     return float("a")
    >>> read_number("n.txt")
    Traceback (most recent call last):
        ...
    fusionmedclip.errors.InputError: n.txt: cannot be read as number (could not convert string to float: 'a')
      Hint: open it with another program; download or export it again, or take it out
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        first = next(iter(inspect.signature(function).parameters))

        @wraps(function)
        def inner(*args: P.args, **kwargs: P.kwargs) -> R:
            file = cast(PathLike, args[0] if args else kwargs.get(first, ""))
            with reading(file, what, hint=hint):
                return function(*args, **kwargs)

        return inner

    return decorate


def reason(error: BaseException) -> str:
    """What an exception says, in one line; its kind first where the words alone would say too little."""
    if lacks_memory(error):
        return "it asks for more memory than there is"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    said = getattr(error, "strerror", None) or str(error)
    line = " ".join(said.split())
    line = line if len(line) <= _LONGEST else line[:_LONGEST] + " ..."
    plain = isinstance(error, OSError | ValueError) and bool(line)
    return line if plain else f"{type(error).__name__}: {line}".removesuffix(": ")


def refusal_of(error: BaseException) -> InputError:
    """What the machine refused, as the one message that a user sees: which file, why, and what to do.

    Examples
    --------
    >>> print(refusal_of(OSError(28, "No space left on device", "maps/scan.nii.gz")))
    maps/scan.nii.gz: No space left on device
      Hint: make room, and start the same command again
    """
    file = getattr(error, "filename", None)
    return InputError(f"{_text(file)}: {reason(error)}" if file else reason(error), hint=remedy(error))


def _text(path: object) -> str:
    """A path as text in one line; what is none as Python writes it."""
    return visible(as_utf8(_raw(path)))


def _raw(path: object) -> str:
    return str(path) if isinstance(path, str | os.PathLike) else repr(path)


def _in_one_line(path: PathLike, text: str) -> str:
    """A message whose line ends are its own layout's, and none of the file's name."""
    whole = [_raw(path), os.path.normpath(_raw(path)), os.path.basename(_raw(path))]
    for name in (*whole, *(one.partition("#slice=")[0] for one in whole)):
        if name and visible(name) != name:
            told, shown = re.escape(str(InputError(name))), _text(name).replace("\\", r"\\")
            text = re.sub(rf"{told}(?!  (?:received|allowed|Hint): )", shown, text)
    return text


def _named(path: PathLike, text: str) -> bool:
    """Whether a message names the file already; a slice (``scan.nii#slice=3``) counts as its volume.

    A folder's name may be any word of the message, such as a key: it counts at the start or in a path alone.
    """
    name = os.path.basename(_text(path)).partition("#")[0]
    before = r"(?<!\w)" if "." in name else "(?:^|/)"
    return not name or re.search(rf"{before}{re.escape(name)}(?!\w)", text) is not None
