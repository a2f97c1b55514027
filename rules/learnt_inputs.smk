"""What is asked of backbones and of other data sets, once for many runs."""

@cache
def layers_of(backbone):
    """What some method scores from."""
    return layers_stored(CONFIG, backbone)


@cache
def learns(method):
    """Kind of a method, whether it learns from other data sets, and whether it does so ahead of the runs."""
    entry = CONFIG.method(method)
    asked = (entry["kind"], entry["settings"])
    return entry["kind"], learns_from_others(*asked), learns_ahead(*asked)


def meta_files(wildcards):
    """Files of each other data set that a method may learn from: their normals, or all that is known of them."""
    entry = CONFIG.method(wildcards.method)
    names = other_files(entry["kind"], entry["settings"], wildcards.split)
    return [
        f"{RESULTS}/datasets/{other}/{name}" for other in others(CONFIG, wildcards.dataset) for name in names
    ]


def learnt_files(run):
    """What was learnt ahead of a run."""
    places = {name: getattr(run, name) for name in ("dataset", "split", "method", "seed")}
    return of_each(list(rules.learn_from_others.output), **places)


def learnt_inputs(wildcards):
    """Files that a method learns from before any support set is known."""
    backbone = CONFIG.run_backbone(wildcards.method, int(wildcards.seed))
    files = {**backbone_files(backbone), "meta": meta_files(wildcards)}
    entry = CONFIG.method(wildcards.method)
    if learns_labels(entry["kind"], entry["settings"]):  # to leave out what the other data sets share with it
        folder = f"{RESULTS}/datasets/{wildcards.dataset}"
        files |= {"tested": f"{folder}/manifest.csv", "tested_images": f"{folder}/images.npy"}
    return files
