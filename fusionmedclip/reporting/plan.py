"""What the runs of a configuration will take, by the table of measured costs: submissions, hours, disk."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fusionmedclip.config import Config
from fusionmedclip.methods import learns_ahead, reads_features
from fusionmedclip.pipeline.costs import GROUPS, Cost, cost_of, learnt_cost_of, table
from fusionmedclip.reporting.tables.rows import Run, layers_stored, rows_of, runs_of

__all__ = ["Part", "Plan", "plan"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Runs that are submitted alike.

    Attributes
    ----------
    runs, submissions : int
    hours : float
        Of a GPU; of a CPU where none is used.
    gpu : bool
    memory_mb : int
        The most that one of them takes of the card.
    longest_h : float
        Of one run.
    """

    runs: int
    submissions: int
    hours: float
    gpu: bool
    memory_mb: int
    longest_h: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Of a configuration.

    Attributes
    ----------
    parts : dict of str to Part
        By group of :data:`fusionmedclip.pipeline.costs.GROUPS`.
    learnt : Part or None
        What is learnt from other data sets ahead of the runs.
    before : dict of str to int
        Submissions of what runs need: data sets, stock backbones, Stage 1, stored features.
    on_gpu : bool
        Whether networks compute on a GPU: not where the configuration says ``device: cpu``.
    stage1 : list of str
        Backbones whose Stage 1 has to run; what that takes was not measured.
    overlong : dict of str to float
        Methods of which a run takes longer than any job asks for, and its hours.
    disk_gb : float
        Backbones and stored features of the test images; not of architectures that nobody counted.
    uncounted : list of str
        Those.
    """

    parts: dict[str, Part]
    learnt: Part | None
    before: dict[str, int]
    on_gpu: bool
    stage1: list[str]
    overlong: dict[str, float]
    disk_gb: float
    uncounted: list[str]

    @property
    def submissions(self) -> int:
        """All that a scheduler gets; the rest is made where Snakemake runs."""
        parts = [*self.parts.values(), *([self.learnt] if self.learnt else [])]
        return sum(self.before.values()) + sum(part.submissions for part in parts)

    @property
    def network_hours(self) -> float:
        """Of networks on one GPU, or one CPU, one run after another."""
        return sum(part.hours for part in self._networks)

    def hours(self, at_once: int) -> float:
        """On some at once, at best: none is done sooner than the longest run."""
        longest = max((part.longest_h for part in self._networks), default=0.0)
        return max(self.network_hours / at_once, longest)

    @property
    def _networks(self) -> list[Part]:
        runs = [part for name, part in self.parts.items() if name != "instant"]
        return runs + ([self.learnt] if self.learnt else [])


def plan(config: Config, *, speed: float = 1.0) -> Plan:
    """Plan the runs of all tables.

    Parameters
    ----------
    config : Config
    speed : float
        Of the GPU, against the one that was measured (``costs.yaml``).
    """
    runs = runs_of(config, [cell for name in config.data["tables"] for cell in _cells(config, name)])
    on_gpu = config.data["device"] != "cpu"
    costs: dict[str, list[Cost]] = defaultdict(list)
    overlong: dict[str, float] = {}
    for run in runs:
        cost = cost_of(config.method(run.method), k=run.k, images=_images(config, run.dataset))
        costs[cost.group(on_gpu=on_gpu)].append(cost)
        hours = _hours(cost, on_gpu, speed)
        if hours * 60 > table()["longest"]:
            overlong[run.method] = max(hours, overlong.get(run.method, 0.0))
    used = {name for run in runs if (name := config.run_backbone(run.method, run.seed))}
    stores = _stores(config, runs)
    disk, uncounted = _disk(config, stores, used)
    return Plan(
        parts={
            name: _part(costs[name], table()["together"][name], on_gpu, speed)
            for name in GROUPS
            if name in costs
        },
        learnt=_part(learnt, 1, on_gpu, speed) if (learnt := _learnt(config, runs)) else None,
        before=_before(config, runs, used, stores),
        on_gpu=on_gpu,
        stage1=sorted(name for name in used if config.backbone(name)["stage1"]),
        overlong=overlong,
        disk_gb=disk,
        uncounted=uncounted,
    )


def _cells(config: Config, name: str) -> Iterable:
    return [cell for row in rows_of(config, name).values() for cell in row]


def _images(config: Config, dataset: str) -> int:
    return sum(filter(None, config.dataset(dataset).get("test", {}).values()))


def _hours(cost: Cost, on_gpu: bool, speed: float) -> float:
    return cost.takes(on_gpu=on_gpu) / 3600 / (speed if cost.gpu else 1)


def _learnt(config: Config, runs: list[Run]) -> list[Cost]:
    """What is learnt ahead of the runs: for each data set, method and seed."""
    asked = {(run.dataset, run.split, run.method, run.seed) for run in runs}
    methods = [config.method(method) for _, _, method, _ in sorted(asked)]
    return [learnt_cost_of(m) for m in methods if learns_ahead(m["kind"], m["settings"])]


def _part(costs: list[Cost], together: int, on_gpu: bool, speed: float) -> Part:
    gpu = costs[0].gpu and on_gpu
    hours = [_hours(cost, on_gpu, speed) for cost in costs]
    return Part(
        runs=len(costs),
        submissions=-(-len(costs) // together),
        hours=sum(hours),
        gpu=gpu,
        memory_mb=max(cost.gpu_mb for cost in costs) if gpu else 0,
        longest_h=max(hours),
    )


def _before(config: Config, runs: list[Run], used: set[str], stores: set[tuple[str, str]]) -> dict[str, int]:
    """As profiles/slurm submits it: jobs of one data set together, all others alone."""
    stage1 = {name for name in used if config.backbone(name)["stage1"]}
    return {
        "data": len({run.dataset for run in runs}),
        "backbones": len((used - stage1) | {config.backbone(name)["base"] for name in stage1}),
        "stage1": len(stage1),
        "features": len(stores),
    }


def _stores(config: Config, runs: list[Run]) -> set[tuple[str, str]]:
    """Backbones and data sets whose features are stored."""
    return {
        (backbone, run.dataset)
        for run in runs
        if (backbone := config.run_backbone(run.method, run.seed))
        and reads_features(config.method(run.method)["kind"], config.method(run.method)["settings"])
    }


def _disk(config: Config, stores: set[tuple[str, str]], backbones: set[str]) -> tuple[float, list[str]]:
    models = {name: str(config.backbone(name).get("model")) for name in backbones}
    known = table()["weights_mb"]
    megabytes = sum(known.get(model, 0.0) for model in models.values())
    for backbone, dataset in stores:
        layers = len([layer for layer in layers_stored(config, backbone) if layer != "gap"])
        megabytes += layers * _images(config, dataset) * table()["features_mb"].get(models[backbone], 0.0)
    return megabytes / 1000, sorted(name for name, model in models.items() if model not in known)
