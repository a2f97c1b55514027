"""Stages that make backbones and compute their features."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.store import (
    BackboneSettings,
    build_backbone,
    load_backbone,
    save_backbone,
)
from fusionmedclip.models.batches import even_batches
from fusionmedclip.models.device import torch_device
from fusionmedclip.models.settings import Layer
from fusionmedclip.outputs import whole_folder
from fusionmedclip.pipeline.files import write_json
from fusionmedclip.provenance import environment
from fusionmedclip.settings import build

__all__ = ["extract_features", "feature_file", "make_backbone", "pretrain_backbone"]


def make_backbone(*, settings: Mapping, out: str) -> None:
    """Write a stock backbone into the folder of its settings file ``out``.

    See :mod:`fusionmedclip.models.backbones.store`.
    """
    resolved = build(BackboneSettings, settings, where="backbone")
    save_backbone(build_backbone(resolved), Path(out).parent, resolved)


def pretrain_backbone(
    *,
    base: str,
    captions: Mapping,
    settings: Mapping,
    seed: int,
    processes: int,
    out: str,
    device: str = "auto",
    gpus: int | None = None,
    nodes: int = 1,
) -> None:
    """Stage 1: finetune a backbone's image tower on images and captions (section 3.1).

    ``base`` and ``out`` are the settings files of the two backbones, in their folders; ``device`` and
    ``gpus`` as in :func:`fusionmedclip.models.device.torch_device`; ``processes`` are those of all ``nodes``.
    """
    from fusionmedclip.training.pretrain import PretrainSettings, pretrain

    pretrain(
        backbone=Path(base).parent,
        captions=captions,
        out=Path(out).parent,
        settings=PretrainSettings.from_dict(dict(settings)),
        seed=seed,
        processes=processes,
        nodes=nodes,
        device=torch_device(device, gpus=gpus),
    )


def feature_file(folder: str | Path, layer: Layer) -> Path:
    """File of one layer's features; the layer ``gap`` is the pooled, projected embedding."""
    return Path(folder) / f"{layer if layer == 'gap' else f'layer_{layer}'}.npy"


def extract_features(
    *,
    backbone: str,
    images: str,
    layers: Sequence[Layer],
    out: str,
    device: str,
    threads: int,
    gpus: int | None = None,
    batch_size: int = 16,
) -> None:
    """Write the features of every image of a data set, once for all runs that share the frozen backbone.

    ``backbone`` is the settings file in its folder. Each layer is one float32 array (N, C, H, W) in the
    manifest's order; the layer ``gap``, of a backbone with a text tower, is (N, D). ``environment.json`` says
    where and how they were computed: in float32, by deterministic kernels.
    """
    torch.set_num_threads(threads)
    device = torch_device(device, gpus=gpus)
    network = load_backbone(Path(backbone).parent).to(device)
    pixels = np.load(images, mmap_mode="r")
    maps_of = [layer for layer in layers if layer != "gap"]
    wanted = [*maps_of, *(["gap"] if "gap" in layers else [])]
    with whole_folder(out) as scratch:  # a killed job must not leave arrays that look whole
        stores: dict[Layer, np.memmap] = {}
        with arithmetic(device, deterministic=True) as made, torch.inference_mode():
            batches = list(even_batches(np.arange(len(pixels)), batch_size))
            for rows, kept in track(batches, description="Features"):
                batch = network.pixels(np.array(pixels[rows]))
                if not maps_of:
                    maps = [network.gap_features(batch)]
                elif "gap" in layers:
                    maps, gap = network.maps_and_gap(batch, maps_of)
                    maps.append(gap)
                else:
                    maps = network.feature_maps(batch, maps_of)
                for layer, values in zip(wanted, maps, strict=True):
                    if layer not in stores:
                        shape = (len(pixels), *values.shape[1:])
                        stores[layer] = np.lib.format.open_memmap(
                            feature_file(scratch, layer), mode="w+", dtype=np.float32, shape=shape
                        )
                    stores[layer][rows[:kept]] = values[:kept].float().cpu().numpy()
        for store in stores.values():
            store.flush()
        write_json(scratch / "environment.json", {**environment(device=device), "arithmetic": made})
