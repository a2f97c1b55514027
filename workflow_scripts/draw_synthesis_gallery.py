"""Draw what synthesis makes of a support set."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.galleries import synthesis_gallery

synthesis_gallery(
    manifest=Path(snakemake.input.manifest),  # noqa: F821
    images=Path(snakemake.input.images),  # noqa: F821
    support=Path(snakemake.input.support),  # noqa: F821
    settings=params["settings"],
    seed=params["seed"],
    title=params["title"],
    out=Path(snakemake.output[0]),  # noqa: F821
)
