"""Write the metrics of a run."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.measures import compute_metrics

compute_metrics(
    scores=Path(snakemake.input.scores),  # noqa: F821
    pixel_counts=Path(snakemake.input.pixel_counts),  # noqa: F821
    provenance=Path(snakemake.input.provenance),  # noqa: F821
    settings=params["settings"],
    out=Path(snakemake.output[0]),  # noqa: F821
)
