"""Errors that say what is wrong, what was received, what is allowed, and how to mend it."""

__all__ = ["InputError", "PassingError", "as_utf8", "visible"]

_CONTROL = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160))}
_LAID_OUT = {code: text for code, text in _CONTROL.items() if chr(code) not in "\n\t"}


def as_utf8(text: str) -> str:
    """Text that any file and terminal takes: names of other encodings reach Python as lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def visible(text: str) -> str:
    r"""Text in one line that moves no cursor and colours nothing: control characters as Python writes them.

    Examples
    --------
    >>> print(visible("a\nb\x1b[31m.png"))
    a\nb\x1b[31m.png
    """
    return text.translate(_CONTROL)


class InputError(ValueError):
    """A value, file or folder that cannot be used.

    Parameters
    ----------
    what : str
        What is wrong, naming the key, file or argument.
    received : object, optional
        The value that was received; shown with ``repr``.
    allowed : str, optional
        What would have been accepted.
    hint : str, optional
        How to mend it.

    Examples
    --------
    >>> print(InputError("k is larger than the pool", received=40, allowed="1 to 33", hint="lower `shots`"))
    k is larger than the pool
      received: 40
      allowed:  1 to 33
      Hint: lower `shots`
    """

    def __init__(self, what: str, *, received: object = None, allowed: str = "", hint: str = ""):
        lines = [what]
        if received is not None:
            lines.append(f"  received: {_shown(received)}")
        if allowed:
            lines.append(f"  allowed:  {allowed}")
        if hint:
            lines.append(f"  Hint: {hint}")
        text = "\n".join(lines)
        super().__init__(as_utf8(text).translate(_LAID_OUT))  # a name may hold what steers a terminal


def _shown(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"


class PassingError(InputError):
    """What may pass by itself: a node without its driver, a network, a process that was killed.

    A job that ends so is tried again where the profile says so; one that ends with another
    :class:`InputError` would end so again, and is not.
    """
