"""Whether a number may be held against the thesis's."""

from fusionmedclip.config import Config
from fusionmedclip.reporting.paper import THESIS_BACKBONES, THESIS_COUNTS

__all__ = ["NOT_RUN", "OK", "STAND_IN", "stand_in_reasons"]

OK, STAND_IN, NOT_RUN = "ok", "stand-in", "not run"


def stand_in_reasons(
    config: Config, *, dataset: str, method: str, counts: tuple[int, int] | None
) -> list[str]:
    """Why a cell does not speak of the thesis's own data, weights and budget; empty where it does.

    Parameters
    ----------
    config : Config
    dataset, method : str
    counts : (int, int) or None
        Normal and abnormal images of the data set's manifest, where it is known.
    """
    reasons = []
    entry = config.dataset(dataset)
    if entry.get("stand_in"):
        reasons.append(f"data: {entry['stand_in']}")
    elif entry["source"]["kind"] == "phantoms":
        reasons.append("data: phantoms")
    elif counts is not None and counts not in THESIS_COUNTS.get(dataset, (counts,)):
        reasons.append(f"data: {counts[0]} normal and {counts[1]} abnormal images")
    backbone = config.method(method)["backbone"]
    if backbone is not None and not _is_thesis_backbone(config, backbone):
        reasons.append(f"backbone: {config.backbone(backbone).get('title', backbone)}")
    reduced = config.method(method).get("reduced")
    if reduced:
        reasons.append(f"budget: {reduced}")
    if config.data["image_size"] != 224:
        reasons.append(f"images of {config.data['image_size']} pixels")
    return reasons


def _is_thesis_backbone(config: Config, name: str) -> bool:
    entry = config.backbone(name)
    if entry["stage1"]:
        captions = config.captions(entry["stage1"]["captions"])
        if captions.get("stand_in") or captions["source"]["kind"] == "phantoms":
            return False
    made_of = (entry.get("model"), entry.get("pretrained"))
    return made_of in THESIS_BACKBONES.values() and not entry.get("vision_package")
