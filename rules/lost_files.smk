"""Files that are gone while what was made from them is there: Snakemake does not miss those, and targets ask for them."""


def lost_behind(paths):
    """Files that are gone while what was made from them, or beside them, is there: below some files, however deep."""
    lost, seen, left = set(), set(), jobs_behind(paths)
    while left:
        seen.update(left)
        for job in left:
            files = {*written_by(job), *read_for(job)}
            if any(map(os.path.exists, written_by(job))):
                lost.update(path for path in files if maker(path) and not os.path.exists(path))
        left = [job for job in jobs_behind(path for job in left for path in read_for(job)) if job not in seen]
    return sorted(lost)


def whole(target):
    """An input function of a target: what Snakemake would not miss, since all that was made from it is there."""
    asked = tuple(target.input)
    return lambda wildcards: lost_behind(asked)


for _made in OURS:
    if not _made.script and not _made.output:
        _made.set_input(whole(_made))
