"""What a process holds after the same work has been done very often, beside what it held early on."""

import os
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

GROWTH = 0.05
"""Share by which the memory of a process may grow from its second tenth to its last."""


@dataclass(frozen=True)
class Held:
    """What a process holds: memory (resident bytes, none of a file), open files, threads, and children.

    Among the children are those that have ended, and were not waited for.
    """

    memory: int
    files: int
    threads: int
    children: int


def held(pid: int) -> Held:
    """What a process holds now, as Linux says; OSError where it has ended."""
    place = Path("/proc", str(pid))
    memory = re.findall(r"^Rss(?:Anon|Shmem):\s+(\d+) kB$", (place / "status").read_text(), re.MULTILINE)
    if not memory:
        raise ProcessLookupError(f"process {pid} has ended")
    tasks = list((place / "task").iterdir())
    children = (place / "task" / str(pid) / "children").read_text().split()
    return Held(sum(map(int, memory)) * 1024, len(os.listdir(place / "fd")), len(tasks), len(children))


@dataclass(frozen=True)
class Change:
    """From the second tenth of what was seen to the last: the median of memory, the least of all else."""

    early: Held
    late: Held

    @classmethod
    def of(cls, seen: Sequence[Held]) -> "Change":
        tenth = max(1, len(seen) // 10)
        parts = seen[tenth : 2 * tenth], seen[-tenth:]
        return cls(*(cls._typical(part) for part in parts))

    @staticmethod
    def _typical(part: Sequence[Held]) -> Held:
        least = [min(getattr(h, name) for h in part) for name in ("files", "threads", "children")]
        return Held(int(statistics.median(h.memory for h in part)), *least)

    @property
    def growth(self) -> float:
        """Of memory, as a share of the early."""
        return self.late.memory / self.early.memory - 1

    @property
    def is_flat(self) -> bool:
        """Whether memory has kept within the bar and no more is held of anything else."""
        rest = [(h.files, h.threads, h.children) for h in (self.early, self.late)]
        return self.growth <= GROWTH and all(late <= early for early, late in zip(*rest, strict=True))
