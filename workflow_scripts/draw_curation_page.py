"""Write the curation page of all data sets."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.galleries import write_curation_page

write_curation_page(
    sources=params["sources"],
    manifests=[Path(path) for path in snakemake.input.manifests],  # noqa: F821
    curations=[Path(path) for path in snakemake.input.curations],  # noqa: F821
    out=Path(snakemake.output[0]),  # noqa: F821
)
