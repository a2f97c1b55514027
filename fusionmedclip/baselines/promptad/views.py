"""What PromptAD sees of an image: class token, patches that attend by their values, patches of two depths."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

from fusionmedclip.baselines.value_stream import has_value_stream, value_stream
from fusionmedclip.models.backbones.backbone import Backbone

__all__ = ["Views", "views"]


class Views(NamedTuple):
    """Unit vectors of B images.

    Attributes
    ----------
    image : (B, D) tensor
    patches : (B, D, h, w) tensor
        In the space of text.
    depths : list of (B, C_j, h_j, w_j) tensors
    """

    image: Tensor
    patches: Tensor
    depths: list[Tensor]


def views(backbone: Backbone, pixels: Tensor, layers: Sequence[int | str], value_blocks: int) -> Views:
    """Views of (B, 3, H, W) pixels.

    A vision transformer of open_clip is listened to, and its patches are those of the second stream
    (:mod:`fusionmedclip.baselines.value_stream`; Li et al., CVPR 2024). Other towers give their projected
    patches, and the outputs of the layers.
    """
    if has_value_stream(backbone):
        heard = value_stream(backbone, pixels, value_blocks, attended=layers)
        image, patches, depths = heard.image, backbone.projected(heard.patches), heard.attended
    else:
        image = backbone.clip_model.encode_image(pixels)
        patches, depths = backbone.patch_embeddings(pixels), backbone.feature_maps(pixels, layers)
    return Views(
        F.normalize(image, dim=1), F.normalize(patches, dim=1), [F.normalize(d, dim=1) for d in depths]
    )
