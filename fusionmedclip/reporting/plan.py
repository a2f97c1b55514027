"""What the runs of a configuration will take, by the table of measured costs: submissions, hours, disk."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fusionmedclip.config import Config
from fusionmedclip.methods import reads_features
from fusionmedclip.pipeline.costs import GROUPS, Cost, cost_of, table
from fusionmedclip.reporting.tables.rows import Run, rows_of, runs_of

__all__ = ["Part", "Plan", "plan"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Runs that are submitted alike.

    Attributes
    ----------
    runs, submissions : int
    hours : float
        Of a GPU; of a core where none is used.
    gpu : bool
    memory_mb : int
        The most that one of them takes of the card.
    """

    runs: int
    submissions: int
    hours: float
    gpu: bool
    memory_mb: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Of a configuration.

    Attributes
    ----------
    parts : dict of str to Part
        By group of :data:`fusionmedclip.pipeline.costs.GROUPS`.
    stage1 : list of str
        Backbones whose Stage 1 has to run; what that takes was not measured.
    longest_h : float
        The longest run: no number of GPUs is done sooner.
    disk_gb : float
        Backbones and stored features of the test images; not of architectures that nobody counted.
    uncounted : list of str
        Those.
    """

    parts: dict[str, Part]
    stage1: list[str]
    longest_h: float
    disk_gb: float
    uncounted: list[str]

    @property
    def gpu_hours(self) -> float:
        """On one GPU, one run after another."""
        return sum(part.hours for part in self.parts.values() if part.gpu)

    def hours(self, gpus: int) -> float:
        """On some GPUs, at best."""
        return max(self.gpu_hours / gpus, self.longest_h)


def plan(config: Config, *, speed: float = 1.0) -> Plan:
    """Plan the runs of all tables.

    Parameters
    ----------
    config : Config
    speed : float
        Of the GPU, against the one that was measured (``costs.yaml``).
    """
    runs = runs_of(config, [cell for name in config.data["tables"] for cell in _cells(config, name)])
    costs: dict[str, list[Cost]] = defaultdict(list)
    for run in runs:
        cost = cost_of(config.method(run.method), k=run.k, images=_images(config, run.dataset))
        costs[cost.group].append(cost)
    used = {name for run in runs if (name := config.run_backbone(run.method, run.seed))}
    disk, uncounted = _disk(config, runs, used)
    longest = max((cost.seconds for group in costs.values() for cost in group if cost.gpu), default=0.0)
    return Plan(
        parts={name: _part(costs[name], name, speed) for name in GROUPS if name in costs},
        stage1=sorted(name for name in used if config.backbone(name)["stage1"]),
        longest_h=longest / speed / 3600,
        disk_gb=disk,
        uncounted=uncounted,
    )


def _cells(config: Config, name: str) -> Iterable:
    return [cell for row in rows_of(config, name).values() for cell in row]


def _images(config: Config, dataset: str) -> int:
    return sum(filter(None, config.dataset(dataset).get("test", {}).values()))


def _part(costs: list[Cost], name: str, speed: float) -> Part:
    gpu = costs[0].gpu
    return Part(
        runs=len(costs),
        submissions=-(-len(costs) // table()["together"][name]),
        hours=sum(cost.seconds for cost in costs) / 3600 / (speed if gpu else 1),
        gpu=gpu,
        memory_mb=max(cost.gpu_mb for cost in costs) if gpu else 0,
    )


def _disk(config: Config, runs: list[Run], backbones: set[str]) -> tuple[float, list[str]]:
    stores = {
        (backbone, run.dataset)
        for run in runs
        if (backbone := config.run_backbone(run.method, run.seed))
        and reads_features(config.method(run.method)["kind"], config.method(run.method)["settings"])
    }
    models = {name: str(config.backbone(name).get("model")) for name in backbones}
    known = table()["weights_mb"]
    megabytes = sum(known.get(model, 0.0) for model in models.values())
    for backbone, dataset in stores:
        layers = len(config.backbone(backbone)["layers"])
        megabytes += layers * _images(config, dataset) * table()["features_mb"].get(models[backbone], 0.0)
    return megabytes / 1000, sorted(name for name, model in models.items() if model not in known)
