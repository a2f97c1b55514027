"""Stage 1: contrastive finetuning of a CLIP image tower on captioned radiology images (section 3.1)."""

from fusionmedclip.training.pretrain.launch import pretrain
from fusionmedclip.training.pretrain.settings import AugmentSettings, PretrainSettings

__all__ = ["AugmentSettings", "PretrainSettings", "pretrain"]
