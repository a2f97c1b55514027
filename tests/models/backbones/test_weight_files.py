"""What lies where weights should be is read by its bytes, or said to be what it is; nothing is unpickled."""

import argparse
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.weight_files import find_weights, read_safetensors, write_safetensors
from fusionmedclip.models.backbones.weights import read_state_dict

STATE = {"visual.a": torch.arange(6.0).reshape(2, 3), "visual.b": torch.ones(40, dtype=torch.int64)}
WHOLE = save(STATE)


def _header(entries: dict, size: int = 0) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


def _entry(*, offsets: list[int], shape: list[int]) -> dict:
    return {"visual.a": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}


STRANGERS = {
    "pointer of Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 1710671599\n",
        r"a Git LFS pointer to the weights of 1,711 MB.*\n.*\n.*git lfs pull",
    ),
    "web page": (b"\n<!DOCTYPE html><html><title>Sign in</title>", r"a web page, not weights\n.*browser"),
    "page in capitals": (b"<HTML><body>Google Drive can't scan", "a web page"),
    "error in JSON": (b'{"error": "Access to model is restricted"}', "JSON text, not weights"),
    "list of shards": (b'{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}', "parts"),
    "text": (b"Dear colleague, please find the weights at", "not a file of weights"),
    "empty": (b"", r"empty file \(0 bytes\)"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5"),
    "gzip": (b"\x1f\x8b" + bytes(50), "gzip archive"),
    "cut": (WHOLE[:-1], rf"cut short\n.*{len(WHOLE) - 1:,} bytes.*{len(WHOLE):,}"),
    "cut in its header": (WHOLE[:60], "cut short"),
    "nine bytes": (WHOLE[:9], "cut short"),
    "a header of 2^39 bytes": (struct.pack("<Q", 2**39) + b"{", "cut short"),
    "a header of 2^60 bytes": (struct.pack("<Q", 2**60) + b"{", "not a file of weights"),
    "a tensor of 2^40 bytes": (_header(_entry(offsets=[0, 2**40], shape=[2**38])), "cut short"),
    "sizes that disagree": (
        _header(_entry(offsets=[0, 8], shape=[2**38]), 8),
        "cannot be read as safetensors",
    ),
    "offsets that are no numbers": (_header({"a": {"data_offsets": "x"}}), "header of safetensors"),
    "nested": (struct.pack("<Q", 90_000) + b'{"a":' * 18_000, "header of safetensors.*nested too deeply"),
}


@pytest.mark.parametrize("suffix", ["safetensors", "bin", "pt"])
@pytest.mark.parametrize("kind", STRANGERS)
def test_strangers_are_named(tmp_path: Path, kind: str, suffix: str) -> None:
    content, message = STRANGERS[kind]
    path = tmp_path / f"weights.{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_state_dict(path)
    assert path.name in str(caught.value)
    with pytest.raises(InputError, match=message):
        read_safetensors(path)


@pytest.mark.parametrize("start", [b"\x80", b"PK", b"<h", b"{", b"[", b"\x1f\x8b"])
def test_a_length_is_not_taken_for_another_format(tmp_path: Path, start: bytes) -> None:
    """Headers are padded to a length whose lowest bytes are those that begin other files."""
    length = int.from_bytes(start.ljust(2, b"\x02"), "little")
    text = json.dumps(_entry(offsets=[0, 8], shape=[2])).encode().ljust(length)
    path = tmp_path / "weights.bin"
    path.write_bytes(struct.pack("<Q", length) + text + bytes(8))
    assert path.read_bytes().startswith(start)
    assert read_state_dict(path)["visual.a"].tolist() == [0, 0]


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[n], v) for n, v in STATE.items())


@pytest.mark.parametrize("suffix", ["safetensors", "bin", "pt", "ckpt"])
def test_the_suffix_decides_nothing(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights.{suffix}"
    save_file(STATE, path)
    assert same(read_state_dict(path))
    torch.save(STATE, path)
    assert same(read_state_dict(path))
    torch.save(STATE, path, _use_new_zipfile_serialization=False)
    assert same(read_state_dict(path))


class Payload:
    """An object that no checkpoint may bring to life; making one would fail the test."""

    def __reduce__(self):
        return pytest.fail, ("a pickled object was made",)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("held", [Payload(), argparse.Namespace(lr=1), np.float64(3), Path("x")])
def test_objects_are_refused_without_pytorchs_advice(tmp_path: Path, held: object, zipped: bool) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save({"state_dict": STATE, "args": held}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        InputError, match=r"(?s)checkpoint\.pt: holds .*beside plain tensors.*never loaded"
    ) as caught:
        read_state_dict(path)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("zipped", [True, False])
def test_cut_checkpoints_are_refused(tmp_path: Path, zipped: bool, share: float) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save(STATE, path, _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"checkpoint\.pt") as caught:
        read_state_dict(path)
    assert "weights_only" not in str(caught.value)


def test_claims_are_compared_with_the_file_before_memory_is_asked_for(tmp_path: Path) -> None:
    path, count = tmp_path / "a.pt", b"M" + struct.pack("<H", 300)  # a pickle's way to write 300
    torch.save({"a": torch.ones(300)}, path, _use_new_zipfile_serialization=False)
    claim = b"\x8a\x06" + (2**40).to_bytes(6, "little")
    path.write_bytes(path.read_bytes().replace(count, claim, 1))
    with pytest.raises(InputError, match=r"a\.pt: cannot hold what it claims\n.*1,099,511,627,776 numbers"):
        read_state_dict(path)
    torch.save({"a": torch.ones(300)}, path)
    data = bytearray(path.read_bytes())
    size = data.index(b"PK\x01\x02") + 24  # of the first entry, unpacked (APPNOTE 4.3.12)
    data[size : size + 4] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.pt: cannot hold what it claims\n.*4,294,967,294 bytes"):
        read_state_dict(path)
    torch.save({"a": torch.ones(1).expand(2**36)}, path)
    with pytest.raises(InputError, match=r"a\.pt: a is larger than what is stored of it"):
        read_state_dict(path)


def test_other_archives_and_broken_numbers_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("weights/model.bin", b"x")
    with pytest.raises(InputError, match=r"(?s)a\.pt: a ZIP archive that PyTorch did not write.*model\.bin"):
        read_state_dict(tmp_path / "a.pt")
    save_file({**STATE, "visual.c": torch.tensor([1.0, float("nan")])}, tmp_path / "nan.safetensors")
    with pytest.raises(InputError, match=r"(?s)nan\.safetensors: holds NaN.*visual\.c"):
        read_state_dict(tmp_path / "nan.safetensors")
    with pytest.raises(InputError, match="checkpoint not found"):
        read_state_dict(tmp_path / "gone.pt")
    with pytest.raises(InputError, match="not found"):
        read_safetensors(tmp_path)


def test_the_weights_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file of weights in this folder"):
        find_weights(tmp_path)
    (tmp_path / "epoch_3.pt").touch()
    (tmp_path / "config.json").touch()
    (tmp_path / "._epoch_3.pt").touch()  # of a file system that keeps Apple's attributes apart
    assert find_weights(tmp_path) == tmp_path / "epoch_3.pt"
    (tmp_path / "epoch_4.pt").touch()
    with pytest.raises(InputError, match=r"(?s)several files of weights.*epoch_3\.pt.*epoch_4\.pt"):
        find_weights(tmp_path)
    (tmp_path / "pytorch_model.bin").touch()
    (tmp_path / "model.safetensors").touch()
    assert find_weights(tmp_path) == tmp_path / "model.safetensors"


def test_weights_of_a_training_that_diverged_at_its_end_are_not_written(tmp_path: Path) -> None:
    """No reader would take them; an earlier file stays."""
    write_safetensors(STATE, tmp_path / "a.safetensors")
    broken = {**STATE, "c": torch.tensor([1.0, float("inf")])}
    with pytest.raises(InputError, match=r"a\.safetensors is not written(.|\n)*'c'(.|\n)*learning rates"):
        write_safetensors(broken, tmp_path / "a.safetensors")
    assert set(read_safetensors(tmp_path / "a.safetensors")) == set(STATE)
