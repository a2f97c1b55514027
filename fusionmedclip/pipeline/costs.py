"""What a run costs, from a table of measured costs, and what is asked of a scheduler for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fusionmedclip.baselines.registry import load
from fusionmedclip.methods import OURS, entry_points
from fusionmedclip.settings import build

__all__ = ["GROUPS", "Cost", "cost_of", "learnt_cost_of", "table"]

GROUPS = {"instant": 0.0, "minutes": 300.0, "quarter_hours": 3600.0, "hours": float("inf")}
"""Group of jobs -> up to how many seconds on the measured card; ``instant`` are those without a GPU."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one run.

    Attributes
    ----------
    seconds : float
        On the measured card, start of the job included; for a run without a GPU, of one core.
    gpu : bool
        Whether it computes with a network: nothing else is worth a GPU.
    gpu_mb, host_mb : int
        Memory of the card and of the machine.
    """

    seconds: float
    gpu: bool
    gpu_mb: int
    host_mb: int

    def group(self, *, on_gpu: bool) -> str:
        """Key of :data:`GROUPS`: runs of one are submitted together."""
        if not self.gpu:
            return "instant"
        return next(name for name, most in GROUPS.items() if self.takes(on_gpu=on_gpu) <= most)

    def takes(self, *, on_gpu: bool) -> float:
        """Seconds, also where a CPU does the work of a GPU."""
        return self.seconds * (1 if on_gpu or not self.gpu else table()["slower_cpu"])

    def mem_mb(self, *, attempt: int, on_gpu: bool) -> int:
        """What to ask of the machine, more with each attempt; without a GPU the networks are stand-ins."""
        return attempt * (self.host_mb if on_gpu else min(self.host_mb, table()["cpu_mb"]))

    def runtime(self, *, attempt: int, on_gpu: bool) -> int:
        """Minutes to ask for, more with each attempt, up to what any cluster gives."""
        asked = attempt * (2 + round(table()["spare"] * self.takes(on_gpu=on_gpu) / 60))
        return min(asked, table()["longest"])


@cache
def table() -> dict[str, Any]:
    """The table of measured costs, ``costs.yaml``."""
    return yaml.safe_load(Path(__file__).with_name("costs.yaml").read_text(encoding="utf-8"))


def cost_of(method: Mapping[str, Any], *, k: int, images: int) -> Cost:
    """What a run costs.

    Parameters
    ----------
    method : mapping
        Entry of the configuration: ``kind``, ``settings`` and perhaps ``support_folds``.
    k : int
        Support images.
    images : int
        Test images.

    Returns
    -------
    Cost
        Time grows with steps and test images, RegAD's memory with k. What is learnt ahead of the runs is not
        in it.
    """
    kind = method["kind"]
    settings = build(load(entry_points(kind)[1]), method["settings"], where=kind)
    steps = _steps(settings, k)
    if kind == OURS and settings.model.lora is not None:
        kind = f"{OURS}_lora"
    entry = _entry(kind, settings)
    fits = 1 + (method.get("support_folds") or 0)
    learning, memory = _learning(settings, entry, k=k)
    if getattr(settings, "learns_ahead", False):
        learning = memory = 0
    fit = fits * (entry.get("fit_s", 0.0) + steps * entry.get("step_s", 0.0) + learning)
    score = entry.get("score_s", 1.0) * images / table()["images"]
    from_store = not steps and getattr(settings, "frozen_features", False) and method["kind"] == OURS
    return Cost(
        seconds=table()["start_s"] + fit + score,
        gpu="gpu_mb" in entry and not from_store,
        gpu_mb=entry.get("gpu_mb", 0) + max(k * entry.get("gpu_mb_k", 0), memory),
        host_mb=entry["host_mb"],
    )


def learnt_cost_of(method: Mapping[str, Any]) -> Cost:
    """What learning from other data sets costs, where that is done ahead of the runs; see :func:`cost_of`."""
    settings = build(load(entry_points(method["kind"])[1]), method["settings"], where=method["kind"])
    entry = _entry(method["kind"], settings)
    learning, memory = _learning(settings, entry, k=0)
    return Cost(
        seconds=table()["start_s"] + learning,
        gpu=True,
        gpu_mb=entry.get("gpu_mb", 0) + memory,
        host_mb=entry["host_mb"],
    )


def _entry(kind: str, settings: Any) -> dict[str, Any]:
    """Costs of a kind, in the precision of its settings where that was measured or counted apart."""
    entry = table()["kinds"].get(kind, table()["unmeasured"])
    return entry | entry.get(getattr(settings, "precision", ""), {})


def _learning(settings: Any, entry: Mapping[str, Any], *, k: int) -> tuple[float, int]:
    """Seconds and MB of the card of meta-training: of its images, queries and what they are registered to."""
    if not hasattr(settings, "meta_steps"):
        return 0.0, 0
    shots = (settings.meta_shots or k) if hasattr(settings, "meta_shots") else 0
    images = settings.meta_batch * (1 + shots)
    return settings.meta_steps * images * entry["image_s"], shots * entry.get("gpu_mb_shot", 0)


def _steps(settings: Any, k: int) -> int:
    """Optimisation steps of a run; none where nothing is trained."""
    if hasattr(settings, "optimiser"):
        return 0 if "optimiser" in settings.inert else settings.optimiser.steps(k)
    if hasattr(settings, "budget"):
        return settings.budget(k)
    return getattr(settings, "steps", 0)
