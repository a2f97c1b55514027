"""Errors that say what is wrong, what was received, what is allowed, and how to mend it."""

__all__ = ["InputError", "PassingError"]


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
            lines.append(f"  received: {received!r}")
        if allowed:
            lines.append(f"  allowed:  {allowed}")
        if hint:
            lines.append(f"  Hint: {hint}")
        text = "\n".join(lines)
        # names in other encodings reach Python as lone surrogates, which no terminal and no log can print
        super().__init__(text.encode("utf-8", "backslashreplace").decode("utf-8"))


class PassingError(InputError):
    """What may pass by itself: a node without its driver, a network, a process that was killed.

    A job that ends so is tried again where the profile says so; one that ends with another
    :class:`InputError` would end so again, and is not.
    """
