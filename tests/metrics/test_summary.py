import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from fusionmedclip.metrics import PixelCounts, image_metrics, pixel_metrics

LABELS = np.array([0, 0, 0, 1, 1, 1])
SCORES = np.array([0.1, 0.4, 0.2, 0.3, 0.9, 0.8])


def test_image_metrics_of_one_run():
    found = image_metrics(LABELS, SCORES, threshold=0.25)
    assert found["image_auroc"] == roc_auc_score(LABELS, SCORES)
    assert found["image_f1"] == pytest.approx(f1_score(LABELS, SCORES >= 0.25))
    assert (found["image_sensitivity"], found["image_specificity"]) == (1, pytest.approx(2 / 3))
    # Without false positives two of three are found; calling 0.3 anomalous costs one: F1 6/7 beats 4/5.
    assert found["image_sensitivity_at_95_specificity"] == pytest.approx(2 / 3)
    assert found["image_f1_oracle"] == pytest.approx(6 / 7)
    assert found["image_brier"] == pytest.approx(np.mean((SCORES - LABELS) ** 2))
    assert found["image_prevalence"] == 0.5
    assert all(0 <= value <= 1 for value in found.values())


def test_what_is_undefined_is_empty_and_never_zero():
    found = image_metrics(LABELS, SCORES * 10)
    empty = {name for name, value in found.items() if value is None}
    assert empty == {"image_f1", "image_sensitivity", "image_specificity", "image_brier", "image_ece"}


def test_a_sensitivity_of_zero_is_a_number():
    found = image_metrics(LABELS, SCORES, threshold=np.inf)
    assert (found["image_f1"], found["image_sensitivity"], found["image_specificity"]) == (0, 0, 1)


def test_metrics_go_into_json():
    counts = PixelCounts().update(np.array([[[0.1, 0.7, 0.3]]]), np.array([[[False, True, False]]]))
    pixel = pixel_metrics(counts)
    assert pixel == {
        "pixel_auroc": 1.0,
        "pixel_ap": 1.0,
        "pixel_aupro": 1.0,
        "pixel_auroc_slack": 0.0,
        "pixel_prevalence": pytest.approx(1 / 3),
    }
    both = {**image_metrics(LABELS, np.float32(SCORES), threshold=0.25), **pixel}
    assert json.loads(json.dumps(both, allow_nan=False)) == both
