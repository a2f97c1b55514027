"""TF32 on a device that has none, for `bench_precision.py`: what a GPU's products round, rounded before them.

Attention has to be computed step by step: `sdpa_kernel(SDPBackend.MATH)`. Recurrent layers, `bilinear` and
`cdist` as a product are not rounded; no method here has them.
"""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["TF32", "rounded"]

aten: Any = torch.ops.aten
FACTORS: dict[Any, slice] = {
    **dict.fromkeys((aten.mm, aten.bmm, aten.mv, aten.dot), slice(0, 2)),
    **dict.fromkeys((aten.addmm, aten.addmm_, aten.baddbmm, aten.baddbmm_, aten.addmv), slice(1, 3)),
    aten.convolution: slice(0, 2),
    aten.convolution_backward: slice(0, 3),
}
"""Which arguments a GPU rounds where it is asked for TF32, by operation."""
WHOLE = {
    *(aten.linear, aten.matmul, aten.einsum, aten.inner, aten.tensordot),
    *(aten.scaled_dot_product_attention, aten._scaled_dot_product_attention_math),
    *(aten.conv1d, aten.conv2d, aten.conv3d, aten.conv_transpose1d, aten.conv_transpose2d),
}
"""Operations that arrive here before they are taken apart, where no gradients are recorded."""


def rounded(value: torch.Tensor) -> torch.Tensor:
    """A float32 tensor to the nearest with 10 bits of mantissa, halves to even; all else as it is."""
    if value.dtype != torch.float32:
        return value
    bits = value.contiguous().view(torch.int32)
    bits = (bits + 0x0FFF + ((bits >> 13) & 1)) & ~0x1FFF
    return torch.where(value.isfinite(), bits.view(torch.float32), value)


class TF32(TorchDispatchMode):
    """Products of rounded factors; what is added to them is not rounded, nor what a bias's gradient sums."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function._overloadpacket in WHOLE:
            with self:
                return function.decompose(*args, **kwargs)
        factors = FACTORS.get(function._overloadpacket)
        if factors is None:
            return function(*args, **kwargs)
        given = list(args)
        given[factors] = map(rounded, given[factors])
        if function is not aten.convolution_backward.default:
            return function(*given, **kwargs)
        *before, (of_input, of_weight, of_bias) = given
        found = list(function(*before, (of_input, of_weight, False), **kwargs))
        if of_bias:
            found[2] = args[0].sum((0, *range(2, args[0].dim())))
        return tuple(found)
