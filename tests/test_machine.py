"""Facts of the machine, against what other programs say of it."""

import json
import os
import platform
import shutil
import subprocess
import sys

import pytest

from fusionmedclip import machine
from fusionmedclip.machine import machine_facts, machine_line

ASK = (
    "import json{torch}; from fusionmedclip.machine import machine_facts; print(json.dumps(machine_facts()))"
)


def asked(*, torch: bool = True, **variables: str) -> dict:
    """The facts of a fresh process with some environment variables."""
    kept = {k: v for k, v in os.environ.items() if k not in machine.VARIABLES}
    code = ASK.format(torch=", torch, numpy" if torch else "")
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, **variables}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("lscpu") is None, reason="lscpu is missing")
def test_the_processor_is_lscpus() -> None:
    told = subprocess.run(
        ["lscpu"], capture_output=True, text=True, check=True, env={"LC_ALL": "C", **os.environ}
    )
    lines = dict(line.split(":", 1) for line in told.stdout.splitlines() if ":" in line)
    facts = machine_facts()
    assert lines["Model name"].strip() in facts["processor"]
    flags = lines["Flags"].split()
    assert "avx2" not in flags or "avx2" in facts["instructions"]
    assert ("avx512f" in facts["instructions"]) == ("avx512f" in flags)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names cores of x86-64")
def test_vectors_blas_and_variables_are_those_in_use() -> None:
    plain = asked()
    slow = asked(ATEN_CPU_CAPABILITY="default", OPENBLAS_CORETYPE="Nehalem")
    assert slow["vectors"] == "DEFAULT"
    assert slow["blas"]["numpy"].endswith("Nehalem")
    assert slow["variables"] == {"ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Nehalem"}
    assert plain["variables"] == {}
    assert plain["processor"] == slow["processor"]
    assert plain["onednn"].split(".")[0].isdigit()
    assert plain["blas"]["torch"]
    for name in ("processor", "vectors", "onednn"):
        assert plain[name] in machine_line(plain)


def test_torch_is_not_imported_for_it() -> None:
    facts = asked(torch=False)
    assert facts["vectors"] is None
    assert facts["onednn"] is None
    assert "torch" not in facts["blas"]
    assert facts["processor"] in machine_line(facts)


def test_a_gpu_is_named_with_driver_and_libraries(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    import torch

    version = tmp_path / "version"
    text = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build"
    version.write_text(f"{text}\nGCC version:  12\n")
    monkeypatch.setattr(machine, "NVIDIA_DRIVER", version)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91000)
    gpu = machine_facts(device="cuda")["gpu"]
    assert gpu == {
        "name": "NVIDIA H200",
        "capability": "9.0",
        "driver": "580.65.06",
        "cuda": torch.version.cuda,
        "cudnn": 91000,
    }
    assert "NVIDIA H200, driver 580.65.06" in machine_line(machine_facts(device="cuda"))
    assert "gpu" not in machine_facts(device="cpu")
