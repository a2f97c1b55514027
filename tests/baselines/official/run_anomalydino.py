"""Figures of AnomalyDINO's official code: ``python run_anomalydino.py CLONE DINOV2``.

The clones are dammsi/AnomalyDINO at commit b3435f0 and facebookresearch/dinov2 at commit b8931f7; faiss-cpu,
tifffile and tqdm are needed beside this project's packages. ``src.detection.run_anomaly_detection`` runs as
it is, on the CPU, over pictures in a folder, with ``src.backbones.DINOv2Wrapper`` around DINOv2's own
ViT-S/14, which gets the weights of the recipe in place of the published ones.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image
from recipe import filled, images, show

from fusionmedclip.models.backbones.timm_towers import make_tower

sys.path[:0] = sys.argv[1:3]

from dinov2.models.vision_transformer import vit_small  # noqa: E402
from src import backbones, detection  # noqa: E402

SIZE = 210
torch.cuda.synchronize = lambda: None


class Wrapper(backbones.DINOv2Wrapper):
    def load_model(self) -> torch.nn.Module:
        made = vit_small(img_size=SIZE, patch_size=14, init_values=1.0, block_chunks=0)
        torch.hub.load = lambda *_: made
        ours = filled(make_tower("vit_small_patch14_dinov2", SIZE), 0, gain=2.0).state_dict()
        made.load_state_dict({**ours, "mask_token": torch.zeros(1, 384)})
        return super().load_model()


def pictures(folder: Path, seed: int, count: int) -> None:
    folder.mkdir(parents=True)
    for i, image in enumerate(np.clip(6 * images(seed, count, SIZE) - 1.5, 0, 1)):
        Image.fromarray(np.round(image * 255).astype(np.uint8)).save(folder / f"{i}.png")


def run(root: Path, *, masking: bool, references: bool) -> None:
    scores, _, _ = detection.run_anomaly_detection(
        Wrapper("dinov2_vits14", "cpu", SIZE),
        "object",
        str(root),
        2,
        {"object": []},
        str(root / "out"),
        masking=masking,
        mask_ref_images=references,
        faiss_on_cpu=True,
        save_tiffs=True,
    )
    show("scores", np.array([scores[name] for name in sorted(scores)]))
    out = root / "out/anomaly_maps/seed=0/object/test/good"
    grids = np.stack([np.load(out / f"{i}.npy") for i in range(len(scores))])
    show("patches kept", (grids != 0).sum(axis=(1, 2)))
    show("patches", grids[:, 3::5, 3::5])
    show("map of the second", tifffile.imread(out / "1.tiff")[20::60, 20::60])


with tempfile.TemporaryDirectory() as folder:
    pictures(Path(folder) / "object/train/good", 6, 2)
    pictures(Path(folder) / "object/test/good", 5, 3)
    run(Path(folder), masking=False, references=False)
    run(Path(folder), masking=True, references=False)
    run(Path(folder), masking=True, references=True)
