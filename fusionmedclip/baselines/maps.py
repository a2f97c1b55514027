"""From scores on a grid of patches to a map of pixels."""

import numpy as np
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional as F

__all__ = ["pixel_maps"]


def pixel_maps(patches: Tensor, size: tuple[int, int], *, sigma: float = 4.0) -> np.ndarray:
    """Upsample bilinearly, then smooth, as PatchCore and its successors do.

    Parameters
    ----------
    patches : (B, h, w) tensor
    size : (int, int)
        Height and width of the maps, pixels.
    sigma : float
        Of the Gaussian, pixels; 0 for none. Borders are mirrored, and it is cut at 4 sigma (scipy's way).

    Returns
    -------
    (B, H, W) float32 array
    """
    upsampled = F.interpolate(patches.unsqueeze(1), size=size, mode="bilinear", align_corners=False)
    maps = upsampled.squeeze(1).float().cpu().numpy()
    return gaussian_filter(maps, sigma=sigma, axes=(1, 2)) if sigma else maps
