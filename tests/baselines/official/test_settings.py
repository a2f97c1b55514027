"""Defaults against the official configurations, and the protocol's baselines against the defaults.

Each value stands where the file in its comment has it; what the methods leave to us is not here.
"""

import pytest

from fusionmedclip.baselines.anoddpm.settings import AnoDDPMSettings
from fusionmedclip.baselines.anomalyclip.settings import AnomalyCLIPSettings
from fusionmedclip.baselines.cutpaste.settings import CutPasteSettings
from fusionmedclip.baselines.patchcore.settings import PatchCoreSettings
from fusionmedclip.baselines.promptad.settings import PromptADSettings
from fusionmedclip.baselines.regad.settings import RegADSettings
from fusionmedclip.baselines.simplenet.settings import SimpleNetSettings
from fusionmedclip.baselines.squid.settings import SQUIDSettings
from fusionmedclip.baselines.supersimplenet.settings import SuperSimpleNetSettings
from fusionmedclip.config import read_config
from fusionmedclip.settings import build

OFFICIAL = {
    # amazon-science/patchcore-inspection: sample_training.sh, src/patchcore/sampler.py.
    PatchCoreSettings: {
        "layers": ("layer2", "layer3"), "patch_size": 3, "pretrain_dim": 1024, "target_dim": 1024,
        "coreset_fraction": 0.1, "projection_dim": 128, "starting_points": 10, "sigma": 4,
    },
    # DonaldRR/SimpleNet: run.sh, simplenet.py. 160 epochs of 242 images on average.
    SimpleNetSettings: {
        "layers": ("layer2", "layer3"), "patch_size": 3, "pretrain_dim": 1536, "target_dim": 1536,
        "projection": True, "hidden": 1024, "noise_std": 0.015, "margin": 0.5, "train_batch": 8,
        "steps": 160 * 242 // 8, "projection_rate": 1e-3 * 0.1, "discriminator_rate": 2e-4,
        "weight_decay": 1e-5, "sigma": 4, "standardise": False, "train_patches": None,
    },
    # tiangexiang/SQUID: configs/chexpert_best.py, configs/base.py, main.py, dataloader_chexpert.py.
    SQUIDSettings: {
        "image_size": 128, "width": 32, "queue_slots": 200, "matrix_slots": 200, "kept": 5,
        "mask_ratio": 0.95, "heads": 8, "steps": 200 * 85, "critic_steps": 2, "train_batch": 16,
        "learning_rate": 1e-4, "final_rate_share": 0.5, "weight_decay": 1e-5, "reconstruction_weight": 10,
        "adversarial_weight": 0.005, "teacher_weight": 0.01, "distillation_weight": 0.001,
        "discriminator_weight": 0.005, "translation": 0.05, "scaling": 0.05, "score": "discriminator",
    },
    # Julian-Wyatt/AnoDDPM: test_args/args28.json, UNet.py, diffusion_training.py, detection.py, dataset.py.
    AnoDDPMSettings: {
        "image_size": 256, "channels": (128, 128, 256, 256, 512, 512),
        "attention": (False, False, False, True, True, True), "residual_blocks": 2, "heads": 2,
        "norm_groups": 32, "noise": "simplex", "octaves": 6, "persistence": 0.8, "frequency": 64,
        "timesteps": 1000, "train_timesteps": 800, "test_timesteps": 200, "reverse_steps": None,
        "steps": 3000 * 100, "train_batch": 1, "learning_rate": 1e-4, "gradient_norm": 1, "ema": 0.9999,
        "degrees": 3, "translation": (0.02, 0.09),
    },
    # MediaBrain-SJTU/RegAD: train.py, test.py. 50 epochs of 110 batches or so.
    RegADSettings: {
        "image_size": 224, "layers": ("layer1", "layer2", "layer3"), "normalise": False,
        "meta_source": "others", "meta_steps": 50 * 110, "meta_batch": 32, "meta_shots": None,
        "learning_rate": 1e-4, "momentum": 0.9, "ridge": 0.01, "sigma": 4,
    },
    # blaz-r/SuperSimpleNet: train.py (run_unsup). 300 epochs of eight batches.
    SuperSimpleNetSettings: {
        "layers": ("layer2", "layer3"), "patch_size": 3, "hidden": 1024, "head": 128, "noise_std": 0.015,
        "noise_threshold": 0.2, "margin": 0.5, "steps": 300 * 8, "train_batch": 32, "adaptor_rate": 0.0001,
        "head_rate": 0.0002, "weight_decay": 1e-5, "decay": 0.4, "sigma": 4, "standardise": False,
    },
    # FuNz-0/PromptAD: train_cls.py, train_seg.py (n_pro), ad_prompts.py, CLIPAD/transformer.py.
    PromptADSettings: {
        "states": ("damaged {}", "flawed {}", "abnormal {}", "imperfect {}", "blemished {}", "{} with flaw",
                   "{} with defect", "{} with damage"),
        "value_blocks": 12, "context_tokens": 4, "abnormal_tokens": 1, "image_prompts": 3, "map_prompts": 1,
        "abnormal_prompts": 4, "steps": 100, "learning_rate": 0.002, "final_rate": 1e-5, "momentum": 0.9,
        "weight_decay": 0.0005, "match_weight": 0.001, "sigma": 4,
    },
    # zqhang/AnomalyCLIP: train.sh, train.py, test.py, prompt_ensemble.py. 15 epochs of MVTec AD's 1,725.
    AnomalyCLIPSettings: {
        "subject": "object", "normal": "{}", "abnormal": "damaged {}", "context_tokens": 12, "text_depth": 9,
        "deep_tokens": 4, "value_blocks": 20 - 1, "temperature": 0.07, "meta_steps": 15 * 216,
        "meta_batch": 8, "learning_rate": 0.001, "betas": (0.5, 0.999), "local_weight": 4, "sigma": 4,
    },
    # Li et al., CVPR 2021.
    CutPasteSettings: {
        "image_size": 256, "area": (0.02, 0.15), "aspect": (0.3, 3.3), "scar_width": (2, 16),
        "scar_height": (10, 25), "scar_angle": 45, "jitter": 0.1, "steps": 256, "learning_rate": 0.03,
        "momentum": 0.9, "weight_decay": 3e-5, "synthesis": None,
    },
}  # fmt: skip
PROTOCOL = {RegADSettings: {"meta_shots": 4}, AnoDDPMSettings: {"epochs": 3000}}
"""What the protocol sets otherwise: docs/baselines.md says why."""

BACKBONES = {
    PatchCoreSettings: "wide_resnet50_2.tv_in1k",
    SimpleNetSettings: "wide_resnet50_2.tv_in1k",
    CutPasteSettings: "resnet18.tv_in1k",
    RegADSettings: "resnet18.tv_in1k",
}


@pytest.mark.parametrize("kind", OFFICIAL, ids=lambda kind: kind.__name__)
def test_defaults_are_the_official_ones(kind):
    settings = kind()
    assert {name: getattr(settings, name) for name in OFFICIAL[kind]} == OFFICIAL[kind]


@pytest.mark.parametrize(
    "kind",
    [k for k in OFFICIAL if k not in (AnomalyCLIPSettings, PromptADSettings, SuperSimpleNetSettings)],
    ids=lambda kind: kind.__name__,
)
def test_the_protocol_takes_the_defaults(kind, root):
    config = read_config(root / "config.yaml")
    method = config["methods"][kind.__name__.removesuffix("Settings").lower()]
    assert build(kind, method["settings"]) == kind(**PROTOCOL.get(kind, {}))
    if kind in BACKBONES:
        assert config["backbones"][method["backbone"]]["model"] == BACKBONES[kind]
