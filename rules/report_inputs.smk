"""What the report shows beside tables and figures."""

REPORTED = [*TABLES, *APPENDIX]
FIGURES_SHOWN = [path for path in rules.figures.input if path.endswith(".png")]


def workflow_parts():
    """Files of the workflow that its archive holds beside the Snakefile."""
    patterns = ("rules/*.smk", "rules/captions/*.rst")
    return [of_project(path) for pattern in patterns for path in sorted(Path(PROJECT).glob(pattern))]


def needed_backbones():
    """Backbones behind the runs, and those that Stage 1 starts from."""
    used = {CONFIG.run_backbone(run.method, run.seed) for run in RUNS} - {None}
    return used | {CONFIG.backbone(name)["base"] for name in used if name in STAGE1}


def needed_datasets():
    """Data sets behind the runs; a meta-trained method needs the other ones too."""
    names = {run.dataset for run in RUNS}
    for run in RUNS:
        method = CONFIG.method(run.method)
        if learns_from_others(method["kind"], method["settings"]):
            names |= set(others(CONFIG, run.dataset))
    return names


def stage_jobs():
    """Jobs of each stage of the workflow's graph when nothing has run yet."""
    datasets, backbones = needed_datasets(), needed_backbones()
    trained = backbones & set(STAGE1)
    told = {CONFIG.backbone(name)["stage1"]["captions"] for name in trained}
    methods = {name: CONFIG.method(name) for name in {run.method for run in RUNS}}
    stored = {
        (CONFIG.run_backbone(run.method, run.seed), run.dataset) for run in RUNS if uses_features(run.method)
    }
    measured = {run.dataset for run in RUNS if reads_files(methods[run.method]["kind"])}
    return {
        "acquire_dataset": len(datasets & set(ORIGINS)),
        "draw_phantoms": len(datasets & set(PHANTOMS)),
        "draw_phantom_captions": sum(CAPTIONS[name]["source"]["kind"] == "phantoms" for name in told),
        "list_dataset": len(datasets),
        "make_backbone": len(backbones & set(STOCK)),
        "split_dataset": len(datasets),
        "prepare_dataset": len(datasets),
        "measure_dataset": len(measured),
        "pretrain_backbone": len(trained),
        "draw_support": len({(run.dataset, run.split, run.k, run.seed) for run in RUNS}),
        "extract_features": len(stored),
        "learn_from_others": len(
            {(run.dataset, run.split, run.method, run.seed) for run in RUNS if learns(run.method)[2]}
        ),
        "run_method": len(RUNS),
        "compute_metrics": len(RUNS),
        "build_row": sum(len(ROWS[table]) for table in TABLES),
        "build_table": len(TABLES),
        "figures": len(FIGURES_SHOWN),
        "verify_results": 1,
        "write_report": 1,
    }
