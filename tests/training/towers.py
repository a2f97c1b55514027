"""A CLIP of a few thousand parameters as settings, and pictures to train it on."""

import numpy as np

VIT = {
    "model": {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 3, "head_width": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
    },
    "image_size": 32,
}
SMALL = {"layers": [1, 2, 3], "block_adapter": {"bottleneck": 4}}
ROW5 = {"layers": [1, 2, 3], "lora": None, "block_adapter": None}
ROW4 = {"head": "gap", "lora": None, "block_adapter": None}


def pictures(count: int) -> np.ndarray:
    """Bright discs on black with noise: (N, 32, 32) in [0, 1]."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    disc = ((y - 16) ** 2 + (x - 16) ** 2 < 180) * 0.5
    return np.clip(disc + rng.normal(0.1, 0.05, (count, 32, 32)), 0, 1).astype(np.float32)
