"""scikit-learn's habits for a class that builds its settings from what it was given."""

from collections.abc import Mapping
from typing import Any, Self

from fusionmedclip.errors import InputError

__all__ = ["Parameters"]


class Parameters:
    """``get_params``, ``set_params`` and ``repr``: ``sklearn.base.clone`` makes an unfitted model alike.

    A class calls :meth:`_keep` first thing in its ``__init__``, with all of its keywords.
    """

    _given: dict[str, Any]

    def _keep(self, given: Mapping[str, Any]) -> None:
        self._given = {name: value for name, value in given.items() if name not in ("self", "__class__")}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters as they were given; ``deep`` is scikit-learn's and means nothing here."""
        return dict(self._given)

    def set_params(self, **parameters: Any) -> Self:
        """Replace some of them; the model is unfitted then.

        Raises
        ------
        InputError
            For a name that is none of them.
        """
        unknown = sorted(parameters.keys() - self._given.keys())
        if unknown:
            raise InputError("no such parameter", received=unknown, allowed=", ".join(self._given))
        if parameters:
            type(self).__init__(self, **{**self._given, **parameters})
        return self

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self._given.items() if value is not None)
        return f"{type(self).__name__}({said})"
