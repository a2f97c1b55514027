"""Settings of the controls: statistics so simple that a method must beat them."""

from dataclasses import dataclass

from fusionmedclip.baselines.ranges import one_of, positive

__all__ = ["BorderDarknessSettings", "ContrastSettings", "MeanBrightnessSettings"]


@dataclass(frozen=True, kw_only=True)
class MeanBrightnessSettings:
    """Of a single number taken from an image.

    Attributes
    ----------
    reading : str
        ``raw``: the number itself is the score; ``inverted``: its negative; ``deviation``: how far it lies
        from the support set's mean, in the support set's standard deviations. Which of the first two is
        right cannot be known without labels; the third needs none.
    """

    reading: str = "raw"

    def __post_init__(self):
        one_of(("raw", "inverted", "deviation"), reading=self.reading)


@dataclass(frozen=True, kw_only=True)
class ContrastSettings(MeanBrightnessSettings):
    """The same for the standard deviation of the pixels."""


@dataclass(frozen=True, kw_only=True)
class BorderDarknessSettings(MeanBrightnessSettings):
    """The same for the frame around an image.

    Attributes
    ----------
    width : float
        Of the frame, as a share of the image's shorter side.
    """

    width: float = 1 / 16

    def __post_init__(self):
        super().__post_init__()
        positive(width=self.width)
