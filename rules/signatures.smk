"""Parameters of the rules' functions: Snakemake asks for them at each call, 25 times a job, and builds them anew."""

from inspect import isfunction, signature

from snakemake.resources import Resource


def behind(item):
    """The function that an input, a parameter or a resource is decided by."""
    return (
        getattr(getattr(item, "_file", item), "callable", None) or getattr(item, "_evaluator", None) or item
    )


for _made in OURS:
    for _item in (*_made.input, *_made.params, *_made.resources.values(), _made._group):
        if isfunction(behind(_item)):
            behind(_item).__signature__ = signature(behind(_item))
Resource.evaluate.__signature__ = signature(Resource.evaluate)  # of which each job asks nine times
