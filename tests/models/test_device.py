"""Where to compute: never somewhere else than asked for, and the reason where it cannot be."""

import warnings

import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.device import torch_device, why_no_cuda


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def init() -> None:
        raise RuntimeError("Found no NVIDIA driver on your system. Please check that you have one")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", init)
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.mark.parametrize(
    ("name", "gpus"), [("cuda", None), ("cuda", 0), ("cuda", 1), ("auto", 1), ("auto", 4)]
)
def test_a_gpu_that_was_asked_for_and_is_not_there_stops_with_the_reason(
    name: str, gpus: int | None, no_gpu: None
) -> None:
    with pytest.raises(InputError) as caught:
        torch_device(name, gpus=gpus)
    message = str(caught.value)
    assert "Found no NVIDIA driver" in message
    assert "built for CUDA 13.2" in message
    assert f"device: {name}" in message
    assert "device: cpu" in message


@pytest.mark.parametrize("gpus", [None, 0, 1])
def test_cpu_is_the_cpu_wherever(gpus: int | None, a_gpu: None) -> None:
    assert torch_device("cpu", gpus=gpus) == "cpu"


def test_auto_takes_what_the_scheduler_gave(a_gpu: None) -> None:
    assert torch_device("auto", gpus=1) == "cuda"
    assert torch_device("auto", gpus=0) == "cpu"


def test_auto_without_a_scheduler_takes_a_gpu_or_says_why_not(
    a_gpu: None, request: pytest.FixtureRequest
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch_device("auto") == "cuda"
    request.getfixturevalue("no_gpu")
    with pytest.warns(UserWarning, match="computes on the CPU: Found no NVIDIA driver"):
        assert torch_device("auto") == "cpu"


def test_the_reason_names_build_and_hidden_devices(no_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES=''" in why_no_cuda()
    monkeypatch.setattr(torch.version, "cuda", None)
    assert why_no_cuda() == f"torch {torch.__version__} is built without CUDA"
