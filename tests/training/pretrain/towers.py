"""Towers of a few thousand parameters."""

from fusionmedclip.models.backbones.store import BackboneSettings

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
VIT = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 3, "head_width": 16}


def vit_settings(**vision) -> BackboneSettings:
    """A three-block vision transformer."""
    model = {"embed_dim": 16, "vision_cfg": {**VIT, **vision}, "text_cfg": TEXT}
    return BackboneSettings(model=model, image_size=32)


def timm_settings(name: str) -> BackboneSettings:
    """A tower of timm's with random weights."""
    vision = {"timm_model_name": name, "timm_pool": "avg", "timm_proj": "linear", "image_size": 32}
    return BackboneSettings(model={"embed_dim": 16, "vision_cfg": vision, "text_cfg": TEXT}, image_size=32)
