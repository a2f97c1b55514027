"""What lies behind a run: where its results are, the weights that it made, the images that it learnt from."""

from pathlib import Path

import pandas as pd

from fusionmedclip.errors import InputError
from fusionmedclip.pipeline.files import read_json
from fusionmedclip.provenance import file_sha256
from fusionmedclip.reporting.verification.run_files import RunFiles

__all__ = ["results_of", "support_images", "trained_weights"]


def results_of(folder: Path, table: str) -> Path:
    """The results that hold a table: a folder, or the one below it that does.

    Parameters
    ----------
    folder : Path
        Of results, or of several overlays' results.
    table : str

    Raises
    ------
    InputError
        If several folders hold it, or none does and some hold other tables.
    """
    if (folder / "tables" / f"{table}.csv").is_file():
        return folder
    made = sorted(folder.glob("*/tables/*.csv"))
    holding = [path.parents[1] for path in made if path.stem == table]
    if len(holding) == 1:
        return holding[0]
    if holding:
        raise InputError(
            f"{table} was made more than once", received=str(folder), allowed=", ".join(map(str, holding)),
            hint=f"--results {holding[0]}",
        )  # fmt: skip
    return folder


def trained_weights(results: Path, run: str) -> dict[str, str]:
    """Files of what a run learnt and their SHA-256 today, marked where the run's record has another.

    Parameters
    ----------
    results : Path
    run : str
        ``{dataset}/{split}/{method}/k{k}/seed{seed}``.
    """
    files = RunFiles(run)
    if not (results / files.provenance).is_file():
        return {}
    recorded = files.located(read_json(results / files.provenance).get("outputs", {}))
    found = {}
    for name, sha in recorded.items():
        if name.startswith(f"runs/{run}/weights/"):
            path = results / name
            now = file_sha256(path) if path.is_file() else None
            found[name] = sha if now == sha else f"{now or 'missing'}, recorded {sha}"
    return found


def support_images(results: Path, run: str) -> dict[str, str]:
    """Images of a run's support set, in the order drawn, and their SHA-256 as the manifest has it."""
    files = RunFiles(run)
    drawn = pd.read_csv(results / files.support, dtype=str)["image_id"]
    listed = pd.read_csv(results / files.manifest, dtype=str).set_index("image_id")["sha256"]
    return {name: listed[name] for name in drawn}
