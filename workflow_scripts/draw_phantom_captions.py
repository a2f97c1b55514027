"""Draw phantoms with captions in ROCO's layout."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.data.phantoms import write_phantom_captions

source = params["source"]
write_phantom_captions(
    Path(snakemake.output[0]),  # noqa: F821
    size=source["size"],
    n_train=source["train"],
    n_validation=source["validation"],
    n_test=source["test"],
    seed=source["seed"],
)
