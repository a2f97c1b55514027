"""Which of several pictures, frames or slices is read where nothing names one."""

__all__ = ["middle_of"]


def middle_of(count: int) -> int:
    """The middle one; the first of two, of which the second is often a copy with marks."""
    return (count - 1) // 2
