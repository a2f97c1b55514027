"""UMLS knowledge of the concepts Normal and Abnormal (thesis Table A3), as data."""

import json
from dataclasses import dataclass
from importlib.resources import files

__all__ = ["Concept", "read_concepts"]


@dataclass(frozen=True, kw_only=True)
class Concept:
    """One concept of Table A3.

    Attributes
    ----------
    name : str
        ``"normal"`` or ``"abnormal"``.
    cui_printed, cui : str
        Identifier as the thesis prints it, and the one that names this concept in the UMLS.
    synonyms, definitions : tuple of str
        As printed.
    """

    name: str
    cui_printed: str
    cui: str
    synonyms: tuple[str, ...]
    definitions: tuple[str, ...]

    @property
    def texts(self) -> list[str]:
        """Synonyms, then definitions."""
        return [*self.synonyms, *self.definitions]


def read_concepts() -> tuple[Concept, Concept]:
    """The concepts Normal and Abnormal, in this order."""
    table = json.loads((files("fusionmedclip.models.prompts") / "data" / "umls.json").read_text())
    normal, abnormal = (
        Concept(
            name=name,
            cui_printed=entry["cui_printed"],
            cui=entry["cui"],
            synonyms=tuple(entry["synonyms"]),
            definitions=tuple(entry["definitions"]),
        )
        for name, entry in table["concepts"].items()
    )
    return normal, abnormal
