"""What jobs run in, where Snakemake is asked to make it: environments of conda, or an image of Dockerfile."""

from snakemake.settings.types import DeploymentMethod

MADE = workflow.deployment_settings.deployment_method
# Where no environment is made, jobs run with what is installed, and the choice says nothing of it.
BUILD = CONFIG.data["software"]["torch"] if DeploymentMethod.CONDA in MADE else "cuda13"
TORCH = "../envs/" + {"cuda13": "torch", "cuda12": "torch-cuda12", "cpu": "torch-cpu"}[BUILD] + ".yaml"
IMAGE = CONFIG.data["software"]["image"] if DeploymentMethod.APPTAINER in MADE else None


if IMAGE:
    if DeploymentMethod.CONDA in MADE:
        raise WorkflowError(
            "The image of software.image holds its environment: leave --use-conda out, or the image."
        )

    containerized: IMAGE
