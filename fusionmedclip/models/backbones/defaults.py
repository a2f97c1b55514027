"""What a backbone's settings leave to its weights, as far as that is known without loading them."""

import json
from collections.abc import Mapping
from typing import Any

from fusionmedclip.provenance import canonical
from fusionmedclip.settings import OFF

__all__ = ["resolved_make"]

_CLIP = {
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "quick_gelu": True,
}
"""What OpenAI's weights were trained with (open_clip's ``constants``)."""


def resolved_make(make: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that make a backbone, defaults filled in.

    Parameters
    ----------
    make : mapping
        From :meth:`fusionmedclip.config.Config.backbone_settings`.
    """
    openai = make.get("kind", "open_clip") == "open_clip" and make.get("pretrained") == "openai"
    own = dict.fromkeys(_CLIP) if not openai or make.get("vision_package") else _CLIP
    found = {"kind": "open_clip", "pretrained": None, "vision_package": None, "init_seed": 0, **own, **make}
    if found["pretrained"] is not None:
        found["init_seed"] = OFF
    if str(found["model"]).endswith("-quickgelu"):
        found["quick_gelu"] = True
    if isinstance(found["model"], Mapping):  # an architecture: the order of its keys says nothing
        found["model"] = json.loads(canonical(found["model"]))
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
