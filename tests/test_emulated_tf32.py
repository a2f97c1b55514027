"""The emulated TF32 of ``benchmarks/bench_precision.py``: its rounding, and which products it rounds."""

import struct
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel


@pytest.fixture(scope="module")
def emulated(root: Path) -> ModuleType:
    spec = spec_from_file_location("emulated_tf32", root / "benchmarks" / "emulated_tf32.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def naive(value: float) -> float:
    """The nearest with 10 bits of mantissa; of two as near the one that ends in 0."""
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    kept, rest = bits >> 13, bits & 0x1FFF
    if rest > 0x1000 or (rest == 0x1000 and kept % 2):
        kept += 1
    return struct.unpack("<f", struct.pack("<I", kept << 13))[0]


def test_the_nearest_with_ten_bits_of_mantissa(emulated: ModuleType) -> None:
    edges = [1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-11 + 2**-23, -1 - 2**-11, 0.1, -0.0, 2**-149, 2**-130, 3e38]
    drawn = torch.randn(1000, generator=torch.Generator().manual_seed(0)).tolist()
    found = emulated.rounded(torch.tensor(edges + drawn)).tolist()
    assert found == [naive(struct.unpack("<f", struct.pack("<f", value))[0]) for value in edges + drawn]
    assert found[:2] == [1.0, 1 + 2**-9]
    kept = torch.tensor([float("inf"), -float("inf"), float("nan")])
    assert emulated.rounded(kept)[:2].equal(kept[:2])
    assert emulated.rounded(kept)[2].isnan()
    assert emulated.rounded(torch.tensor([0.1], dtype=torch.float64)).item() == 0.1


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X, W, B = drawn(5, 7, 16, seed=1), drawn(9, 16, seed=2), drawn(9, seed=3)
PICTURES, KERNELS = drawn(2, 4, 9, 9, seed=4), drawn(6, 4, 3, 3, seed=5)
Q, K, V = (drawn(2, 3, 8, 4, seed=seed) for seed in (6, 7, 8))


def attention(q: Tensor, k: Tensor, v: Tensor, rounded) -> Tensor:
    """As torch's step by step: the scale is shared by the two factors."""
    scale = q.shape[-1] ** -0.25
    return rounded((rounded(q * scale) @ rounded((k * scale).mT)).softmax(-1)) @ rounded(v)


PRODUCTS = {
    "linear": lambda r: F.linear(r(X), r(W), B),
    "matmul": lambda r: r(X) @ r(W).T,
    "einsum": lambda r: torch.einsum("abc,dc->abd", r(X), r(W)),
    "conv2d": lambda r: F.conv2d(r(PICTURES), r(KERNELS), B[:6], padding=1),
    "conv1d": lambda r: F.conv1d(r(PICTURES[:, :, 0]), r(KERNELS[..., 0])),
    "transposed": lambda r: F.conv_transpose2d(r(PICTURES), r(KERNELS[:4])),
}


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", [*PRODUCTS, "attention"])
def test_every_product_is_of_rounded_factors(emulated: ModuleType, name: str, mode: type) -> None:
    def same(value: Tensor) -> Tensor:
        return value

    with mode():
        if name == "attention":
            plain, wanted = attention(Q, K, V, same), attention(Q, K, V, emulated.rounded)
            with emulated.TF32(), sdpa_kernel(SDPBackend.MATH):
                found = F.scaled_dot_product_attention(Q, K, V)
        else:
            plain, wanted = PRODUCTS[name](same), PRODUCTS[name](emulated.rounded)
            with emulated.TF32():
                found = PRODUCTS[name](same)
    assert found.equal(wanted)
    assert not found.equal(plain)


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.inference_mode])
def test_nothing_else_is(emulated: ModuleType, mode: type) -> None:
    def other() -> list[Tensor]:
        grown = F.interpolate(PICTURES, scale_factor=2.0, mode="bilinear")
        return [F.layer_norm(X, (16,)), X * X, X.sum(), grown, F.softmax(X, -1)]

    with mode(), emulated.TF32():
        found = other()
    assert all(a.equal(b) for a, b in zip(found, other(), strict=True))


def test_gradients_are_products_too_and_a_biass_is_none(emulated: ModuleType) -> None:
    rounded, upstream = emulated.rounded, drawn(2, 6, 7, 7, seed=9)
    given = [value.clone().requires_grad_() for value in (PICTURES, KERNELS, B[:6])]
    with emulated.TF32():
        F.conv2d(*given).backward(upstream)
    by_hand = [value.clone().requires_grad_() for value in (rounded(PICTURES), rounded(KERNELS))]
    F.conv2d(*by_hand).backward(rounded(upstream))
    for found, wanted in zip(given, by_hand, strict=False):
        assert found.grad.equal(wanted.grad)
    assert given[2].grad.equal(upstream.sum((0, 2, 3)))
