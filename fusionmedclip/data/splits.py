"""Who may be a support image and who is tested.

Split ``paper`` follows the counts of the thesis (4.1). Split ``grouped`` follows the same draw, but what
belongs together (near-duplicates, slices of one volume, images of one patient) never straddles pool and test,
and images whose duplicates carry the other label are left out.
"""

import pandas as pd

from fusionmedclip.data.groups import components
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator

__all__ = ["SPLITS", "make_split"]

SPLITS = ("paper", "grouped")

_POOL_SPLITS = ("", "train", "pool", "support")
_TEST_SPLITS = ("", "test")


def make_split(
    manifest: pd.DataFrame,
    *,
    name: str,
    test_normal: int | None,
    test_abnormal: int | None = None,
    seed: int = 0,
    published: bool = False,
) -> pd.DataFrame:
    """Divide the images of a manifest into pool, test and left out.

    One permutation of the normals (and one of the abnormals) serves both splits, so that they differ only
    where a group demands it. Where the manifest carries a split of the source's own, images of ``test`` are
    only tested and images of ``train`` (``pool``, ``support``) only drawn as support; others are left out.

    Parameters
    ----------
    manifest : DataFrame
        See :func:`fusionmedclip.data.sources.manifest.build_manifest`. Optional column ``duplicate``: the
        group of near-duplicates, see :func:`fusionmedclip.data.curation.duplicates.mark_duplicates`.
    name : {"paper", "grouped"}
    test_normal : int or None
        Normal images in the test set. None takes all that the source itself marks as ``test``.
    test_abnormal : int or None
        Abnormal images in the test set; None takes all.
    seed : int
        Keys the draw.
    published : bool
        The source's own split is a published one: counts, where given, must be those that it marks as
        ``test``, so that no image of it is silently left out.

    Returns
    -------
    DataFrame
        ``image_id``, ``part`` (``pool``, ``test``, ``left_out``) and ``reason``, in the manifest's order.
        In ``grouped`` the counts wanted shrink by the images left out for conflicting labels, so that the
        pool keeps its size.

    Raises
    ------
    InputError
        For an unknown name, fewer images than wanted, no count where the source marks no tests, or counts
        other than those of a published split.
    """
    if name not in SPLITS:
        raise InputError("unknown split", received=name, allowed=", ".join(SPLITS))
    frame = manifest.reset_index(drop=True)
    parts = _Parts(frame, components(frame) if name == "grouped" else [{row} for row in range(len(frame))])
    wanted = {0: test_normal, 1: test_abnormal}
    if published:
        _check_published(frame, wanted)
    if name == "grouped":
        for row in _conflicting(frame):
            parts.leave_out(row, "a near-duplicate carries the other label")
            label = int(frame["label"][row])
            count = wanted[label]
            wanted[label] = None if count is None else max(0, count - 1)
    for label, title in ((1, "abnormal"), (0, "normal")):
        _draw_test(parts, label=label, title=title, wanted=wanted[label], seed=seed)
    for row in parts.undecided():
        _fill_pool(parts, row)
    return parts.table()


def _check_published(frame: pd.DataFrame, wanted: dict[int, int | None]) -> None:
    for label, title in ((0, "normal"), (1, "abnormal")):
        marked = int(((frame["label"] == label) & (frame["split"] == "test")).sum())
        if wanted[label] not in (None, marked):
            raise InputError(
                f"the published split tests other {title} images than the configuration",
                received=f"{marked} in the list, {wanted[label]} under `test` of the data set",
                hint=f"set `{title}` under `test` to {marked} or null, or mend the list",
            )


class _Parts:
    """The part and reason of every row, and which rows belong together."""

    def __init__(self, frame: pd.DataFrame, groups: list[set[int]]):
        self.frame = frame
        self.part: list[str | None] = [None] * len(frame)
        self.reason = [""] * len(frame)
        self.group_of = {row: sorted(group) for group in groups for row in group}

    def leave_out(self, row: int, reason: str) -> None:
        self.part[row], self.reason[row] = "left_out", reason

    def undecided(self) -> list[int]:
        return [row for row, part in enumerate(self.part) if part is None]

    def may_test(self, row: int) -> bool:
        return self.part[row] is None and self.frame["split"][row] in _TEST_SPLITS

    def in_test(self, row: int) -> bool:
        return any(self.part[other] == "test" for other in self.group_of[row])

    def table(self) -> pd.DataFrame:
        return pd.DataFrame({"image_id": self.frame["image_id"], "part": self.part, "reason": self.reason})


def _draw_test(parts: _Parts, *, label: int, title: str, wanted: int | None, seed: int) -> None:
    """Walk one permutation; a whole group enters the test set or none of it."""
    labels = parts.frame["label"]
    rows = [row for row in range(len(labels)) if labels[row] == label]
    order = [rows[i] for i in generator(seed, "split", title).permutation(len(rows))]
    if wanted is None:
        chosen = [row for row in order if parts.may_test(row)]
        if label == 0:  # taking every normal would leave no pool
            chosen = [row for row in chosen if parts.frame["split"][row] != ""]
            if not chosen:
                hint = "say how many normal images are tested, or mark them `test` in the table"
                raise InputError("no normal image is marked as `test`", received=wanted, hint=hint)
    else:
        chosen = _whole_groups(parts, order, label=label, wanted=wanted)
        if len(chosen) < wanted:
            raise InputError(
                f"fewer {title} images than the test set needs",
                received=f"{len(chosen)} can be tested, {wanted} wanted",
                hint=f"lower `{title}` under `test` of the data set, or add images",
            )
    for row in chosen:
        parts.part[row], parts.reason[row] = "test", "drawn" if wanted is not None else "all are tested"


def _whole_groups(parts: _Parts, order: list[int], *, label: int, wanted: int) -> list[int]:
    chosen: list[int] = []
    taken: set[int] = set()
    for row in order:
        if row in taken or not parts.may_test(row):
            continue
        together = [r for r in parts.group_of[row] if parts.frame["label"][r] == label and parts.may_test(r)]
        if len(chosen) + len(together) <= wanted:
            chosen += together
            taken.update(together)
        if len(chosen) == wanted:
            break
    return chosen


def _fill_pool(parts: _Parts, row: int) -> None:
    split = parts.frame["split"][row]
    if parts.frame["label"][row] == 1:
        parts.leave_out(row, "abnormal and not drawn")
    elif split not in _POOL_SPLITS:
        parts.leave_out(row, f"split {split!r} of the source")
    elif parts.in_test(row):
        parts.leave_out(row, "belongs together with a test image")
    else:
        parts.part[row], parts.reason[row] = "pool", "normal and not tested"


def _conflicting(frame: pd.DataFrame) -> list[int]:
    """Rows whose group of duplicates holds both labels."""
    if "duplicate" not in frame:
        return []
    marked = frame[frame["duplicate"] != ""]
    both = marked.groupby("duplicate")["label"].transform("nunique") > 1
    return list(marked.index[both])
