"""Metrics, exact and streamed where they can be, and the statistics that say how far to trust them.

Scores are higher where more anomalous; metrics are floats in [0, 1]. See ``docs/metrics.md`` for the
definitions. Nothing here imports torch.
"""

from fusionmedclip.metrics.bootstrap import auroc_draws, bootstrap_auroc, bootstrap_auroc_difference
from fusionmedclip.metrics.calibration import (
    Reliability,
    brier_score,
    expected_calibration_error,
    is_probability,
    reliability,
)
from fusionmedclip.metrics.delong import DeLong, delong, delong_interval, delong_test, holm
from fusionmedclip.metrics.image import image_ap, image_auroc
from fusionmedclip.metrics.intervals import Comparison, Interval
from fusionmedclip.metrics.operating import (
    BestF1,
    Rates,
    SupportThreshold,
    best_f1,
    f1_at,
    rates_at,
    sensitivity_at_specificity,
    support_threshold,
)
from fusionmedclip.metrics.over_seeds import (
    RandomSeeds,
    auroc_difference_over_seeds,
    auroc_draws_over_seeds,
    auroc_over_seeds,
    bootstrap_auroc_over_seeds,
    random_seeds,
)
from fusionmedclip.metrics.pixel import PixelCounts
from fusionmedclip.metrics.ranks import (
    Ranking,
    average_ranks,
    critical_difference,
    indistinguishable,
    rank_methods,
)
from fusionmedclip.metrics.replication import PrintedDifference, PrintedMean, Spread, printed_difference
from fusionmedclip.metrics.seeds import DrawsNeeded, Summary, draws_to_tell_apart, paired_t_power, summarise
from fusionmedclip.metrics.split_draw import SplitDraw, hanley_mcneil, image_variances
from fusionmedclip.metrics.summary import image_metrics, pixel_metrics

__all__ = [
    "BestF1",
    "Comparison",
    "DeLong",
    "DrawsNeeded",
    "Interval",
    "PixelCounts",
    "PrintedDifference",
    "PrintedMean",
    "RandomSeeds",
    "Ranking",
    "Rates",
    "Reliability",
    "SplitDraw",
    "Spread",
    "Summary",
    "SupportThreshold",
    "auroc_difference_over_seeds",
    "auroc_draws",
    "auroc_draws_over_seeds",
    "auroc_over_seeds",
    "average_ranks",
    "best_f1",
    "bootstrap_auroc",
    "bootstrap_auroc_difference",
    "bootstrap_auroc_over_seeds",
    "brier_score",
    "critical_difference",
    "delong",
    "delong_interval",
    "delong_test",
    "draws_to_tell_apart",
    "expected_calibration_error",
    "f1_at",
    "hanley_mcneil",
    "holm",
    "image_ap",
    "image_auroc",
    "image_metrics",
    "image_variances",
    "indistinguishable",
    "is_probability",
    "paired_t_power",
    "pixel_metrics",
    "printed_difference",
    "random_seeds",
    "rank_methods",
    "rates_at",
    "reliability",
    "sensitivity_at_specificity",
    "summarise",
    "support_threshold",
]
