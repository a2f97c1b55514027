"""The table of claims as it lies in results, held against what it must be without any run."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded
from fusionmedclip.provenance import file_sha256
from fusionmedclip.reporting.claims.catalogue import CLAIMS, claims
from fusionmedclip.reporting.claims.lines import COLUMNS, said_of
from fusionmedclip.reporting.claims.verdicts import VERDICTS
from fusionmedclip.reporting.tables.inputs import SUFFIX, read_record

__all__ = ["read_claims", "recorded"]


@guarded("table of claims", hint="make it again: snakemake --cores 2 claims")
def read_claims(path: Path) -> list[dict[str, str]]:
    """The lines of ``claims.csv``; whether runs bear its verdicts out is for ``verify`` to say.

    Raises
    ------
    InputError
        For other columns, verdicts or claims than this version writes, and for other bytes than its record
        holds, where there is one.
    """
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        columns, lines = tuple(table.fieldnames or ()), list(table)
    if columns != COLUMNS or not lines:
        raise InputError(f"{path}: not a table of claims", received=columns, allowed=", ".join(COLUMNS))
    if strange := {str(line["verdict"]) for line in lines} - set(VERDICTS):
        raise InputError(
            f"{path}: no verdict on a claim", received=", ".join(sorted(strange)), allowed=", ".join(VERDICTS)
        )
    hint = (
        f"fusionmedclip verify {path.parents[1]} names each file that was altered; claims of another version "
        "are made again: snakemake --cores 2 claims"
    )
    if wrong := _unlike_the_thesis_s(lines):
        raise InputError(f"{path}: not the claims of this version: {wrong}", hint=hint)
    if recorded(path) and _digest_held(path) != file_sha256(path):
        raise InputError(f"{path}: altered since {CLAIMS}{SUFFIX} beside it was written", hint=hint)
    return lines


def recorded(path: Path) -> bool:
    """Whether a record beside the table says which bytes it had."""
    return path.with_name(f"{CLAIMS}{SUFFIX}").is_file()


def _digest_held(path: Path) -> str | None:
    held = read_record(path.with_name(f"{CLAIMS}{SUFFIX}")).outputs
    return held.get(f"{path.parent.name}/{path.name}")


def _unlike_the_thesis_s(lines: Sequence[Mapping[str, str]]) -> str:
    """What is not as the package has it, in words; empty where claims, their order and their texts are."""
    packaged = [said_of(claim) for claim in claims()]
    held = {line["claim"]: VERDICTS.index(line["verdict"]) for line in lines}
    if invented := [name for name in held if name not in {said["claim"] for said in packaged}]:
        return f"the thesis makes no claim {invented[0]}"
    if absent := [said["claim"] for said in packaged if said["claim"] not in held]:
        return f"{len(absent)} of {len(packaged)} are missing, such as {absent[0]}"
    ordered = sorted(packaged, key=lambda said: held[said["claim"]])
    if [line["claim"] for line in lines] != [said["claim"] for said in ordered]:
        return "a claim stands twice, or out of the order of the verdicts"
    for line, said in zip(lines, ordered, strict=True):
        if changed := [name for name, value in said.items() if line[name] != str(value)]:
            return f"{changed[0]} of {line['claim']}"
    return ""
