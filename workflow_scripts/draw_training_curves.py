"""Draw the training loss of the methods of a data set."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.reporting.training_curves import draw_training_curves

draw_training_curves(
    logs={name: [Path(path) for path in paths] for name, paths in params["logs"].items()},
    title=params["title"],
    k=params["k"],
    stand_in=params["stand_in"],
    out=Path(snakemake.output[0]),  # noqa: F821
)
