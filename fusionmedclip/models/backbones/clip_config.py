"""open_clip's architectures as data, and the tokenizer that belongs to one."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip

from fusionmedclip.documents import read_json
from fusionmedclip.guard import reading
from fusionmedclip.outputs import whole_file

__all__ = ["CONFIG", "architecture", "filled_later", "tokenizer_of", "write_config"]

CONFIG = "open_clip_config.json"
_EMPTY = ("Local config loaded, but no CLIP weights", "No pretrained weights loaded")


@contextmanager
def filled_later() -> Iterator[None]:
    """Keep back open_clip's warnings of random weights: it makes the model, and we fill it."""

    def wanted(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(_EMPTY)

    root = logging.getLogger()  # open_clip logs on the root logger
    root.addFilter(wanted)
    try:
        yield
    finally:
        root.removeFilter(wanted)


def architecture(model: str | dict[str, Any]) -> dict[str, Any] | None:
    """``model_cfg`` of a model given by name, by address (``hf-hub:``, ``local-dir:``) or as data.

    None for a name that open_clip does not know.
    """
    if isinstance(model, dict):
        return model
    if model.startswith("local-dir:"):
        path = Path(model.removeprefix("local-dir:")) / CONFIG
        with reading(path, "open_clip's configuration"):
            return read_json(path)["model_cfg"] if path.is_file() else None
    if model.startswith("hf-hub:"):
        from open_clip.factory import _get_hf_config

        with reading(
            model, "model of the Hugging Face hub", hint="download it, and give its folder: local-dir:"
        ):
            return _get_hf_config(model.removeprefix("hf-hub:"))["model_cfg"]
    return open_clip.get_model_config(model)


def tokenizer_of(model: str | dict[str, Any]) -> Callable:
    """Tokenizer of a model.

    For an architecture as data, a Hugging Face tokenizer is what its ``hf_tokenizer_name`` names: an
    identifier or a folder. open_clip itself would look for it beside the architecture's file.
    """
    if isinstance(model, str):
        return open_clip.get_tokenizer(model)
    text = model["text_cfg"]
    length = text.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH)
    options = text.get("tokenizer_kwargs", {})
    if text.get("hf_tokenizer_name"):
        return open_clip.tokenizer.HFTokenizer(
            str(text["hf_tokenizer_name"]),
            context_length=length,
            tokenizer_mode=text.get("tokenizer_mode"),
            **options,
        )
    return open_clip.SimpleTokenizer(context_length=length, **options)


def write_config(folder: Path, model_cfg: dict[str, Any], *, image_size: int) -> None:
    """Write an architecture as open_clip's ``local-dir:`` address reads it."""
    config = {"model_cfg": model_cfg, "preprocess_cfg": {"size": image_size}}
    with whole_file(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
