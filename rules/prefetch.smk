"""What later jobs would need a network for: weights, and data sets that may be downloaded.

Required: a network. Makes backbones and downloaded data sets, by the rules that make them.
"""


rule prefetch:
    """Fetch it, on a machine that has a network, for nodes that have none."""
    input:
        [backbone_files(name)["backbone"] for name in sorted(needed_backbones() & set(STOCK))],
        [
            f"{RESULTS}/acquired/{name}.json"
            for name, origin in ORIGINS.items()
            if not origin["present"] and (origin["settings"].get("url") or origin["settings"].get("urls"))
        ],
    localrule: True
