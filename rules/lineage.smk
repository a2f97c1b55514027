"""What a job rests on: the jobs whose files it reads, what those rest on, and so down to images and weights.

A job that fails takes its files with it and leaves those below, which were made by other settings or code, as they
are; Snakemake compares what is there with its own parameters alone, and does not miss a file whose products are
there. So the parameters of each job hold a digest of those of the jobs above it, and each target asks for all that
its files rest on.
"""

from snakemake.io import is_callable, strip_wildcard_constraints
from snakemake.iocontainers import Wildcards
from snakemake.output_index import OutputIndex

OURS = [rule for rule in workflow.rules if rule not in OTHERS]
# A module is read once more where one of its rules is replaced; the others are those of its first reading.
EARLIER = getattr(workflow.modifier.path_modifier, "earlier", [])
WHOLE = workflow.modifier.path_modifier.earlier = [
    *(rule for rule in EARLIER if rule in set(workflow.rules)),
    *OURS,
]
NAMED = workflow.modifier.path_modifier.named = {
    **getattr(workflow.modifier.path_modifier, "named", {}),
    **{name: found.rule for name, found in rules._rules.items() if found.rule in OURS},
}
MAKERS = OutputIndex([rule for rule in WHOLE if rule.script])


@cache
def maker(path):
    """Rule and wildcards of the job that makes a file; None for what lies outside of the workflow."""
    found = MAKERS.match_producers(path)
    return next(((made_by, Wildcards(fromdict=made_by.get_wildcards(path))) for made_by in found), None)


@cache
def template(pattern):
    """A pattern of file names without its wildcards' constraints."""
    return strip_wildcard_constraints(pattern)


def filled(pattern, values):
    """A pattern with wildcards' values; apply_wildcards makes a file of it, and takes ten times as long."""
    return template(str(pattern)).format_map(values)


def named(made_by, patterns, wildcards):
    """Files that a rule's patterns and functions give; expand_input does more, and takes several times as long."""
    values = dict(wildcards.items())
    for pattern in patterns:
        if is_callable(pattern):
            yield from flat(made_by.apply_input_function(pattern, wildcards)[0])
        else:
            yield filled(pattern, values)


def flat(found):
    """Every path in what an input function returns."""
    if isinstance(found, str | Path):
        return [STORE + str(found).removeprefix(STORE)]
    return [path for part in (found.values() if isinstance(found, dict) else found) for path in flat(part)]


@cache
def job_of(path):
    """First output of the job that makes a file, by which it is named; None for what lies outside of the workflow."""
    made_by, wildcards = maker(path) or (None, None)
    return made_by and filled(made_by.output[0], wildcards)


@cache
def written_by(job):
    """Files that a job, named by its first output, makes."""
    made_by, wildcards = maker(job)
    return tuple(named(made_by, made_by.output, wildcards))


@cache
def read_for(job):
    """Files that a job, named by its first output, reads."""
    made_by, wildcards = maker(job)
    return tuple(named(made_by, made_by.input, wildcards))


def jobs_behind(paths):
    """Jobs that make some files, each named by its first output."""
    return sorted({job_of(path) for path in paths} - {None})


def traced(rule, found):
    """Parameters of a rule's jobs as one text, with a digest of those of the jobs whose files they read."""

    @cache
    def trace(**values):
        wildcards = Wildcards(fromdict=values)
        above = jobs_behind(read_for(filled(rule.output[0], values)))
        return canonical({**found(wildcards), "above": digest([parameters_of(job) for job in above])[:16]})

    return lambda wildcards: trace(**dict(wildcards.items()))


@cache
def parameters_of(job):
    """Parameters of a job, named by its first output, as its script has them."""
    made_by, wildcards = maker(job)
    return digest(made_by.params[0](wildcards))


for _made in OURS:
    if _made.script:
        _made.params[0] = traced(_made, _made.params[0])
