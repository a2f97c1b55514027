"""Phrases for the two states, for methods that read text but learn no prompt."""

from fusionmedclip.errors import InputError

__all__ = ["PROMPT_SETS", "phrases"]

_PHOTO = (
    "a photo of a {}.",
    "a photo of the {}.",
    "a cropped photo of a {}.",
    "a cropped photo of the {}.",
    "a close-up photo of a {}.",
    "a close-up photo of the {}.",
    "a bright photo of a {}.",
    "a bright photo of the {}.",
    "a dark photo of a {}.",
    "a dark photo of the {}.",
    "a blurry photo of a {}.",
    "a blurry photo of the {}.",
    "a good photo of a {}.",
    "a good photo of the {}.",
    "a photo of a {} for visual inspection.",
    "a photo of the {} for anomaly detection.",
)

PROMPT_SETS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "plain": (("a photo of {}.",), ("a normal {}",), ("an abnormal {}",)),
    "medical": (
        ("{}.", "a {}.", "this is a {}.", "findings: {}.", "impression: {}."),
        (
            "normal {}",
            "healthy {}",
            "{} without abnormality",
            "{} without any lesion",
            "unremarkable {}",
            "{} within normal limits",
        ),
        (
            "abnormal {}",
            "diseased {}",
            "{} with an abnormality",
            "{} with a lesion",
            "{} with a tumour",
            "{} with pathological findings",
        ),
    ),
    "industrial": (
        _PHOTO,
        (
            "{}",
            "flawless {}",
            "perfect {}",
            "unblemished {}",
            "{} without flaw",
            "{} without defect",
            "{} without damage",
        ),
        ("damaged {}", "{} with flaw", "{} with defect", "{} with damage"),
    ),
}
"""Name -> templates, states of a normal subject, states of an abnormal one.

``industrial`` has the states of WinCLIP's compositional ensemble (Jeong et al., CVPR 2023, appendix);
``plain`` is the one pair that is usually taken for zero-shot CLIP; ``medical`` is this project's.
"""


def phrases(name: str, subject: str) -> tuple[list[str], list[str]]:
    """All phrases for a normal and for an abnormal subject.

    Examples
    --------
    >>> phrases("plain", "chest X-ray")
    (['a photo of a normal chest X-ray.'], ['a photo of an abnormal chest X-ray.'])
    """
    if name not in PROMPT_SETS:
        raise InputError("no such prompt set", received=name, allowed=", ".join(PROMPT_SETS))
    templates, normal, abnormal = PROMPT_SETS[name]
    normal_phrases, abnormal_phrases = (
        [template.format(state.format(subject)) for state in states for template in templates]
        for states in (normal, abnormal)
    )
    return normal_phrases, abnormal_phrases
