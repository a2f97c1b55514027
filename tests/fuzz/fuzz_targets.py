"""Every public reader that the fuzz test tries."""

import fuzz_images
import fuzz_text
import fuzz_weights
from fuzz_target import Target

__all__ = ["targets"]


def targets() -> list[Target]:
    """All targets, in the order of the table."""
    return [*fuzz_images.TARGETS, *fuzz_text.TARGETS, *fuzz_weights.TARGETS]
