"""The two prompts of AnomalyCLIP: vectors learnt at the input of the text tower and inside it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.baselines.anomalyclip.settings import AnomalyCLIPSettings
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.prompts.context import placeholder_tokens
from fusionmedclip.models.prompts.text import encode_text, text_tower, token_width
from fusionmedclip.randomness import torch_generator

__all__ = ["ObjectAgnosticPrompts"]

INITIAL_STD = 0.02


class ObjectAgnosticPrompts(nn.Module):
    """The learnt vectors, and the words behind them.

    Parameters
    ----------
    backbone : Backbone
        Its frozen text tower is used, and not kept.
    settings : AnomalyCLIPSettings
    seed : int
        Keys the start of the vectors.

    Attributes
    ----------
    context : (2, M, W) parameter
        Of the normal and of the abnormal prompt.
    deep : list of (T, W) parameters
        From the second block on, one for each.

    Raises
    ------
    InputError
        If the text tower has fewer blocks than ``text_depth``, or blocks that cannot be reached.
    """

    def __init__(self, backbone: Backbone, settings: AnomalyCLIPSettings, *, seed: int):
        super().__init__()
        s, width = settings, token_width(backbone)
        blocks = _text_blocks(backbone) if s.text_depth > 1 else []
        if s.text_depth > 1 and len(blocks) < s.text_depth:
            raise InputError(
                "setting `text_depth`: the text tower has fewer blocks",
                received=s.text_depth,
                allowed=f"1 to {max(1, len(blocks))}",
                hint="1 learns vectors at the tower's input alone",
            )

        def vectors(*shape: int, name: str) -> nn.Parameter:
            drawn = torch.randn(shape, generator=torch_generator(seed, "anomalyclip", name))
            return nn.Parameter((drawn * INITIAL_STD).to(backbone.mean.device))

        self.context = vectors(2, s.context_tokens, width, name="context")
        self.deep = nn.ParameterList(
            vectors(s.deep_tokens, width, name=f"deep{block}") for block in range(2, s.text_depth + 1)
        )
        texts = [f"{phrase.format(s.subject)}." for phrase in (s.normal, s.abnormal)]
        self.tokens = placeholder_tokens(backbone, texts, s.context_tokens).to(backbone.mean.device)

    def forward(self, backbone: Backbone) -> Tensor:
        """Unit embeddings (2, D), normal then abnormal."""
        with self._inside(backbone):
            return F.normalize(encode_text(backbone, self.tokens, context=self.context), dim=1)

    @contextmanager
    def _inside(self, backbone: Backbone) -> Iterator[None]:
        """Within: the second and later blocks get learnt vectors behind the start token."""
        with ExitStack() as hooks:
            for block, vectors in zip(_text_blocks(backbone)[1:], self.deep, strict=False):
                hooks.callback(block.register_forward_pre_hook(_replaced(vectors)).remove)
            yield


def _replaced(vectors: Tensor) -> Any:
    def put(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        tokens, *more = inputs
        own = vectors.to(tokens.dtype).expand(len(tokens), -1, -1)
        return torch.cat([tokens[:, :1], own, tokens[:, 1 + len(vectors) :]], dim=1), *more

    return put


def _text_blocks(backbone: Backbone) -> list[nn.Module]:
    """Blocks of open_clip's own text transformer, or of a Hugging Face encoder such as BERT's."""
    transformer: Any = text_tower(backbone).transformer
    if hasattr(transformer, "resblocks") and getattr(transformer, "batch_first", False):
        return list(transformer.resblocks)
    encoder = getattr(transformer, "encoder", None)
    return list(getattr(encoder, "layer", []))
