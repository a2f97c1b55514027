"""The command ``predict``: check, then score group by group, then write what belongs to all."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reason
from fusionmedclip.lab.asked import PREDICTION, SCORES, SKIPPED, Asked, check_place
from fusionmedclip.lab.card import NO_DEVICE
from fusionmedclip.lab.detector import AnomalyDetector
from fusionmedclip.lab.inputs import Found, Input
from fusionmedclip.lab.journal import Journal, check_alone, files_lost, joined, parts_left
from fusionmedclip.lab.leftovers import forget_another, remove_torn
from fusionmedclip.lab.predict import ScoredGroup, groups_of, score_groups
from fusionmedclip.lab.requests import Request
from fusionmedclip.lab.summary import counted, number_of
from fusionmedclip.lab.tables import SKIPPED_COLUMNS, row_of, write_csv, write_json, write_scores
from fusionmedclip.lab.writers.writer import Skipped, Writer
from fusionmedclip.outputs import no_formula, remove_attempts
from fusionmedclip.provenance import digest, environment, package_digest
from fusionmedclip.shortages import is_shortage, remedy
from fusionmedclip.turns import alone_beside, alone_in

__all__ = ["Done", "predict_files"]


ALTERED = "changed, moved or removed while the prediction was written"
"""Why an input is skipped that was read: nobody can say which version of it the score is of."""


@dataclass(frozen=True)
class Done:
    """What a prediction did.

    Attributes
    ----------
    rows : list of mapping
        Of all inputs; of this part alone, while others are not done.
    skipped : list of (file, reason)
    prediction : mapping
        As in ``prediction.json``.
    complete : bool
        Whether all parts are done, and the files of all are written.
    left : sequence of str
        Parts that are not, as ``3/4``.
    replaced : bool
        Whether another finished prediction was there before.
    """

    rows: list[Mapping[str, Any]]
    skipped: list[Sequence[str]]
    prediction: Mapping[str, Any]
    complete: bool
    left: Sequence[str] = ()
    replaced: bool = False


def predict_files(
    request: Request,
    *,
    writers: Callable[[AnomalyDetector], Sequence[Writer]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Done:
    """Score files and folders with a saved model.

    Parameters
    ----------
    request : Request
        See :func:`fusionmedclip.lab.requests.prediction_request`.
    writers : callable, optional
        Gives what is written beside the scores; see :func:`fusionmedclip.lab.drawn.writers_for`.
    progress : callable, optional
        Called with inputs done and their number.

    Raises
    ------
    InputError
        Before anything is computed, wherever that can be known.
    """
    asked, found, out = request.asked, request.found, request.out
    fitted = AnomalyDetector.load(request.model, backbone=request.backbone, device=asked.device)
    if asked.batch_size is not None:
        fitted.set_params(batch_size=asked.batch_size)
    fitted.set_params(luma=fitted.luma or asked.luma)
    told = _prediction(fitted, request.model, found, asked)
    begun = False
    try:
        if out.suffix.lower() == ".csv":
            return _to_csv(fitted, found, asked, out, told)
        run = _Run(fitted, found, asked, out, told, writers(fitted) if writers else ())
        begun = True
        try:
            run.score(progress)
            return run.finish()
        except Exception as error:
            run.journal.check_place()  # where the folder has gone, that is why
            if isinstance(error, InputError):
                raise InputError(str(error), hint="once that is mended, --resume goes on") from error
            raise
        finally:
            run.journal.close()
    except Exception as error:
        if not is_shortage(error):
            raise
        hint = "; ".join(filter(None, (remedy(error), "--resume goes on" if begun else "")))
        file = getattr(error, "filename", None)
        why = reason(error) if file is None else f"{os.fsdecode(file)}: {reason(error)}"
        raise InputError(f"{out}: the prediction stopped ({why})", hint=hint) from error


def _prediction(model: AnomalyDetector, folder: Path, found: Found, asked: Asked) -> dict[str, Any]:
    """What ``prediction.json`` says; where parts differ is not among it."""
    record = model.record_
    left_out = record["left_out"] or {}
    return {
        "notice": NO_DEVICE,
        "model": {
            "folder": str(folder),
            "digest": model.digest_,
            **{name: record[name] for name in ("method", "title", "rests_on", "stand_in")},
            "support_inputs": record["support"]["inputs"],
            "thresholds": {
                level: left_out.get(level, {}).get("threshold") for level in ("pictures", "volumes")
            },
            "made_anomalies": left_out.get("made_anomalies"),
        },
        "settings": {
            "rule": asked.rule or record["rule"],
            "axis": asked.axis,
            "batch_size": model.batch_size,
            "device": model.recipe_.device,
            "threads": model.recipe_.threads,
            "mask_suffix": asked.mask_suffix,
            "luma": model.luma,
        },
        "inputs": len(found.inputs),
        "environment": environment(device=model.recipe_.device),
    }


def _key(told: Mapping[str, Any], seen: Mapping[str, Any]) -> str:
    """Digest of all that decides scores; inputs by their places, sizes and times, as ``make`` has it."""
    computed = [package_digest(), *(told["environment"][name] for name in ("packages", "python"))]
    return digest([computed, told["model"]["digest"], told["settings"], told["drawn"], list(seen.items())])


def _at_a_glance(item: Input) -> list[list[str | int]]:
    found = [(os.path.abspath(file), file.stat()) for file in item.files]
    return [[place, stat.st_size, stat.st_mtime_ns] for place, stat in found]


def _as_found(result: ScoredGroup, given: Mapping[str, Input], seen: Mapping[str, Any]) -> ScoredGroup:
    """What was scored, less the inputs that are no longer those that were seen at the start."""
    kept, skipped = [], list(result.skipped)
    for scored in result.scored:
        item = given[scored.name]
        try:
            same = _at_a_glance(item) == seen[item.name]
        except OSError:
            same = False
        if same:
            kept.append(scored)
        else:
            skipped.append(Skipped(str(item.place), ALTERED))
    return ScoredGroup(kept, skipped)


class _Run:
    def __init__(
        self,
        model: AnomalyDetector,
        found: Found,
        asked: Asked,
        out: Path,
        told: dict[str, Any],
        writers: Sequence[Writer],
    ):
        self.model, self.found, self.asked, self.out, self.told = model, found, asked, out, told
        self.writers = writers
        self.groups = groups_of(found.inputs, model.batch_size)
        self.seen = {item.name: _at_a_glance(item) for item in found.inputs}
        self.key = _key({**told, "drawn": bool(writers)}, self.seen)
        with alone_in(out):
            check_place(out, ())  # others may have been there meanwhile
            if check_alone(out, asked.part, self.key):
                remove_torn(out)
            self.replaced = not asked.resume and forget_another(out, self.key, asked.part)
            self.journal = Journal(out, asked.part, self.key, resume=asked.resume)

    def score(self, progress: Callable[[int, int], None] | None) -> None:
        """Score the groups of this part that are not done; one thread writes while the next is scored."""
        mine = self.asked.part.groups(len(self.groups))
        left = [number for number in mine if number not in self.journal.done]
        total = sum(len(self.groups[number]) for number in mine)
        count = total - sum(len(self.groups[number]) for number in left)
        results = score_groups(
            self.model,
            [self.groups[number] for number in left],
            rule=self.asked.rule,
            settings=ReadSettings(axis=self.asked.axis),
            workers=self.asked.workers,
        )
        with ThreadPoolExecutor(1) as writing:
            before = None
            for number, result in zip(left, results, strict=True):
                if before is not None:
                    before.result()
                before = writing.submit(self._write, number, result)
                count += len(self.groups[number])
                if progress is not None:
                    progress(count, total)
            if before is not None:
                before.result()

    def _write(self, number: int, result: ScoredGroup) -> None:
        places = {item.name: item for item in self.groups[number]}
        result = _as_found(result, places, self.seen)
        files = [
            name for one in result.scored for writer in self.writers for name in writer.write(one, self.out)
        ]
        rows = [row_of(scored, places[scored.name]) for scored in result.scored]
        self.journal.add(number, rows, _texts(result.skipped), files)

    def finish(self) -> Done:
        """Write what belongs to all, once all parts are done."""
        self.journal.check_place()
        lines = joined(self.out, self.asked.part, self.key, len(self.groups))
        left = parts_left(self.out, self.asked.part, self.key, len(self.groups))
        if str(self.asked.part) in left:
            raise InputError(f"{self.journal.path}: does not hold what was written into it")
        if lines is not None and (lost := files_lost(self.out, lines)):
            count = self.asked.part.count
            parts = sorted({n % count + 1 for n, line in enumerate(lines) if files_lost(self.out, [line])})
            raise InputError(
                f"{self.out / lost[0]}: was written, and is not there any more as it was",
                received=number_of(len(lost), "such file"),
                hint=f"of part {', '.join(f'{part}/{count}' for part in parts)}" if count > 1 else "",
            )
        done = lines if lines is not None else list(self.journal.done.values())
        order = {item.name: number for number, item in enumerate(self.found.inputs)}
        rows = sorted((row for line in done for row in line["inputs"]), key=lambda row: order[row["name"]])
        skipped = [*_texts(self.found.skipped), *(lost for line in done for lost in line["skipped"])]
        told: dict[str, Any] = {**self.told, "scored": len(rows), "skipped": len(skipped), **counted(rows)}
        if lines is not None:
            model, rests_on = told["model"]["digest"], told["model"]["rests_on"]
            write_scores(self.out / SCORES, rows, model=model, rests_on=rests_on)
            write_json(self.out / "scores.json", {"model": told["model"], "inputs": rows})
            write_csv(self.out / SKIPPED, SKIPPED_COLUMNS, skipped)
            write_json(self.out / PREDICTION, told)
            for writer in self.writers if rows else ():
                writer.finish(self.out, skipped=[Skipped(file, why) for file, why in skipped])
        return Done(rows, skipped, told, lines is not None, left, self.replaced)


def _to_csv(model: AnomalyDetector, found: Found, asked: Asked, out: Path, told: dict[str, Any]) -> Done:
    given = {item.name: item for item in found.inputs}
    seen = {item.name: _at_a_glance(item) for item in found.inputs}
    skipped = list(found.skipped)
    rows: dict[str, Mapping[str, Any]] = {}
    groups = groups_of(found.inputs, model.batch_size)
    settings = ReadSettings(axis=asked.axis)
    for group in score_groups(model, groups, rule=asked.rule, settings=settings, workers=asked.workers):
        group = _as_found(group, given, seen)
        skipped += group.skipped
        rows |= {scored.name: row_of(scored, given[scored.name]) for scored in group.scored}
    ordered = [rows[name] for name in given if name in rows]
    with alone_beside(out):
        remove_attempts(out)
        write_scores(out, ordered, model=told["model"]["digest"], rests_on=told["model"]["rests_on"])
    return Done(ordered, _texts(skipped), told, True)


def _texts(skipped: Sequence[Skipped]) -> list[Sequence[str]]:
    return [[no_formula(lost.file), lost.reason] for lost in skipped]
