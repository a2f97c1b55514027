"""The nearest patch, set as AnomalyDINO, against what its official code gives on the same weights and images.

The figures come from ``run_anomalydino.py`` beside this file: dammsi/AnomalyDINO at commit
b3435f00052c9f7c0dcfe7f178a0138cfac3178e (src.detection.run_anomaly_detection, DINOv2Wrapper) around the
ViT-S/14 of facebookresearch/dinov2 at commit b8931f7bf91576930313be2c6d6af376033b35f0.
"""

import numpy as np
import pytest
import timm

from fusionmedclip.baselines import create
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.timm_towers import make_tower
from tests.baselines.official.recipe import filled, images

SIZE = 210
# Image scores; patches at every fifth row and column from the fourth; the second's map at every 60th pixel.
FIGURES = {
    "none": (
        [0.7154875993728638, 0.7708560228347778, 0.8099858462810516],
        [
            [[0.01571355760097504, 0.3921287357807159, 0.6753153800964355],
             [0.01765912026166916, 0.1311621367931366, 0.1222521141171455],
             [0.01253887079656124, 0.01669160276651382, 0.01744901761412621]],
            [[0.0235787108540535, 0.02053686790168285, 0.02493553794920444],
             [0.4231379628181458, 0.01279368530958891, 0.02822594158351421],
             [0.2341687679290771, 0.2537871301174164, 0.02030725218355656]],
            [[0.2441574782133102, 0.06422973424196243, 0.2270193099975586],
             [0.7157504558563232, 0.001843536854721606, 0.6194310784339905],
             [0.02980023808777332, 0.1553525328636169, 0.03642164915800095]],
        ],
        [[0.01514400059542264, 0.01645944519004539, 0.01904763370644635, 0.01681744004063331],
         [0.02692058382207948, 0.204149983563249, 0.09637864517565696, 0.01727141656496819],
         [0.0716087362476413, 0.004265663051077097, 0.2015832696641135, 0.02546664823852589],
         [0.02246760203876295, 0.5427382018292434, 0.3126146989924278, 0.02339368855441146]],
    ),
    "queries": (
        [0.7062594294548035, 0.7532026171684265, 0.8099858462810516],
        [
            [[0, 0.3921287357807159, 0.6753153800964355], [0, 0, 0], [0, 0, 0]],
            [[0, 0, 0], [0.4231379628181458, 0.01279368530958891, 0], [0, 0.2537871301174164, 0]],
            [[0, 0.06422973424196243, 0],
             [0.7157504558563232, 0.001843536854721606, 0.6194310784339905],
             [0, 0, 0]],
        ],
        [[0, 0, 0, 0],
         [0, 0.0002071810852845105, 0.0002085611521474158, 0],
         [0.01490688076667324, 0.004265663051077097, 0.2015832696641135, 0],
         [6.976978752805626e-10, 0.08290669546539964, 0.1059226729375666, 0]],
    ),
    "all": (
        [0.74198117852211, 0.7797590792179108, 0.8099858462810516],
        [
            [[0, 0.3921287357807159, 0.6753153800964355], [0, 0, 0], [0, 0, 0]],
            [[0, 0, 0], [0.4610520303249359, 0.01279368530958891, 0], [0, 0.2537871301174164, 0]],
            [[0, 0.06422973424196243, 0],
             [0.7492082715034485, 0.001843536854721606, 0.6412724256515503],
             [0, 0, 0]],
        ],
        [[0, 0, 0, 0],
         [0, 0.0002075329885113402, 0.0002126608449744912, 0],
         [0.01511392009493716, 0.004265663051077097, 0.2018337422668413, 0],
         [7.313405450191049e-10, 0.08319607236819211, 0.1154837436749352, 0]],
    ),
}  # fmt: skip


def pictures(seed: int, count: int) -> np.ndarray:
    """The recipe's images with more of the blob, as files of 8 bits hold them."""
    drawn = np.clip(6 * images(seed, count, SIZE) - 1.5, 0, 1)
    return np.round(drawn * 255).astype(np.uint8).astype(np.float32) / np.float32(255)


@pytest.fixture(scope="module")
def tower() -> Backbone:
    vit = filled(make_tower("vit_small_patch14_dinov2", SIZE), 0, gain=2.0).eval()
    config = timm.get_pretrained_cfg("vit_small_patch14_dinov2")
    return Backbone(vit, mean=config.mean, std=config.std)


@pytest.mark.parametrize("masking", FIGURES)
def test_scores_patches_and_maps(tower: Backbone, masking: str) -> None:
    settings = {"layers": [12], "rotations": 1, "final_norm": True, "masking": masking}
    detector = create("patch_nn", backbone=tower, **settings).fit(pictures(6, 2))
    queries = pictures(5, 3)
    scores, patches, pixels = FIGURES[masking]
    found = detector.score(queries)
    np.testing.assert_allclose(found.scores, scores, rtol=3e-5)
    np.testing.assert_allclose(found.maps[1, 20::60, 20::60], pixels, rtol=3e-4, atol=1e-7)
    grids = create("patch_nn", backbone=tower, **settings, sigma=0).fit(pictures(6, 2))
    maps = grids.score_features(grids.features(queries), (15, 15)).maps
    np.testing.assert_allclose(maps[:, 3::5, 3::5], patches, rtol=3e-4)
