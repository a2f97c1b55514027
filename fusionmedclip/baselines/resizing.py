"""Between the pipeline's working size and a method's own."""

import numpy as np
import torch
from torch.nn import functional as F

from fusionmedclip.data.reading.resize import resize_image

__all__ = ["resize_images", "resize_maps"]


def resize_images(images: np.ndarray, size: int | None) -> np.ndarray:
    """Images (N, H, W) in [0, 1] at (N, size, size); as they are where the size is None or fits."""
    if size is None or images.shape[1:] == (size, size):
        return images
    return np.stack([resize_image(image, size) for image in images])


def resize_maps(maps: torch.Tensor | np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maps (N, h, w) at (N, H, W) float32, bilinearly."""
    tensor = torch.as_tensor(maps, dtype=torch.float32)
    if tuple(tensor.shape[1:]) == tuple(size):
        return tensor.cpu().numpy()
    return (
        F.interpolate(tensor.unsqueeze(1), size=tuple(size), mode="bilinear", align_corners=False)
        .squeeze(1)
        .cpu()
        .numpy()
    )
