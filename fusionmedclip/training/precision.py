"""All that a precision changes about a tower and the process, for as long as something is computed."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from fusionmedclip.models.adaptation.attention import batch_first_within
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.narrow_weights import narrow_weights

__all__ = ["in_precision"]


@contextmanager
def in_precision(backbone: Backbone, precision: str) -> Iterator[None]:
    """Compute in a precision inside the block alone: another model may use the same backbone in another.

    Parameters
    ----------
    backbone : Backbone
    precision : str
        One of :data:`fusionmedclip.models.settings.PRECISIONS`; :meth:`Backbone.autocast` goes around passes.
    """
    is_half = precision == "bfloat16"  # under autocast torch would multiply position by position
    attention = batch_first_within(backbone.visual) if is_half else nullcontext()
    exact = arithmetic(backbone.mean.device.type, precision=precision)
    with exact, narrow_weights(backbone, precision), attention:
        yield
