"""From stored values to [0, 1]."""

import numpy as np

__all__ = ["as_floats", "percentile_range", "scale_by_percentiles", "scale_to_unit"]

_ENOUGH = 2**22
_STEPS = 2**16  # between the lowest and the highest value, as a picture of 16 bits has


def as_floats(values: np.ndarray) -> np.ndarray:
    """Numbers of any type as float32, or as float64 where float32 has too few steps between them."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if values.dtype.itemsize <= 2 or values.dtype == np.float32 or not np.isfinite(values).all():
        return single
    low, high = float(values.min()), float(values.max())
    step = float(np.spacing(np.abs(single).max()))  # NaN behind an overflow
    return single if low == high or step * _STEPS <= high - low else values.astype(np.float64)


def scale_to_unit(values: np.ndarray, value_range: tuple[float, float]) -> np.ndarray:
    """Map ``value_range`` onto [0, 1] linearly, clip, return float32 of the same shape."""
    low, high = float(value_range[0]), float(value_range[1])
    dtype = values.dtype if values.dtype == np.float64 else np.float32
    scaled = values.astype(dtype)  # a copy: what follows works in place
    if low:
        scaled -= low
    scaled /= high - low
    return np.clip(scaled, 0, 1, out=scaled).astype(np.float32, copy=False)


def percentile_range(values: np.ndarray, percentiles: tuple[float, float]) -> tuple[float, float]:
    """Values at two percentiles; widened where they coincide, so that a constant image becomes 0.

    Of more than four million values (a volume) every n-th is taken, n odd so that it walks over all columns.
    """
    step = values.size // _ENOUGH | 1
    values = values.ravel("K")[::step] if values.size > _ENOUGH else values
    low, high = (float(v) for v in np.percentile(values, percentiles))
    if low == high:  # nearly all pixels share one value (a label map, an empty slice): use the extremes
        low, high = float(values.min()), float(values.max())
    return low, high if high > low else low + 1.0


def scale_by_percentiles(values: np.ndarray, percentiles: tuple[float, float]) -> np.ndarray:
    """Map two percentiles of the values themselves onto 0 and 1, clip, return float32."""
    return scale_to_unit(values, percentile_range(values, percentiles))
