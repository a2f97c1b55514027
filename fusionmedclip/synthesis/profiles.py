"""Modality profiles: what a lesion looks like, and how an organ gives way, in each kind of image.

The thesis speaks of pathology profiles (Eq. 13) and organ profiles (guided deformation) and gives no
numbers; these are this project's choice, named so that a configuration can replace any of them.
"""

from dataclasses import dataclass

from fusionmedclip.synthesis.ranges import DensitySettings, GuidedSettings

__all__ = ["PROFILES", "Profile"]


@dataclass(frozen=True)
class Profile:
    """Density and deformation settings that suit one modality.

    Attributes
    ----------
    density : DensitySettings
    guided : GuidedSettings
    """

    density: DensitySettings
    guided: GuidedSettings


PROFILES: dict[str, Profile] = {
    "generic": Profile(density=DensitySettings(), guided=GuidedSettings()),
    # Tumours: bright (T2, FLAIR, contrast-enhanced T1) more often than dark, some ring-like; the skull is
    # rigid, so that the field dies out well inside the head and pushes towards the midline.
    "brain_mri": Profile(
        density=DensitySettings(
            side=(0.08, 0.3),
            irregularity=(0.2, 0.7),
            edge_sigma=(1.2, 3.5),
            bright_probability=0.75,
            contrast=(0.15, 0.4),
            rim_probability=0.3,
        ),
        guided=GuidedSettings(side=(0.2, 0.45), push=(0.1, 0.8), organ_margin=18.0, depth=0.3),
    ),
    # Masses: hypoechoic, wider than tall, edges from sharp (cyst, fibroadenoma) to spiculated.
    "breast_ultrasound": Profile(
        density=DensitySettings(
            side=(0.1, 0.4),
            irregularity=(0.1, 0.9),
            edge_sigma=(0.8, 3.0),
            bright_probability=0.1,
            contrast=(0.12, 0.35),
            tissue_texture=(0.4, 1.0),
        ),
        guided=GuidedSettings(side=(0.25, 0.5), push=(0.0, 0.4), organ_margin=6.0, depth=0.1),
    ),
    # Opacities: soft-edged, bright, ribs and vessels shine through (low beta).
    "chest_xray": Profile(
        density=DensitySettings(
            side=(0.1, 0.4),
            irregularity=(0.2, 0.8),
            edge_sigma=(3.0, 9.0),
            bright_probability=0.9,
            contrast=(0.12, 0.35),
            beta=(0.35, 0.75),
            tissue_texture=(0.3, 0.8),
            grain=(0.0, 0.04),
            grain_sigma=(4.0, 9.0),
        ),
        guided=GuidedSettings(side=(0.25, 0.5), push=(0.0, 0.5), organ_margin=12.0, depth=0.2),
    ),
}
