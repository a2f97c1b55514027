"""What a verification found, for the report."""

from collections.abc import Mapping
from html import escape
from typing import Any

__all__ = ["verification_line"]

_SHOWN = 10


def verification_line(found: Mapping[str, Any]) -> str:
    """One paragraph of HTML: everything is met again, or which files are not.

    Parameters
    ----------
    found : mapping
        What ``verification.json`` holds.
    """
    met = (
        f"{found['met']} of {found['cells']} cells were met again from the scores of {found['runs']} runs "
        "before this page was written"
    )
    how = "<code>fusionmedclip verify RESULTS</code> does it again"
    if left := found.get("unchecked"):
        how += f"; not checked: {escape('; '.join(left))}"
    if found["holds"]:
        return f"\n<p class='note'>Verified: {met}, and no file was altered, deleted or added; {how}.</p>"
    named = [f"<code>{escape(f['file'])}</code> ({escape(f['what'])})" for f in found["findings"]]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return f"\n<p class='banner'>Not verified: {met}. {', '.join(named[:_SHOWN])}{more}; {how}.</p>"
