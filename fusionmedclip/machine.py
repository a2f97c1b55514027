"""What a number's last digits depend on besides settings and packages: processor, libraries, variables, GPU.

Sums are added in another order by another vector unit or another BLAS, and training carries rounding far.
"""

import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["device_name", "machine_facts", "machine_line"]

CPUINFO = Path("/proc/cpuinfo")
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")

VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
)
"""Environment variables that choose instructions, workspaces or the order of sums."""

_SETS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")


def machine_facts(*, device: str = "cpu") -> dict[str, Any]:
    """Facts as a metrics file records them; torch is asked only where something has imported it.

    Parameters
    ----------
    device : str
        ``cpu`` or ``cuda``: where a number was computed.

    Returns
    -------
    dict
        ``processor``, ``instructions`` (sets that the processor has), ``vectors`` (what torch's own kernels
        use), ``blas`` by user, ``onednn``, ``variables`` that are set, and ``gpu`` where it computed.
    """
    facts = {
        **_processor(),
        "vectors": None,
        "blas": _openblas(),
        "onednn": None,
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }
    torch = sys.modules.get("torch")
    if torch is None:
        return facts
    built = torch.__config__.show()
    mkl = re.search(r"Math Kernel Library Version (\S+?)-", built)
    name = re.search(r"BLAS_INFO=(\w+)", built)
    facts["vectors"] = torch.backends.cpu.get_cpu_capability()
    facts["blas"]["torch"] = f"MKL {mkl[1]}" if mkl else name[1] if name else None
    onednn = re.search(r"MKL-DNN v(\S+)", built)
    facts["onednn"] = onednn[1] if onednn and torch.backends.mkldnn.is_available() else None
    if device == "cuda":
        facts["gpu"] = _gpu(torch)
    return facts


def machine_line(facts: Mapping[str, Any]) -> str:
    """The facts that decide digits, in one line for people."""
    parts = [facts["processor"]]
    if facts["vectors"]:
        parts.append(f"torch with {facts['vectors']}")
    parts += [f"{user}: {library}" for user, library in sorted(facts["blas"].items()) if library]
    if facts["onednn"]:
        parts.append(f"oneDNN {facts['onednn']}")
    if "gpu" in facts:
        gpu = facts["gpu"]
        parts.append(f"{gpu['name']}, driver {gpu['driver']}, CUDA {gpu['cuda']}, cuDNN {gpu['cudnn']}")
    return "; ".join(parts)


def device_name(device: str) -> str:
    """``cpu`` with its architecture, or ``cuda`` with the GPU's name."""
    if device != "cuda":
        return f"cpu, {platform.machine()}"
    import torch

    return f"cuda, {torch.cuda.get_device_name()}"


def _processor() -> dict[str, Any]:
    entries = {}
    if CPUINFO.is_file():
        first = CPUINFO.read_text().split("\n\n")[0]
        entries = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in first.split("\n"))}
    name = entries.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in entries:  # a virtual machine's name may say little
        name += f" ({entries['vendor_id']} family {entries['cpu family']} model {entries['model']})"
    flags = entries.get("flags", entries.get("Features", "")).split()
    return {"processor": name, "instructions": [name for name in _SETS if name in flags]}


def _openblas() -> dict[str, str | None]:
    """numpy's and scipy's BLAS with the processor kind that it chose at run time."""
    import threadpoolctl

    found: dict[str, str | None] = {}
    for library in threadpoolctl.threadpool_info():
        if library["user_api"] == "blas":
            users = [u for u in ("numpy", "scipy", "torch") if f"{u}.libs" in library["filepath"]]
            kind = f", {library['architecture']}" if library.get("architecture") else ""
            text = f"{library['internal_api']} {library['version']}{kind}"
            found[users[0] if users else library["prefix"]] = text
    return dict(sorted(found.items()))  # they come in the order of loading, which threads decide


def _gpu(torch: Any) -> dict[str, Any]:
    text = NVIDIA_DRIVER.read_text() if NVIDIA_DRIVER.is_file() else ""
    driver = re.search(r"Kernel Module.*?(\d+\.[\d.]+)", text)
    return {
        "name": torch.cuda.get_device_name(),
        "capability": ".".join(map(str, torch.cuda.get_device_capability())),
        "driver": driver[1] if driver else None,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }
