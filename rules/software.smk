"""What jobs run in, where Snakemake is asked to make it: environments of conda."""

from snakemake.settings.types import DeploymentMethod

MADE = workflow.deployment_settings.deployment_method
# Where no environment is made, jobs run with what is installed, and the choice says nothing of it.
BUILD = CONFIG.data["software"]["torch"] if DeploymentMethod.CONDA in MADE else "cuda13"
TORCH = "../envs/" + {"cuda13": "torch", "cuda12": "torch-cuda12", "cpu": "torch-cpu"}[BUILD] + ".yaml"
