"""Every public reader that the fuzz test tries."""

from tests.fuzz import archives, dicom, images, text, weights
from tests.fuzz.target import Target

__all__ = ["targets"]

MODULES = (images, dicom, archives, text, weights)


def targets() -> list[Target]:
    """All targets, in the order of the table."""
    return [target for module in MODULES for target in module.TARGETS]
