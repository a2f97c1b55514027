"""Modality profiles: what a lesion looks like, and how an organ gives way, in each kind of image.

The thesis speaks of pathology profiles (Eq. 13) and organ profiles (guided deformation) and gives no
numbers; these are this project's choice, named so that a configuration can replace any of them.
"""

from dataclasses import dataclass

from fusionmedclip.synthesis.ranges import DensitySettings, GuidedSettings, PoissonSettings

__all__ = ["PROFILES", "Profile"]


@dataclass(frozen=True)
class Profile:
    """Settings of the enhanced tasks that suit one modality.

    Attributes
    ----------
    poisson : PoissonSettings
    density : DensitySettings
    guided : GuidedSettings
    """

    poisson: PoissonSettings
    density: DensitySettings
    guided: GuidedSettings


PROFILES: dict[str, Profile] = {
    "generic": Profile(poisson=PoissonSettings(), density=DensitySettings(), guided=GuidedSettings()),
    # Tumours are brighter than brain on T2, FLAIR and contrast-enhanced T1, less often darker; some are
    # rings around necrosis. The skull is rigid: fields die out inside it, and push towards the midline.
    "brain_mri": Profile(
        poisson=PoissonSettings(side=(0.1, 0.35), contrast_limit=1.2, depth=0.45),
        density=DensitySettings(
            side=(0.1, 0.26),
            irregularity=(0.2, 0.7),
            edge_sigma=(1.0, 2.5),
            depth=0.3,
            margin=14.0,
            bright_probability=0.8,
            brighter=(0.25, 0.7),
            darker=(0.3, 0.7),
            tissue_texture=(0.2, 0.7),
            unevenness=(0.2, 0.8),
            rim_probability=0.25,
        ),
        guided=GuidedSettings(side=(0.2, 0.45), push=(0.1, 0.8), organ_margin=18.0, depth=0.3),
    ),
    # Masses are mostly hypoechoic and wider than tall; edges run from sharp (cyst) to ill-defined.
    "breast_ultrasound": Profile(
        poisson=PoissonSettings(side=(0.1, 0.5), depth=0.1),
        density=DensitySettings(
            side=(0.1, 0.32),
            elongation=(0.9, 2.2),
            rotation=(-20.0, 20.0),
            irregularity=(0.2, 1.0),
            edge_sigma=(0.8, 3.5),
            depth=0.25,
            site=(0.35, 1.0),
            bright_probability=0.1,
            brighter=(0.15, 0.35),
            darker=(0.5, 0.95),
            beta=(0.75, 0.97),
            tissue_texture=(0.3, 0.7),
            unevenness=(0.2, 0.7),
            unevenness_sigma=(2.0, 5.0),
        ),
        guided=GuidedSettings(
            side=(0.25, 0.5), strength=(0.4, 0.7), push=(0.0, 0.4), organ_margin=6.0, depth=0.1
        ),
    ),
    # Opacities lie in the lungs, dark sites deep in the chest: bright, soft-edged, with ribs and vessels
    # showing through (low beta).
    "chest_xray": Profile(
        poisson=PoissonSettings(side=(0.1, 0.4), depth=0.25),
        density=DensitySettings(
            side=(0.14, 0.36),
            irregularity=(0.2, 0.8),
            edge_sigma=(3.0, 8.0),
            depth=0.45,
            site=(0.0, 0.4),
            bright_probability=0.95,
            brighter=(0.3, 0.6),
            darker=(0.2, 0.5),
            beta=(0.45, 0.8),
            tissue_texture=(0.2, 0.6),
            unevenness=(0.2, 0.7),
            unevenness_sigma=(4.0, 9.0),
        ),
        guided=GuidedSettings(
            side=(0.25, 0.5), strength=(0.4, 0.75), push=(0.0, 0.5), organ_margin=12.0, depth=0.2
        ),
    ),
}
