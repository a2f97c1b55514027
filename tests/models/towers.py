"""Towers of a few thousand parameters."""

from dataclasses import replace
from pathlib import Path

from fusionmedclip.models.backbones.store import BackboneSettings
from tests.models.drawn_weights import TEXT, VIT, drawn, drawn_state

__all__ = ["drawn", "drawn_state", "hugging_face_settings", "timm_settings", "vit_settings"]


def vit_settings(*, quick_gelu: bool = False, **vision) -> BackboneSettings:
    """open_clip's vision and text transformers: 4 x 4 patches, width 32, three blocks."""
    model = {"embed_dim": 16, "vision_cfg": {**VIT, **vision}, "text_cfg": TEXT, "quick_gelu": quick_gelu}
    return BackboneSettings(model=model, image_size=32)


def timm_settings(name: str, *, size: int = 64, pool: str = "avg") -> BackboneSettings:
    """A tower of timm's with random weights, and open_clip's text transformer."""
    vision = {"timm_model_name": name, "timm_pool": pool, "timm_proj": "linear", "image_size": size}
    return BackboneSettings(model={"embed_dim": 16, "vision_cfg": vision, "text_cfg": TEXT}, image_size=size)


def hugging_face_settings(folder: Path) -> BackboneSettings:
    """BiomedCLIP's kind of model in small: timm's vision transformer, a BERT as text tower."""
    from transformers import BertConfig, BertTokenizerFast

    words = ["x", "normal", "anomaly", "a", "photo", "of", "the", "within", "limits", "negative", "healthy"]
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(words + letters)]
    pieces += [f"##{letter}" for letter in letters] + list(".,-")
    (folder / "vocab.txt").write_text("\n".join(pieces))
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    BertConfig(
        vocab_size=len(pieces),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        attention_probs_dropout_prob=0.0,
        hidden_dropout_prob=0.0,
    ).save_pretrained(folder)
    text = {
        "hf_model_name": str(folder),
        "hf_tokenizer_name": str(folder),
        "hf_proj_type": "mlp",
        "hf_pooler_type": "cls_last_hidden_state_pooler",
        "context_length": 64,
    }
    settings = timm_settings("vit_tiny_patch16_224", pool="")
    return replace(settings, model={**settings.model, "text_cfg": text})
