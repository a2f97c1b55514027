"""Plain text as LaTeX."""

__all__ = ["escaped", "stacked"]

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "×": r"$\times$",
    "†": r"$\dagger$", "<": r"$<$", ">": r"$>$", "|": r"$|$", "→": r"$\rightarrow$", '"': "''",
}  # fmt: skip


def escaped(text: str) -> str:
    r"""Text that LaTeX prints as it stands.

    >>> escaped("95 % of q_proj")
    '95 \\% of q\\_proj'
    """
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


def stacked(text: str, width: int = 13) -> str:
    """A column's head in as many lines as words need at a width, so that a table fits a page."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) == 1:
        return escaped(text)
    return r"\begin{tabular}[b]{@{}c@{}}" + r"\\".join(map(escaped, lines)) + r"\end{tabular}"
