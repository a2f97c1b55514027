"""Operations that have no deterministic kernel on a GPU, and what a piece of code runs of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["REFUSED", "recorded"]

# What `torch.use_deterministic_algorithms` lists (2.11 and 2.15) as an error on a CUDA tensor, by its name
# below autograd. Of NLLLoss torch's kernels refuse the one over images alone. The gradient of a linear,
# bilinear or bicubic `interpolate` is listed, but torch itself puts another in its place, which
# test_deterministic_operations.py looks at.
REFUSED = {
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
    "_ctc_loss_backward",
    "_embedding_bag",
    "adaptive_max_pool2d_backward",
    "avg_pool3d_backward",
    "bincount",
    "fractional_max_pool2d_backward",
    "fractional_max_pool3d_backward",
    "grid_sampler_2d_backward",
    "grid_sampler_3d_backward",
    "histc",
    "max_unpool2d",
    "max_unpool3d",
    "median",
    "nll_loss2d_forward",
    "put_",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "reflection_pad3d_backward",
    "scatter_reduce",
    "upsample_trilinear3d_backward",
}


class Recorder(TorchDispatchMode):
    """Names of the operations that run."""

    def __init__(self):
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@contextmanager
def recorded() -> Iterator[set[str]]:
    with Recorder() as recorder:
        yield recorder.names
