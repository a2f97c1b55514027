"""Which files each rule reads, where that depends on the configuration."""

from fusionmedclip.data.sources.outside import captions_digest, checkpoint_digest, source_digest


def captions_needed(wildcards):
    """Phantom captions must be drawn first; others lie on disk."""
    name = CONFIG.backbone(wildcards.backbone)["stage1"]["captions"]
    drawn = CAPTIONS[name]["source"]["kind"] == "phantoms"
    return f"{RESULTS}/captions/{name}/phantoms" if drawn else []


def backbone_files(name):
    """Files of a backbone by the names that runs have for them; architecture and text towers go together."""
    folder = f"{RESULTS}/backbones/{name}"
    files = {"backbone": f"{folder}/settings.json", "backbone_weights": f"{folder}/model.safetensors"}
    if name not in TRUNKS:
        files["backbone_config"] = f"{folder}/open_clip_config.json"
    return files


def drawn_images(*datasets):
    """Images that the workflow draws itself; all others lie outside of it."""
    return of_each(rules.draw_phantoms.output.out, dataset=[name for name in datasets if name in PHANTOMS])


@cache
def outside(dataset):
    """What the images of a data set look like, which the workflow has not drawn itself: nothing else sees a change."""
    return None if dataset in PHANTOMS else source_digest(CONFIG.source(dataset))


@cache
def outside_captions(name):
    """The same of captions."""
    source = CONFIG.source(name, section="captions")
    return None if CAPTIONS[name]["source"]["kind"] == "phantoms" else captions_digest(source)


def stage1_params(wildcards):
    """What Stage 1 depends on."""
    stage1 = CONFIG.backbone(wildcards.backbone)["stage1"]
    captions = CONFIG.source(stage1["captions"], section="captions")
    return params(
        "pretrain_backbone",
        "pipeline.backbones:pretrain_backbone",
        entries=tuple(
            CAPTION_LAYOUTS[kind] for kind in sorted({captions["kind"], "csv"})
        ),  # kept pairs are a CSV
        asks=("gpus", "nodes"),
        outside=outside_captions(stage1["captions"]),
        captions=captions,
        settings=stage1["settings"],
        seed=stage1["seed"],
        processes=stage1_processes(wildcards),
        device=device_of("pretrain_backbone"),
    )


def stage1_processes(wildcards):
    """Processes of Stage 1 on one machine; each computes with a GPU of its own where there are any."""
    return CONFIG.backbone(wildcards.backbone)["stage1"].get("processes", 1)


def datasheet_request(dataset):
    """What a datasheet says; the origin only where the source is that public data set."""
    entry = DATASETS[dataset]
    return {
        "source": CONFIG.source(dataset),
        "acquire": ORIGINS[dataset]["settings"] if dataset in ORIGINS else None,
        "stated": {key: entry[key] for key in ("licence", "citation") if key in entry},
    }


def published_lists(dataset):
    """Lists of a published split; those that are not there are an error of the rule, which says more."""
    return [str(path) for path in sample_files(CONFIG.source(dataset)).values() if path.is_file()]


def split_inputs(wildcards):
    """Files that a split is made from; only the grouped one asks for duplicates."""
    folder = f"{RESULTS}/datasets/{wildcards.dataset}"
    files = {"manifest": f"{folder}/manifest.csv"}
    if wildcards.split == "grouped":
        files["duplicates"] = f"{folder}/duplicates.csv"
    return files


def run_inputs(wildcards):
    """Files that a run reads; a backbone and its stored features where the method uses them."""
    dataset = f"{RESULTS}/datasets/{wildcards.dataset}"
    files = {
        "manifest": f"{dataset}/manifest.csv",
        "images": f"{dataset}/images.npy",
        "masks": f"{dataset}/masks.npy",
        "split": f"{dataset}/split_{wildcards.split}.csv",
        "support": f"{RESULTS}/support/{wildcards.dataset}/{wildcards.split}/k{wildcards.k}_seed{wildcards.seed}.csv",
    }
    backbone = CONFIG.run_backbone(wildcards.method, int(wildcards.seed))
    if backbone:
        files |= backbone_files(backbone)
        if uses_features(wildcards.method):
            files["features"] = f"{RESULTS}/features/{backbone}/{wildcards.dataset}"
    kind, from_others, ahead = learns(wildcards.method)
    if reads_files(kind):
        files["statistics"] = f"{dataset}/statistics.csv"
    if from_others:
        files["meta"] = meta_files(wildcards)
    if ahead:
        files["learnt"] = learnt_files(wildcards)
    return files
