"""A Stage 1 of its own for each repetition, where a configuration asks for it.

Section 4.2 repeats "all experiments" three times; whether Stage 1 was among them is not said.
"""

from collections.abc import Mapping

__all__ = ["repetition", "with_repetitions"]


def repetition(backbone: str, seed: int) -> str:
    """Name of a backbone's own copy in one repetition."""
    return f"{backbone}_seed{seed}"


def with_repetitions(data: Mapping) -> dict:
    """A configuration with an entry for each repetition of every backbone whose Stage 1 is ``repeated``.

    The Stage 1 of repetition s has the seed of ``stage1.seed`` plus s.
    """
    backbones = dict(data["backbones"])
    for name, entry in data["backbones"].items():
        stage1 = dict(entry.get("stage1") or {})
        if not stage1.pop("repeated", False):
            continue
        for seed in data["seeds"]:
            own = {**stage1, "seed": stage1.get("seed", 0) + seed}
            backbones[repetition(name, seed)] = {
                **entry,
                "title": f"{entry.get('title', name)}, repetition {seed}",
                "stage1": own,
            }
    return {**data, "backbones": backbones}
