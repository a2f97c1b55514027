"""Draw anomaly maps of a data set."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.reporting.map_gallery import draw_map_gallery

draw_map_gallery(
    manifest=Path(snakemake.input.manifest),  # noqa: F821
    images=Path(snakemake.input.images),  # noqa: F821
    masks=Path(snakemake.input.masks),  # noqa: F821
    examples=[Path(path) for path in snakemake.input.examples],  # noqa: F821
    titles=params["titles"],
    title=params["title"],
    k=params["k"],
    stand_in=params["stand_in"],
    out=Path(snakemake.output[0]),  # noqa: F821
)
