"""What pages are made of: files that come with the package, and data that a page can hold safely."""

import json
from importlib.resources import files

__all__ = ["asset", "script_data"]


def asset(name: str) -> str:
    """Text of one of the files in ``page_assets``."""
    return (files("fusionmedclip.lab") / "page_assets" / name).read_text(encoding="utf-8")


def script_data(value: object) -> str:
    """JSON that no name of a file can break out of a script element with."""
    return json.dumps(value).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
