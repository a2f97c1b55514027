"""Every public reader that the fuzz test tries."""

import fuzz_archives
import fuzz_dicom
import fuzz_images
import fuzz_text
import fuzz_weights
from fuzz_target import Target

__all__ = ["targets"]

MODULES = (fuzz_images, fuzz_dicom, fuzz_archives, fuzz_text, fuzz_weights)


def targets() -> list[Target]:
    """All targets, in the order of the table."""
    return [target for module in MODULES for target in module.TARGETS]
