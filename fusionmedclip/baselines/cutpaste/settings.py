"""Settings of CutPaste."""

from dataclasses import dataclass

from fusionmedclip.baselines.ranges import at_least, below_one, makes_anomalies, positive
from fusionmedclip.errors import InputError
from fusionmedclip.synthesis.settings import SynthesisSettings

__all__ = ["CutPasteSettings"]


@dataclass(frozen=True, kw_only=True)
class CutPasteSettings:
    """The 3-way variant of the paper (Li et al., CVPR 2021), written from the paper alone.

    Attributes
    ----------
    image_size : int or None
        Side at which images are seen, pixels; None keeps the working size.
    layer : int, str or None
        Backbone layer whose mean over positions is the feature; None is the last (ResNet-18's 512-d).
    area : (float, float)
        Of the pasted patch, as a share of the image.
    aspect : (float, float)
        Height over width of the pasted patch is drawn from the first to 1 or from 1 to the second, with equal
        odds.
    scar_width, scar_height : (float, float)
        Sides of the scar, pixels of a 256-pixel image.
    scar_angle : float
        Largest rotation of the scar either way, degrees.
    jitter : float
        Brightness and contrast of patches and images change by up to this share.
    translation : float
        Images are moved by up to this share of their side; the paper gives no number.
    head : tuple of int
        Widths of the layers between feature and classifier; the paper gives no numbers.
    steps : int
        Optimisation steps.
    train_batch : int
        Support images a step; each is seen as it is, with a patch, and with a scar.
    learning_rate, momentum, weight_decay : float
        SGD with a cosine decay to zero.
    synthesis : SynthesisSettings or None
        The thesis's anomalies in place of patch and scar (section 4.3; not the paper): a class for each
        family of them beside the normal one.
    density_views : int
        Augmented views of each support image that the Gaussian density is fitted to; 1 is the image itself.
    batch_size : int
        Images scored together.
    """

    image_size: int | None = 256
    layer: int | str | None = None
    area: tuple[float, float] = (0.02, 0.15)
    aspect: tuple[float, float] = (0.3, 3.3)
    scar_width: tuple[float, float] = (2, 16)
    scar_height: tuple[float, float] = (10, 25)
    scar_angle: float = 45
    jitter: float = 0.1
    translation: float = 0.05
    head: tuple[int, ...] = (512, 128)
    steps: int = 256
    train_batch: int = 32
    learning_rate: float = 0.03
    momentum: float = 0.9
    weight_decay: float = 3e-5
    synthesis: SynthesisSettings | None = None
    density_views: int = 1
    batch_size: int = 16

    @property
    def inert(self) -> tuple[str, ...]:
        """What computes nothing; see :func:`fusionmedclip.settings.effective`."""
        own = ("area", "aspect", "scar_width", "scar_height", "scar_angle")
        return () if self.synthesis is None else own

    def __post_init__(self):
        makes_anomalies(self.synthesis)
        for name in ("area", "scar_width", "scar_height"):
            low, high = getattr(self, name)
            if not 0 < low <= high or (name == "area" and high > 1):
                raise InputError(f"setting `{name}`", received=(low, high), allowed="0 < lower <= upper")
        flat, tall = self.aspect
        if not 0 < flat <= 1 <= tall:
            raise InputError("setting `aspect`", received=(flat, tall), allowed="0 < lower <= 1 <= upper")
        at_least(1, density_views=self.density_views)
        at_least(0, steps=self.steps, jitter=self.jitter, translation=self.translation)
        at_least(0, weight_decay=self.weight_decay, scar_angle=self.scar_angle)
        below_one(momentum=self.momentum)
        positive(
            image_size=1 if self.image_size is None else self.image_size,
            train_batch=self.train_batch,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
        )
