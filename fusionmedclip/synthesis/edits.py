"""What a task works on, and what it hands back: new pixels in a small box."""

from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.masks import Box
from fusionmedclip.synthesis.ranges import DensitySettings, GuidedSettings, PoissonSettings
from fusionmedclip.synthesis.settings import SynthesisSettings

__all__ = ["Edit", "Scene"]


class Edit(NamedTuple):
    """A proposed change of one image.

    Attributes
    ----------
    box : Box
    pixels : (h, w) float32 array
        New values in the box; need not lie in [0, 1].
    region : (h, w) bool array
        Where they may be taken over.
    """

    box: Box
    pixels: np.ndarray
    region: np.ndarray


@dataclass(frozen=True)
class Scene:
    """The image that gets an anomaly, the support set, and where anatomy lies in each.

    Attributes
    ----------
    base : (H, W) float32 array in [0, 1]
        The image as it was; never written to.
    image : (H, W) float32 array in [0, 1]
        The image with the anomalies so far.
    anatomy : Anatomy
        Of ``base``.
    support : (k, H, W) float32 array in [0, 1]
    anatomies : sequence of k Anatomy
    settings : SynthesisSettings
    scale : float
        Pixels of this image per pixel at a side of 224.
    """

    base: np.ndarray
    image: np.ndarray
    anatomy: Anatomy
    support: np.ndarray
    anatomies: list[Anatomy]
    settings: SynthesisSettings
    scale: float

    @property
    def poisson(self) -> PoissonSettings:
        """The settings' own, which are the profile's where none were given; as ``density``, ``guided``."""
        return cast(PoissonSettings, self.settings.poisson)

    @property
    def density(self) -> DensitySettings:
        """See ``poisson``."""
        return cast(DensitySettings, self.settings.density)

    @property
    def guided(self) -> GuidedSettings:
        """See ``poisson``."""
        return cast(GuidedSettings, self.settings.guided)

    @property
    def whole(self) -> bool:
        """Whether all that is drawn lies inside the image."""
        return self.settings.placement == "whole"

    def on_anatomy(self, region: np.ndarray, box: Box) -> np.ndarray:
        """Part of a region that lies on anatomy."""
        return region if self.anatomy.everywhere else region & self.anatomy.foreground[box.window]

    def enough(self, region: np.ndarray, drawn: np.ndarray) -> bool:
        """Whether enough of the region drawn lies on anatomy."""
        return bool(np.count_nonzero(region) >= self.settings.min_on_anatomy * np.count_nonzero(drawn))

    def visible(self, change: np.ndarray, label: np.ndarray) -> bool:
        """Whether enough pixels change, and by enough to be seen."""
        count = np.count_nonzero(label)
        if count < max(4, self.settings.min_changed * self.base.size):
            return False
        return float(change[label].mean()) >= self.settings.min_visible
