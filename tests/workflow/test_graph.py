"""The graph that the report draws is the one that Snakemake runs."""

import re

from fusionmedclip.reporting.report.workflow_graph import EDGES, LAYERS

BESIDE = {
    "all",
    "curate_dataset",
    "draw_curation_page",
    "write_datasheet",
    "build_statistics",
    "build_appendix",
    "build_claims",
}
"""Rules that the picture leaves out: they stand beside the way from images to tables."""


def closure(edges):
    """Every pair of which the second can be reached from the first."""
    reached = {a: {b for x, b in edges if x == a} for a, _ in edges}
    for _ in reached:
        for after in reached.values():
            after |= set().union(*(reached.get(stage, set()) for stage in after))
    return {(a, b) for a, after in reached.items() for b in after}


def stage(rule):
    """The stage that a rule belongs to: what draws figures is one, phantoms apart."""
    drawn = rule.startswith("draw_") and rule not in {
        "draw_support",
        "draw_phantoms",
        "draw_phantom_captions",
    }
    return "figures" if drawn else rule


def test_the_drawn_graph_is_snakemakes(workflow):
    dot = workflow.run("--rulegraph", "--forceall", "all")
    names = dict(re.findall(r'(\d+)\[label = "([^"]+)"', dot))
    found = {(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", dot)}
    assert len(found) > 20
    kept = {(stage(a), stage(b)) for a, b in closure(found) if not {a, b} & BESIDE and stage(a) != stage(b)}
    stages = {name for pair in kept for name in pair}
    drawn = {(a, b) for a, b in closure(set(EDGES)) if {a, b} <= stages}
    assert kept == drawn
    assert stages <= {name for layer in LAYERS for name in layer}


def test_a_rule_file_is_read_at_a_glance(root):
    """Under 120 lines, and one with rules opens with what it needs."""
    for path in sorted((root / "rules").glob("*.smk")):
        text = path.read_text()
        assert len(text.splitlines()) < 120, path.name
        if re.search(r"^ *rule( \w+)?:$", text, re.MULTILINE):
            assert "Required: " in text.split('"""')[1], path.name
