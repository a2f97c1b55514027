"""The model card: what a saved model is, what it rests on, what its scores mean, by its record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.lab.summary import number_of
from fusionmedclip.outputs import whole_file
from fusionmedclip.training.saved_record import CARD

__all__ = ["card_text", "figure_text", "write_card"]

NO_DEVICE = "Not a medical device: research code, for no decision about a patient."


def write_card(folder: Path, record: Mapping[str, Any]) -> None:
    """Write ``README.md`` of a model folder."""
    with whole_file(folder / CARD) as path:
        path.write_text(card_text(record), encoding="utf-8")


def card_text(record: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    support, made_with = record["support"], record["environment"]
    packages = ", ".join(f"{name} {version}" for name, version in made_with["packages"].items())
    volumes = f", {support['volumes']} of them volumes" if support["volumes"] else ""
    backbone = record["backbone"].get("digest")
    lines = [
        f"# {record['title']}, fitted on {number_of(support['inputs'], 'normal input')}",
        "",
        f"**{NO_DEVICE}**",
        "",
        f"- Rests on: {record['rests_on']}",
        f"- Support set: {support['inputs']} inputs{volumes}, {support['images']} images fitted on; "
        "SHA-256 of its files are in `model.json`",
        *(f"- Note: {note}" for note in support.get("notes", ())),
        f"- On left-out support images: {figure_text(record)}",
        f"- Threshold: {threshold_text(record)}",
        f"- Volumes: the score of a volume is by the rule `{record['rule']}` over its slices",
        f"- Precision kept: {'half' if record['half'] else 'single'}",
        f"- Method `{record['method']}` (kind `{record['kind']}`), seed {record['seed']}, images of "
        f"{record['image_size']} x {record['image_size']} pixels, {record['threads']} thread(s)",
        f"- Backbone digest: {backbone or 'none, since it has no backbone'}",
        f"- Weights: SHA-256 {record['weights']['sha256']}",
        f"- Made with: commit {made_with['commit'] or 'unknown'}, Python {made_with['python']}, {packages}, "
        f"on {made_with['device']}",
        "",
        "A score orders images of one model; it is no probability of a disease. Scanners, ages, views and "
        "framings that the support set does not hold score high as lesions do. All settings are in "
        "`model.json`; nothing in this folder is a pickled object.",
        "",
    ]
    return "\n".join(lines)


def figure_text(record: Mapping[str, Any]) -> str:
    """What the model is worth on left-out support images, in one line."""
    left_out = record["left_out"]
    if left_out is None:
        return "not measured (folds: 0, or one image)"
    made = left_out["made_anomalies"]
    if made is None:
        return f"{left_out['inputs']} left-out scores; no anomalies can be made at this size"
    auroc, low, high = (100 * made[name] for name in ("estimate", "low", "high"))
    text = (
        f"AUROC {auroc:.1f} ({low:.1f} to {high:.1f}) of anomalies made into {left_out['inputs']} left-out "
        "images, against the same images without"
    )
    if low <= 50:
        text += "; no better than chance can be ruled out"
    return text + ". Made anomalies are not lesions"


def threshold_text(record: Mapping[str, Any]) -> str:
    """The threshold, and what it promises."""
    left_out = record["left_out"]
    if left_out is None:
        return "none, since no support image was left out"
    parts = []
    for level in ("pictures", "volumes"):
        kept = left_out[level]
        if "threshold" in kept:
            parts.append(
                f"{level} {kept['threshold']:.6g}, from {len(kept['scores'])} left-out scores: at "
                f"most {100 * kept['false_positive_rate']:.1f} % of normal {level} like these are expected "
                "above it"
            )
    return "; ".join(parts)
