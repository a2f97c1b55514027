"""Run Stage 1."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.backbones import pretrain_backbone

pretrain_backbone(
    base=Path(snakemake.input.base).parent,  # noqa: F821
    captions=params["captions"],
    settings=params["settings"],
    seed=params["seed"],
    processes=params["processes"],
    out=Path(snakemake.output.settings).parent,  # noqa: F821
)
