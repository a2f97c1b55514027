"""Parameters of rules: what a job calls, with which settings, and digests of all else that decides what it makes."""

from fusionmedclip.code_digest import code_digest
from fusionmedclip.pipeline.environments import environment_digest
from fusionmedclip.provenance import canonical, digest, file_sha256


@cache  # asked once a job, and files do not change while jobs are planned
def code_of(rule, entries):
    """Digest of the code that a rule's script and some entry points reach."""
    script = NAMED[rule].script
    return code_digest(os.path.join(PROJECT, "rules", script), entries)


@cache  # a file serves many rules, and its packages are looked up one by one
def environment_in(file):
    """Digest of the packages that a file asks for."""
    return environment_digest(os.path.join(PROJECT, "rules", file), is_made=DeploymentMethod.CONDA in MADE)


def environment_of(rule):
    """Digest of the packages that a rule's jobs run with."""
    return digest(IMAGE)[:16] if IMAGE else environment_in(NAMED[rule].conda_env)


def device_of(rule):
    """Where a rule's jobs compute, as the configuration says; ``auto`` is the CPU where a site gives the rule no GPU."""
    asked = NAMED[rule].resources["gpu"]
    none = not asked.is_evaluable() and asked.value == 0
    return "cpu" if none and CONFIG.data["device"] == "auto" else CONFIG.data["device"]


def params(rule, call, *, entries=(), asks=(), outside=None, **arguments):
    """What a job's files depend on beside those it reads.

    `call` is the function of the library, `module:name` below it; it is given `arguments`, the rule's named files and
    what it `asks` of the running job (workflow_scripts/run_job.py). `entries` is what it chooses from an index,
    `outside` what it finds outside of the workflow. Snakemake compares params as an unordered set and cannot see the
    library: lineage.smk makes one string of them.
    """
    call = f"fusionmedclip.{call}"
    return {
        "call": call,
        "arguments": arguments,
        "asks": asks,
        "outside": outside,
        "code": code_of(rule, (call, *entries)),
        "environment": environment_of(rule),
    }


def source_readers(*datasets):
    """What reads the sources of some data sets."""
    kinds = {CONFIG.source(dataset)["kind"] for dataset in datasets}
    return tuple(SOURCE_KINDS[kind] for kind in sorted(kinds & SOURCE_KINDS.keys()))


def contents(paths):
    """Digest of the contents of some files."""
    return digest([file_sha256(path) for path in paths])
