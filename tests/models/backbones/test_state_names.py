"""Checkpoints as training programs write them give the model's own names, or one sentence."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.state_names import named_tensors
from fusionmedclip.models.backbones.weights import read_state_dict

T, OTHER = torch.ones(2), torch.zeros(3)
PLAIN = {"visual.a": T, "logit_scale": torch.tensor(2.0)}


def behind(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in PLAIN.items()}


WRAPPED = {
    "plain": PLAIN,
    "DDP": behind("module."),
    "torch.compile": behind("_orig_mod."),
    "both, one way": behind("module._orig_mod."),
    "both, the other": behind("_orig_mod.module."),
    "Lightning": {"epoch": 3, "state_dict": behind("model."), "hyper_parameters": {"lr": 1.0}},
    "a part compiled": {"visual._orig_mod.a": T, "logit_scale": torch.tensor(2.0)},
    "FSDP": {"_fsdp_wrapped_module.visual.a": T, "logit_scale": torch.tensor(2.0)},
    "epoch as tensor": {"epoch": torch.tensor(3), "model": PLAIN},
    "model_state_dict": {"model_state_dict": PLAIN, "optimizer_state_dict": {"state": {0: {"m": OTHER}}}},
    "wrapped twice": {"model": {"state_dict": behind("module."), "step": torch.tensor(1)}},
    "beside an optimiser": {"net": PLAIN, "optimizer": {"exp_avg": OTHER}, "ema": {"x": OTHER}},
    "name of its own": {"clip_finetuned": PLAIN, "epoch": 3},
    "averaged": {"n_averaged": torch.tensor(5), **behind("module.")},
    "parameters": {name: nn.Parameter(value) for name, value in PLAIN.items()},
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_wrappers_are_taken_off(tmp_path: Path, kind: str) -> None:
    stored = WRAPPED[kind]
    torch.save(stored, tmp_path / "a.pt")
    found = [named_tensors(stored), read_state_dict(tmp_path / "a.pt")]
    if all(torch.is_tensor(value) for value in stored.values()):
        save_file({name: value.detach() for name, value in stored.items()}, tmp_path / "a.safetensors")
        found.append(read_state_dict(tmp_path / "a.safetensors"))
    for tensors in found:
        assert tensors.keys() == PLAIN.keys()
        assert torch.equal(tensors["visual.a"], T)


def test_torchs_own_wrappers(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    for name, wrapped in (
        ("compiled", torch.compile(model)),
        ("parallel", nn.DataParallel(model)),
        ("averaged", AveragedModel(model)),
        ("all", nn.DataParallel(torch.compile(model))),
    ):
        torch.save(wrapped.state_dict(), tmp_path / f"{name}.pt")
        assert read_state_dict(tmp_path / f"{name}.pt").keys() == model.state_dict().keys(), name


def test_a_prefix_is_only_one_where_all_share_it() -> None:
    state = {"module.a": T, "text.b": T}
    assert named_tensors(state).keys() == state.keys()
    assert named_tensors({"model": T}).keys() == {"model"}  # a tensor of this name, not a wrapper
    assert named_tensors({"visual.a": T, "visual.b": T}).keys() == {"visual.a", "visual.b"}


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"epoch": torch.tensor(1)}, "no tensors by name"),
        ([T], "no tensors by name"),
        ({}, "no tensors by name"),
        (T, "no tensors by name"),
        ({0: T}, "no tensors by name"),
        ({"teacher": PLAIN, "student": PLAIN}, r"(?s)several mappings.*student.*teacher"),
        ({"a.b": T, "a._orig_mod.b": T}, r"(?s)two tensors of one name.*a\.b"),
    ],
)
def test_what_is_not_clear_is_refused(stored: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        named_tensors(stored)
