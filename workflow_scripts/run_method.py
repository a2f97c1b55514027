"""Fit a method and score the test set."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.runs import RunInputs, RunOutputs, run_method


def paths(files, *names):
    """Named files as paths; those that this run does not have are left out."""
    return {name: Path(getattr(files, name)) for name in names if getattr(files, name, None)}


inputs = paths(snakemake.input, "manifest", "images", "masks", "split", "support", "features")  # noqa: F821
if getattr(snakemake.input, "backbone", None):  # noqa: F821
    inputs["backbone"] = Path(snakemake.input.backbone).parent  # noqa: F821
outputs = ("weights", "log", "provenance", "scores", "pixel_counts", "examples")
run_method(
    settings=params["settings"],
    inputs=RunInputs(**inputs),
    outputs=RunOutputs(**paths(snakemake.output, *outputs)),  # noqa: F821
    device=params["device"],
)
