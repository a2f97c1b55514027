"""Numeric ranges of each kind of anomaly: every number that a draw uses has a name here.

Lengths in pixels hold at a side of 224 and are scaled with the image (sqrt(H W) / 224); fractions are of
the image's own height and width. "Parent" values are those of MediCLIP (MICCAI 2024) and of its source,
Many Tasks Make Light Work (MICCAI 2023), the thesis's reference [36].
"""

from dataclasses import dataclass

from fusionmedclip.synthesis.checks import Checked, choice, fixed_number, numbers, probability, span, whole

__all__ = [
    "CutPasteSettings",
    "DensitySettings",
    "GaussianSettings",
    "GuidedSettings",
    "PerlinSettings",
    "PoissonSettings",
    "RadialSettings",
    "ShapeSettings",
]


@dataclass(frozen=True)
class PerlinSettings(Checked):
    """Perlin mask (thesis section 4.2; parent values): single-cell noise, rotated, thresholded.

    Attributes
    ----------
    rotation : (2,) degrees
        Range of the rotation of the noise about its box's centre.
    threshold : float
        Noise above this, of a theoretical range [-1, 1], belongs to the mask.
    min_fill : float
        Smallest share of the box that the mask must cover; the noise is redrawn otherwise.
    redraws : int
        Draws until the fullest so far is taken, so that no setting loops for ever.
    """

    where = "synthesis.perlin"
    rotation: tuple[float, float] = span((-90.0, 90.0), low=-180, high=180)
    threshold: float = fixed_number(0.3, low=-1, high=1)
    min_fill: float = fixed_number(0.2, low=0, high=0.9)
    redraws: int = whole(64, low=1, high=10_000)


@dataclass(frozen=True)
class ShapeSettings(Checked):
    """Ellipse or rectangle (thesis section 4.2; parent values), sheared and rotated.

    Attributes
    ----------
    ellipse_probability : float
        Odds of an ellipse against a rectangle.
    side_base, side_gamma_shape, side_gamma_scale : float
        Full side, as a fraction of the image's, is ``base + Gamma(shape, scale)``.
    side : (2,) fractions
        The side is clipped to this range.
    shear_std : float
        Standard deviation of the shear.
    rotation : (2,) degrees
        Range of the rotation.
    """

    where = "synthesis.shape"
    ellipse_probability: float = probability(0.5)
    side_base: float = fixed_number(0.03, low=0, high=1)
    side_gamma_shape: float = fixed_number(2.0, low=0.1, high=20)
    side_gamma_scale: float = fixed_number(0.1, low=0.001, high=1)
    side: tuple[float, float] = span((0.2, 0.6), low=0.02, high=1)
    shear_std: float = fixed_number(0.2, low=0, high=1)
    rotation: tuple[float, float] = span((-90.0, 90.0), low=-180, high=180)


@dataclass(frozen=True)
class CutPasteSettings(Checked):
    """CutPaste, and the patch that Poisson blending takes its gradients from (parent values).

    Attributes
    ----------
    side : (2,) fractions
        Height and width of the box that the Perlin mask is drawn in, each drawn on its own.
    rotation : (2,) degrees
        Rotation of the source patch.
    resize_mean : float
        The patch is scaled by s or 1/s with even odds, ``s = 1 + Exp(resize_mean)``.
    """

    where = "synthesis.cutpaste"
    side: tuple[float, float] = span((0.1, 0.6), low=0.02, high=1)
    rotation: tuple[float, float] = span((-45.0, 45.0), low=-180, high=180)
    resize_mean: float = fixed_number(0.1, low=0, high=2)


@dataclass(frozen=True)
class PoissonSettings(Checked):
    """Enhanced structural synthesis (thesis Eq. 12): a support patch, blended in the gradient domain.

    Attributes
    ----------
    side, rotation, resize_mean
        As in `CutPasteSettings`.
    mixed_probability : float
        Odds that V takes, between each two neighbours, the stronger of the patch's and the target's
        difference ("mixed gradients", Perez et al. 2003) instead of the patch's alone.
    contrast_limit : float
        Most that the patch's standard deviation may be of the target's; its gradients are weakened to fit.
    depth : float
        Patch and target lie at least this share of the anatomy's largest depth inside it: no skull, no skin.
    """

    where = "synthesis.poisson"
    side: tuple[float, float] = span((0.1, 0.6), low=0.02, high=1)
    rotation: tuple[float, float] = span((-45.0, 45.0), low=-180, high=180)
    resize_mean: float = fixed_number(0.1, low=0, high=2)
    mixed_probability: float = probability(0.5)
    contrast_limit: float = fixed_number(1.5, low=0.1, high=100)
    depth: float = fixed_number(0.15, low=0, high=0.9)


@dataclass(frozen=True)
class GaussianSettings(Checked):
    """Gaussian intensity change (thesis section 3.4, X + gamma * sigma; parent values).

    Attributes
    ----------
    side : (2,) fractions
        Height and width of the box that the Perlin mask is drawn in.
    noise_sigma : pixels at 224
        The blur of the binary noise, one of these.
    intensity : (2,) of the value range
        The factor gamma, with a random sign, on noise scaled to [0, 1].
    edge_sigma : (2,) pixels at 224
        Blur of the mask that the change is multiplied with.
    """

    where = "synthesis.gaussian"
    side: tuple[float, float] = span((0.3, 0.8), low=0.02, high=1)
    noise_sigma: tuple[float, ...] = numbers((4.0, 7.0), low=0.5, high=50)
    intensity: tuple[float, float] = span((0.4, 0.6), low=0.02, high=1)
    edge_sigma: tuple[float, float] = span((1.0, 4.0), low=0.2, high=30)


@dataclass(frozen=True)
class RadialSettings(Checked):
    """Source and sink deformation (parent values).

    Attributes
    ----------
    log2_factor : (2,)
        The exponent f is ``2 ** U(log2_factor)``; 0 would leave the image as it is.
    """

    where = "synthesis.radial"
    log2_factor: tuple[float, float] = span((0.5, 2.0), low=0.05, high=4)


@dataclass(frozen=True)
class DensitySettings(Checked):
    """Enhanced density synthesis (thesis Eq. 13); the thesis gives no values, the profiles choose them.

    Attributes
    ----------
    side : (2,) fractions of the image's side
        Lesion diameter, the geometric mean of its two axes.
    elongation : (2,)
        Width over height before the rotation.
    rotation : (2,) degrees
        Rotation of the lesion.
    outline : str
        ``lobed``: an ellipse with lobes; ``perlin``: a Perlin mask, as section 4.2 has it.
    irregularity : (2,)
        Strength of the lobes; 0 is a plain ellipse.
    edge_sigma : (2,) pixels at 224
        G_sigma, the blur of the mask ("informed by the pathology profile").
    depth : float
        The centre lies at least this share of the anatomy's largest depth inside it.
    margin : pixels at 224
        Thickness of skull or skin that the lesion keeps off; made smaller where it must.
    site : (2,) quantiles
        Local brightness among all sites deep enough: dark ones in a chest radiograph are lung, bright ones
        in an ultrasound image are not shadow.
    bright_probability : float
        Odds of a lesion brighter than its surroundings against a darker one.
    brighter, darker : (2,) shares
        gamma: the level of T'_tex is shifted from the local mean by this share of what is left up to
        white, or down to black.
    beta : (2,)
        Share of T'_tex in the mixture at the lesion's centre; the rest is the tissue that was there.
    tissue_texture : (2,)
        Gain on the fine texture of a support patch, which carries the modality's own grain or speckle.
    unevenness : (2,) of the shift
        Smooth variation inside the lesion, as a share of the shift.
    unevenness_sigma : (2,) pixels at 224
        Size of that variation.
    rim_probability : float
        Odds of a ring-like lesion, whose centre is shifted the other way.
    """

    where = "synthesis.density"
    side: tuple[float, float] = span((0.1, 0.3), low=0.03, high=1)
    elongation: tuple[float, float] = span((0.7, 1.4), low=0.1, high=10)
    rotation: tuple[float, float] = span((-90.0, 90.0), low=-180, high=180)
    outline: str = choice("lobed", ("lobed", "perlin"))
    irregularity: tuple[float, float] = span((0.1, 0.5), low=0, high=2)
    edge_sigma: tuple[float, float] = span((1.0, 3.0), low=0.2, high=30)
    depth: float = fixed_number(0.15, low=0, high=0.9)
    margin: float = fixed_number(0.0, low=0, high=100)
    site: tuple[float, float] = span((0.0, 1.0), low=0, high=1)
    bright_probability: float = probability(0.5)
    brighter: tuple[float, float] = span((0.2, 0.6), low=0, high=1)
    darker: tuple[float, float] = span((0.3, 0.8), low=0, high=1)
    beta: tuple[float, float] = span((0.7, 0.95), low=0.05, high=1)
    tissue_texture: tuple[float, float] = span((0.4, 1.0), low=0, high=5)
    unevenness: tuple[float, float] = span((0.1, 0.5), low=0, high=3)
    unevenness_sigma: tuple[float, float] = span((2.0, 6.0), low=0.5, high=30)
    rim_probability: float = probability(0.0)


@dataclass(frozen=True)
class GuidedSettings(Checked):
    """Guided deformation (thesis section 3.4): a smooth field that stays in the organ and never folds.

    Attributes
    ----------
    side : (2,) fractions of the image's side
        Diameter of the deformed region along each axis.
    strength : (2,)
        Largest spectral norm of the field's gradient. Below 1 the map p -> p + u(p) is one to one
        (positive Jacobian everywhere), whatever else is drawn.
    expansion_probability : float
        Odds of growth (tissue pushed outwards, a mass) against shrinkage (atrophy, scarring).
    push : (2,)
        Weight of the shift along the line between lesion and organ centre (midline shift, mass effect),
        relative to the growth.
    waviness : (2,)
        Weight of a random smooth component, relative to the growth.
    organ_margin : pixels at 224
        Depth from the organ's boundary over which the field fades to nothing.
    depth : float
        The lesion's centre lies at least this share of the organ's largest depth inside the organ.
    """

    where = "synthesis.guided"
    side: tuple[float, float] = span((0.2, 0.5), low=0.05, high=1)
    strength: tuple[float, float] = span((0.5, 0.9), low=0.05, high=0.95)
    expansion_probability: float = probability(0.7)
    push: tuple[float, float] = span((0.0, 0.6), low=0, high=5)
    waviness: tuple[float, float] = span((0.0, 0.5), low=0, high=5)
    organ_margin: float = fixed_number(10.0, low=1, high=100)
    depth: float = fixed_number(0.25, low=0, high=0.9)
