"""Tables 6 to 8 of the thesis as one tracked graph: data -> support -> run -> scores -> metrics -> table -> report."""

import gc
import os

from snakemake.utils import min_version

min_version("9.0")


# What is loaded by now stays, and jobs are made of few cycles: looking for them took a twentieth of a plan.
gc.freeze()
gc.set_threshold(20_000, 50, 100)


# Set before Python starts, so that cuBLAS adds in one order on a GPU: fusionmedclip/models/arithmetic.py.
shell.prefix("set -euo pipefail; export CUBLAS_WORKSPACE_CONFIG=:4096:8; ")


# Not workflow.basedir and workflow.rules, which are also those of a workflow that this one is a module of.
PROJECT = str(workflow.current_basedir)
OTHERS = set(workflow.rules)


configfile: os.path.join(PROJECT, "config.yaml")


include: "rules/configuration.smk"
include: "rules/software.smk"
include: "rules/common.smk"
include: "rules/params.smk"
include: "rules/inputs.smk"
include: "rules/learnt_inputs.smk"
include: "rules/costs.smk"
include: "rules/acquire_dataset.smk"
include: "rules/list_dataset.smk"
include: "rules/prepare_dataset.smk"
include: "rules/draw_support.smk"
include: "rules/make_backbone.smk"
include: "rules/extract_features.smk"
include: "rules/learn_from_others.smk"
include: "rules/run_method.smk"
include: "rules/compute_metrics.smk"
include: "rules/table_inputs.smk"
include: "rules/build_tables.smk"
include: "rules/build_claims.smk"
include: "rules/build_appendix.smk"
include: "rules/table_targets.smk"
include: "rules/verify_results.smk"
include: "rules/runs_shown.smk"
include: "rules/figure_inputs.smk"
include: "rules/figure_files.smk"
include: "rules/draw_figures.smk"
include: "rules/draw_curation.smk"
include: "rules/report_inputs.smk"
include: "rules/prefetch.smk"
include: "rules/write_report.smk"
include: "rules/lineage.smk"
include: "rules/lost_files.smk"
include: "rules/schedulers.smk"
include: "rules/submission.smk"
include: "rules/unheard.smk"
include: "rules/allocations.smk"
include: "rules/records.smk"
include: "rules/groups.smk"
include: "rules/signatures.smk"


WARM = []
check_places()
# Who runs the workflow here, before Snakemake looks at its lock: fusionmedclip/pipeline/heads.py.
HEAD = heads.enter() if is_head() else None


onstart:
    if HEAD:
        HEAD.admit()  # the lock has been taken
        config["head"] = HEAD.address  # each job of this process is told, as of the warm one
    find_submit_command()
    find_status_command()
    tell_untried()
    forget_refusals()
    if workflow.local_exec:
        # Nothing is submitted, so there is no rate to limit; and with a limit Snakemake 9 looks at every waiting job
        # again each second once for each job that has ended, which takes a core late in a long run.
        workflow.scheduler.job_rate_limiter = None
    if CONFIG.data["warm_jobs"]:
        if reason := warm.why_cold(workflow):
            print(f"warm_jobs is off: {reason}", file=sys.stderr)
        else:
            WARM.append(warm.start())
            config["warm"] = WARM[0].address  # each job of this process is told; no other is


onsuccess:
    warm.stop(*WARM)


onerror:
    warm.stop(*WARM)


rule all:
    default_target: True
    input:
        rules.all_tables.input,
        rules.figures.input,
        rules.curation.input,
        rules.report.input,
