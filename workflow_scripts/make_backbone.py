"""Write a stock backbone."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.backbones import make_backbone

make_backbone(settings=params["settings"], out=Path(snakemake.output.settings).parent)  # noqa: F821
