"""The workflow parses and plans with the standard library, Snakemake, PyYAML and jsonschema alone."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

HERE = Path(__file__).parent
KEPT = {"jsonschema", "pyyaml", "snakemake", "snakemake-executor-plugin-slurm"}


def gone(root: Path) -> set[str]:
    """Top modules of every package that the project asks for, but those that parsing may use."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [
        *project["dependencies"],
        *(text for name in ("medical", "text", "page") for text in extras[name]),
    ]
    names = {Requirement(text).name.lower().replace("_", "-") for text in asked} - KEPT
    modules = packages_distributions()
    found = {m for m, packages in modules.items() if names & {p.lower().replace("_", "-") for p in packages}}
    return {module for module in found if not module.startswith("_")}


def test_what_is_gone_is_what_the_project_computes_with(root):
    assert {"numpy", "pandas", "torch", "PIL", "cv2", "rich", "pydicom", "open_clip"} <= gone(root)
    needed = {Requirement(text).name.lower() for text in requires("snakemake") or []}
    assert {"jsonschema", "pyyaml"} <= needed  # so a stock Snakemake has them


@pytest.mark.parametrize("config", ["configs/demo.yaml", "configs/published.yaml"])
def test_a_stock_snakemake_plans_the_workflow(root, config):
    command = [sys.executable, str(HERE / "parse_bare.py"), ",".join(sorted(gone(root)))]
    command += ["--cores", "1", "--dry-run", "--forceall", "--quiet", "rules", "--configfile", config]
    command += ["--", "all_tables"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-3000:]
    assert "run_method" in printed
