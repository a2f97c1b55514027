"""Checkpoints that would create a file when they are unpickled or compiled: none does."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.weight_files import read_stored


class Planted:
    """What pickle would make by creating a file."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self):
        return Path.touch, (self.place,)


def _torchscript(path: Path, pickled: bytes) -> Path:
    """A real archive, whose data are replaced."""
    made = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, pickled if name.endswith("/data.pkl") else source.read(name))
    return path


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    return tmp_path / "CREATED"


def test_the_planted_object_would_create_the_file(flag: Path) -> None:
    pickle.loads(pickle.dumps(Planted(flag)))
    assert flag.exists()


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("form", ["zip", "before 1.6", "torchscript", "bare pickle"])
def test_no_form_of_checkpoint_runs_it(tmp_path: Path, flag: Path, form: str, protocol: int) -> None:
    path, planted = tmp_path / "weights.pt", {"weight": torch.ones(2), "more": Planted(flag)}
    if form == "torchscript":
        _torchscript(path, pickle.dumps(Planted(flag), protocol=protocol))
    elif form == "bare pickle":
        path.write_bytes(pickle.dumps(Planted(flag), protocol=protocol))
    else:
        zipped = form == "zip"
        torch.save(planted, path, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    with pytest.raises(InputError) as caught:
        read_stored(path)
    assert str(path) in str(caught.value)
    assert not flag.exists()


def test_the_program_of_a_torchscript_archive_is_not_compiled(tmp_path: Path, monkeypatch) -> None:
    """Its code may save files (``torch.save``): it is text that nobody compiles, and the tensors are read."""
    path = tmp_path / "weights.pt"
    scripted = torch.jit.script(torch.nn.Linear(2, 2))
    scripted.save(str(path))
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("the archive was executed"))
    monkeypatch.setattr(torch._C, "import_ir_module", lambda *_, **__: pytest.fail("its code was compiled"))
    found = read_stored(path)
    assert torch.equal(found["weight"], scripted.weight)
