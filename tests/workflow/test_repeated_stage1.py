"""A Stage 1 for each repetition is a job for each, and each run reads its own."""


def test_a_stage_1_for_each_repetition(workflow):
    shared = "roco_clip: {stage1: {captions: roco, settings: {max_epochs: 2, warmup_epochs: 1}"
    workflow.change("roco_clip: {stage1: null}", f"{shared}}}}}")
    source = "{kind: phantoms, size: 64, train: 8, validation: 4, test: 4, seed: 2}"
    captions = f"captions: {{roco: {{title: drawn, source: {source}}}}}"
    workflow.change("\nmethods:", f"\n{captions}\nmethods:")
    jobs = workflow.plan("table8_row_2")
    assert (jobs["pretrain_backbone"], jobs["run_method"]) == (1, 2)
    workflow.change(shared, shared.replace("captions", "repeated: true, captions"))
    jobs = workflow.plan("table8_row_2")
    assert (jobs["pretrain_backbone"], jobs["extract_features"], jobs["run_method"]) == (2, 2, 2)
    printed = workflow.run("--dry-run", "--", "table8_row_2")
    for seed in (0, 1):
        blocks = [text.split("\n\n")[0] for text in printed.split("rule run_method:")[1:]]  # each its own job
        block = next(text for text in blocks if f"k4/seed{seed}/" in text)
        inputs = block.split("input:")[1].split("output:")[0]
        assert f"backbones/roco_clip_seed{seed}/settings.json" in inputs
        assert f"features/roco_clip_seed{seed}/busi" in inputs
