"""An interval of an AUROC that has a width where every pair is ranked rightly.

Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2",
Statistics in Medicine 25 (2006) 559-573, method 5: as Wilson's interval of a share it holds all values that a
test at their own variance does not reject. The variance is Hanley and McNeil's (Radiology 143 (1982) 29-36),
with the mean of both class sizes in its bracket.
"""

import math

from scipy.optimize import brentq

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.intervals import Interval, t_reach

__all__ = ["score_interval"]

_INSIDE = 1e-9


def score_interval(auroc: float, *, anomalous: int, normal: int, level: float = 0.95) -> Interval:
    """Interval of an AUROC of which nothing but its value and the class sizes are known.

    Parameters
    ----------
    auroc : float
        0 to 1.
    anomalous, normal : int
        Images of each class.
    level : float

    Raises
    ------
    InputError
        For another AUROC, or no images.

    Examples
    --------
    >>> round(score_interval(1.0, anomalous=12, normal=12).low, 3)
    0.832
    """
    if not (0 <= auroc <= 1 and anomalous > 0 and normal > 0):
        received = f"{auroc}, {anomalous} anomalous, {normal} normal"
        raise InputError("no such AUROC", received=received, allowed="0 to 1, of an image of each class")

    def beyond(value: float) -> float:
        return abs(auroc - value) - t_reach(_error(value, anomalous, normal), level=level)

    # 0 and 1 have no variance, and so are never beyond themselves: the end that is meant lies inside.
    low = brentq(beyond, 0.0, min(auroc, 1 - _INSIDE)) if auroc > 0 else 0.0
    high = brentq(beyond, max(auroc, _INSIDE), 1.0) if auroc < 1 else 1.0
    return Interval(auroc, float(low), float(high))


def _error(auroc: float, anomalous: int, normal: int) -> float:
    others = (anomalous + normal) / 2 - 1
    bracket = 1 + others * (1 - auroc) / (2 - auroc) + others * auroc / (1 + auroc)
    return math.sqrt(auroc * (1 - auroc) * bracket / (anomalous * normal))
