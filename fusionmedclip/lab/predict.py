"""Inputs through a model: read ahead in threads, scored in batches of one shape, one result an input."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from fusionmedclip.data.reading.recombine import reduce_scores
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.lab.detector import AnomalyDetector
from fusionmedclip.lab.fitted_on import OF_SUPPORT, is_fitted_on
from fusionmedclip.lab.given import check_parameters, images_given
from fusionmedclip.lab.inputs import PICTURE, Input, find_inputs, one_line
from fusionmedclip.lab.reading import Slices, read_input
from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.writers.writer import Skipped
from fusionmedclip.models.detector import Scores

__all__ = ["ScoredGroup", "default_workers", "groups_of", "score_groups", "score_inputs"]


class ScoredGroup(NamedTuple):
    """What became of the inputs of one group."""

    scored: list[ScoredInput]
    skipped: list[Skipped]


def default_workers() -> int:
    """Threads that read: as many as this process may use, at most 4."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, there)


def score_inputs(
    model: AnomalyDetector,
    inputs: str | Path | Sequence[str | Path | Input],
    *,
    rule: str | None = None,
    settings: ReadSettings | None = None,
    workers: int | None = None,
    skipped: list[Skipped] | None = None,
) -> Iterator[ScoredInput]:
    """Score pictures, volumes and series.

    Parameters
    ----------
    model : AnomalyDetector
        Fitted; its ``batch_size`` slices are scored at a time.
    inputs : path, or sequence of paths or Input
        Files, and folders with all that lies below them.
    rule : {"max", "top", "mean"}, optional
        How slices make the score of a volume, in place of the model's; see
        :func:`fusionmedclip.data.reading.recombine.reduce_scores`.
    settings : ReadSettings, optional
        How files are read; ``axis`` is along which volumes are cut.
    workers : int, optional
        Threads that read ahead.
    skipped : list, optional
        Takes what cannot be scored; without it that is an error.

    Yields
    ------
    ScoredInput
        Groups of pictures and volumes in turn, each in order.
    """
    items = images_given(inputs)
    given = [item for item in items if isinstance(item, Input)]
    if not given:
        found = find_inputs([Path(item) for item in items if not isinstance(item, Input)])
        given = found.inputs
        _pass_on(found.skipped, skipped)
    groups = groups_of(given, model.batch_size)
    for group in score_groups(model, groups, rule=rule, settings=settings, workers=workers):
        _pass_on(group.skipped, skipped)
        yield from group.scored


def _pass_on(found: list[Skipped], skipped: list[Skipped] | None) -> None:
    if skipped is not None:
        skipped += found
    elif found:
        raise InputError(f"{found[0].file}: {found[0].reason}", hint="pass `skipped` to go on without it")


def groups_of(inputs: Sequence[Input], size: int) -> list[tuple[Input, ...]]:
    """Inputs that are scored together: a batch of pictures, or one volume.

    Groups follow from the list alone, so that a part or a resumed run scores the very batches that all at
    once would have had, and gets the same digits.
    """
    groups: list[tuple[Input, ...]] = []
    waiting: list[Input] = []
    for item in inputs:
        if item.kind != PICTURE:
            groups.append((item,))
            continue
        waiting.append(item)
        if len(waiting) == size:
            groups.append(tuple(waiting))
            waiting = []
    return [*groups, tuple(waiting)] if waiting else groups


def score_groups(
    model: AnomalyDetector,
    groups: Sequence[Sequence[Input]],
    *,
    rule: str | None = None,
    settings: ReadSettings | None = None,
    workers: int | None = None,
) -> Iterator[ScoredGroup]:
    """Score groups in order, reading and enlarging maps in threads beside the scoring."""
    workers = workers or default_workers()
    rule = rule or model.rule
    check_parameters({**model.get_params(deep=False), "rule": rule})
    with ThreadPoolExecutor(workers) as pool:
        finishing: deque[Future[ScoredGroup]] = deque()
        try:
            for read in _read_ahead(
                model, groups, settings, pool, ahead=1 + -(-2 * workers // model.batch_size)
            ):
                slices = [found for found in read if isinstance(found, Slices)]
                lost = [found for found in read if isinstance(found, Skipped)]
                scores = model.score_working(np.concatenate([s.working for s in slices])) if slices else None
                finishing.append(pool.submit(_finished, model, slices, scores, lost, rule))
                if len(finishing) > 1:
                    yield finishing.popleft().result()
            while finishing:
                yield finishing.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _read_ahead(
    model: AnomalyDetector,
    groups: Iterable[Sequence[Input]],
    settings: ReadSettings | None,
    pool: ThreadPoolExecutor,
    *,
    ahead: int,
) -> Iterator[list[Slices | Skipped]]:
    waiting: deque[list[Future[Slices | Skipped]]] = deque()
    for group in groups:
        waiting.append([pool.submit(_read_or_skip, model, item, settings) for item in group])
        if len(waiting) > ahead:
            yield [future.result() for future in waiting.popleft()]
    while waiting:
        yield [future.result() for future in waiting.popleft()]


def _read_or_skip(model: AnomalyDetector, item: Input, settings: ReadSettings | None) -> Slices | Skipped:
    recipe = model.recipe_
    try:
        read = read_input(item, recipe.image_size, form=recipe.images, settings=settings, luma=model.luma)
        fitted = is_fitted_on(model.record_, read.input.files)
        return replace(read, notes=(*read.notes, OF_SUPPORT)) if fitted else read
    except InputError as error:
        return Skipped(str(item.place), one_line(error, item.place))


def _finished(
    model: AnomalyDetector, slices: list[Slices], scores: Scores | None, lost: list[Skipped], rule: str
) -> ScoredGroup:
    scored, start = [], 0
    for one in slices:
        assert scores is not None
        rows = slice(start, start + len(one.names))
        start = rows.stop
        maps = None if scores.maps is None else _enlarged(scores.maps[rows], one.pixels.shape[1:3])
        scored.append(_scored(model, one, scores.scores[rows], maps, rule))
    return ScoredGroup(scored, lost)


def _scored(
    model: AnomalyDetector, one: Slices, scores: np.ndarray, maps: np.ndarray | None, rule: str
) -> ScoredInput:
    score = reduce_scores(scores, rule)
    volume = len(scores) > 1
    comparable = not volume or rule == model.record_["rule"]
    percentile, flag = model.standing(score, volume=volume) if comparable else (None, None)
    standings = tuple(model.standing(float(each)) for each in scores) if volume else ()
    return ScoredInput(
        one.input.files,
        one.input.name,
        one.names,
        one.pixels,
        maps,
        scores,
        score,
        percentile,
        flag,
        one.axis,
        standings,
        (*one.notes, *_blank_worst(one, scores)),
    )


def _blank_worst(one: Slices, scores: np.ndarray) -> tuple[str, ...]:
    worst = one.pixels[int(np.argmax(scores))]
    blank = len(scores) > 1 and np.ptp(worst) == 0 < np.ptp(one.pixels)
    return ("the slice that scores highest is blank",) if blank else ()


def _enlarged(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    return np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in maps])
