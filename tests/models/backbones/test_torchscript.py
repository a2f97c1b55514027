"""TorchScript archives: torch's own reading gives the expected tensors; none of their code runs."""

import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.weight_files import read_stored


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 3))
        self.turned = nn.Parameter(torch.randn(3, 2).T)
        self.register_buffer("count", torch.arange(4))
        self.plain = torch.ones(2)  # neither parameter nor buffer
        self.sizes = [1, 2]

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.T + self.plain.sum() + self.count.sum() + self.sizes[0] + self.turned.sum()


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Inner()
        self.layers = nn.Sequential(nn.Linear(3, 3).half(), nn.Linear(3, 3).bfloat16(), nn.BatchNorm1d(3))
        self.shared = self.inner.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + self.shared.sum()


class Own(nn.Module):
    """Rebuilt by a program of its own, which torch.jit.load runs."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.training = False

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, bool]:
        return self.weight, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]) -> None:
        print("the archive's program ran")
        self.weight = state[0]
        self.training = state[1]


@pytest.mark.parametrize("make", [torch.jit.script, lambda m: torch.jit.trace(m, torch.zeros(1, 3))])
def test_parameters_and_buffers_as_torch_reads_them(tmp_path: Path, make) -> None:
    file = tmp_path / "m.pt"
    make(Outer()).save(file)
    expected, found = torch.jit.load(file).state_dict(), read_stored(file)
    assert found.keys() == expected.keys()
    assert len(found) == 13
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


def test_no_program_of_an_archive_runs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.pt"
    torch.jit.script(Own()).save(file)
    torch.jit.load(file)
    assert "program ran" in capfd.readouterr().out  # what this is about
    with pytest.raises(InputError, match=r"(?s)own\.pt.*code of its own, which is never run.*state_dict"):
        read_stored(file)
    assert "program ran" not in capfd.readouterr().out


class Prints:
    """An object that pickle would make by a call."""

    def __reduce__(self) -> tuple:
        return print, ("the archive's object was made",)


def _changed(source: Path, target: Path, data: bytes) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, data if name.endswith("data.pkl") else old.read(name))
    return target


def test_objects_and_places_that_are_none_are_refused(tmp_path: Path) -> None:
    torch.jit.script(Inner()).save(tmp_path / "m.pt")
    with pytest.raises(InputError, match=r"objects of \w+\.print"):
        read_stored(_changed(tmp_path / "m.pt", tmp_path / "evil.pt", pickle.dumps(Prints(), protocol=2)))
    with pytest.raises(InputError, match="an instruction that no TorchScript archive needs"):
        read_stored(_changed(tmp_path / "m.pt", tmp_path / "newer.pt", pickle.dumps(Prints(), protocol=4)))
    with zipfile.ZipFile(tmp_path / "m.pt") as archive:
        data = archive.read("m/data.pkl")
    rows = b"(K\x02K\x03t"  # the shape (2, 3) of `weight`
    assert rows in data
    with pytest.raises(InputError, match=r"beyond what is stored"):
        read_stored(_changed(tmp_path / "m.pt", tmp_path / "long.pt", data.replace(rows, b"(K\xfaK\x03t", 1)))
