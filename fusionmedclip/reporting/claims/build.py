"""The table of claims: ``claims.{csv,md,tex,html}``, and ``claims.inputs.json``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fusionmedclip.pipeline.files import write_text
from fusionmedclip.reporting.claims.catalogue import claims
from fusionmedclip.reporting.claims.evidence import cell_of, read_evidence
from fusionmedclip.reporting.claims.formats import claims_csv, claims_html, claims_latex, claims_markdown
from fusionmedclip.reporting.claims.lines import claim_lines
from fusionmedclip.reporting.claims.verdicts import judge_claims
from fusionmedclip.reporting.comparisons.tested_images import images_of
from fusionmedclip.reporting.tables.inputs import read_record, write_record

__all__ = ["build_claims"]


def build_claims(
    *,
    results: str | Path,
    look: Mapping[str, Any],
    records: Sequence[str | Path],
    manifests: Sequence[str | Path],
    splits: Sequence[str | Path],
    files: Sequence[str | Path],
    metrics: Sequence[str | Path] = (),
    scores: Sequence[str | Path] = (),
    record: str | Path | None = None,
) -> None:
    """Judge every claim of the thesis by finished runs.

    Parameters
    ----------
    results : path
        Folder that all files lie in.
    look : mapping
        From :func:`fusionmedclip.reporting.claims.request.claims_look`.
    records : sequence of paths
        ``{table}.inputs.json`` of its tables, which say what their cells are made of.
    manifests, splits, metrics, scores : sequences of paths
        Of the runs behind them.
    files : sequence of paths
        What to write: ``.csv``, ``.md``, ``.tex``, ``.html``.
    record : path, optional
        ``claims.inputs.json``.

    Raises
    ------
    InputError
        If metrics were made with other settings than the tables', or a record is damaged.
    """
    wanted = claims()
    requests = [cell for path in records for cell in read_record(path).request]
    evidence = read_evidence(
        requests,
        cells={cell for claim in wanted for cell in claim.cells},
        results=results,
        manifests=manifests,
        images=images_of(manifests=manifests, splits=splits),
    )
    lines = claim_lines(judge_claims(wanted, evidence), look["titles"])
    texts = {
        ".csv": claims_csv(lines),
        ".md": claims_markdown(lines),
        ".tex": claims_latex(lines),
        ".html": claims_html(lines, shown=set(map(cell_of, requests))),
    }
    for path in map(Path, files):
        write_text(path, texts[path.suffix])
    if record is not None:
        inputs = [*records, *metrics, *scores, *manifests, *splits]
        write_record(record, results=results, layout=look, inputs=inputs, outputs=files)
