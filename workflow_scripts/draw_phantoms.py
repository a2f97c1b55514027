"""Draw a data set of phantoms."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.data.phantoms import write_phantom_dataset

source = params["source"]
write_phantom_dataset(
    Path(snakemake.output[0]),  # noqa: F821
    source["modality"],
    size=source["size"],
    n_normal=source["normal"],
    n_abnormal=source["abnormal"],
    seed=source["seed"],
)
