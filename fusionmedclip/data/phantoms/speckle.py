"""Speckle of a pulse-echo picture: many scatterers in each resolution cell, added with random phase."""

import cv2
import numpy as np

__all__ = ["speckle"]


def speckle(rng: np.random.Generator, echo: np.ndarray, *, looks: int, spread: float) -> np.ndarray:
    """Envelope of a fully developed speckle pattern, in decibels.

    A complex Gaussian field of scatterers is blurred by a point spread function whose lateral width doubles
    from top to bottom; its envelope is Rayleigh distributed (Wagner et al., 1983). Several looks are averaged
    in power, as in spatial compounding.

    Parameters
    ----------
    rng : numpy.random.Generator
    echo : (H, W) float32
        Echo strength in dB.
    looks : int
        Independent patterns to average.
    spread : float
        Scale of the point spread function; 1 is typical.

    Returns
    -------
    (H, W) float32
        In dB; a flat echo of 0 gives a mean power of about 2 per look average.
    """
    size = echo.shape[0]
    amplitude = np.exp(echo * np.float32(np.log(10) / 20))
    # Shares of the picture's height; below 0.45 pixels a Gaussian no longer blurs.
    axial, near, far = (max(share * spread * size, 0.45) for share in (0.0026, 0.0045, 0.009))
    below = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    near_part, far_part = np.float32(np.sqrt(near)) * (1 - below), np.float32(np.sqrt(far)) * below
    power = np.zeros_like(echo)
    for _ in range(looks):
        for part in rng.standard_normal((2, size, size), dtype=np.float32):
            field = part * amplitude
            sharp, broad = (
                cv2.GaussianBlur(field, (0, 0), sigmaX=lateral, sigmaY=axial) for lateral in (near, far)
            )
            blurred = sharp * near_part + broad * far_part
            power += blurred * blurred
    # White noise blurred with sigmas a and b keeps 1 / (4 pi a b) of its power.
    power *= np.float32(4 * np.pi * axial / looks)
    return np.float32(10 / np.log(10)) * np.log(power + np.float32(1e-9))
