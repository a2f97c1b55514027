"""Commands of the workflow as Snakemake understands them, those of one configuration together."""

import contextlib
import io
import re
import shlex
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from snakemake.cli import parse_args

ROOT = Path(__file__).resolve().parents[2]
ONE = "configs/one_seed.yaml"
FREE = {
    *("cores", "dryrun", "quiet", "use_conda", "software_deployment_method", "apptainer_args", "targets"),
    *("configfile", "default_resources", "max_jobs_per_timespan"),
}
"""What may differ between two commands of one configuration; the last two are never equal to another's."""


@dataclass
class Plan:
    """What some commands of one configuration ask for: its files, single values, profile, targets."""

    files: tuple[str, ...]
    values: tuple[str, ...]
    profile: str
    commands: dict[str, str] = field(default_factory=dict)
    """Page by command."""
    targets: list[str] = field(default_factory=list)

    @property
    def command(self) -> list[str]:
        """One dry run of all of it, of one repetition: the others differ in a number."""
        words = ["snakemake", "--cores", "1", "--dry-run", "--quiet", "rules"]
        words += ["--configfile", *dict.fromkeys((*self.files, ONE))]
        words += ["--config", *self.values] if self.values else []
        words += ["--workflow-profile", self.profile] if self.profile else []
        return [*words, "--", *self.targets]


def is_plan(command: str, *, runs: bool) -> bool:
    """Whether a command is to be planned: a dry run, or one whose run takes what not every machine has."""
    words = shlex.split(command)
    return words[0] == "snakemake" and (not runs or "--dry-run" in words)


def plans(asked: list[tuple[str, str]], *, default: str) -> list[Plan]:
    """One plan a configuration; its dry run plans every target that some command asks for.

    Parameters
    ----------
    asked : list of (page, command)
    default : str
        The target of a command that names none.

    Raises
    ------
    ValueError
        For options that Snakemake does not have, and for a command that asks for more than a configuration
        and targets, which a common plan would not cover.
    """
    found: dict[tuple, Plan] = {}
    for page, command in asked:
        if lacking := _lacking(shlex.split(command)):
            print(f"{page}: {command}: not planned without {lacking}")
            continue
        options = _options(tuple(shlex.split(command)))
        if options.unlock or options.snakefile or options.directory:
            continue  # plans nothing, or somewhere else: tests/workflow/test_module.py
        files = tuple(map(str, options.configfile or ()))
        values = tuple(options.config or ())
        key = (files, values, options.workflow_profile or "")
        plan = found.setdefault(key, Plan(*key))
        plan.commands[command] = page
        plan.targets += [name for name in options.targets or [default] if name not in plan.targets]
        alike = vars(_options(tuple(Plan(*key).command)))
        more = {name for name, value in vars(options).items() if value != alike[name]} - FREE
        if more:
            raise ValueError(f"{page}: {command}: its plan would leave out {', '.join(sorted(more))}")
    return list(found.values())


def _lacking(words: list[str]) -> str:
    """The plugin of another's scheduler or storage that a command needs and that is not installed here."""
    named = dict(pairwise(words))
    profile = named.get("--workflow-profile", "")
    asked = (
        re.search(r"^executor: (\S+)", (ROOT / profile / "config.yaml").read_text(), re.M)
        if profile
        else None
    )
    plugins = [f"snakemake_executor_plugin_{asked[1]}".replace("-", "_")] if asked else []
    if provider := named.get("--default-storage-provider"):
        plugins.append(f"snakemake_storage_plugin_{provider}")
    known = [name for name in plugins if find_spec(name) is None]
    return known[0] if known else ""


@cache
def _options(words: tuple[str, ...]):
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            return parse_args(list(words[1:]))[1]
        except SystemExit:
            raise ValueError(f"{shlex.join(words)}: {said.getvalue()}") from None
