"""Eq. 4, 5, 9, 10 and 11 against loops written from the thesis, in float64."""

import math

import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.adaptation.adapters import EPSILON, AlignmentAdapters, BlockAdapters, normalise
from fusionmedclip.models.settings import BlockAdapterSettings
from tests.models.towers import drawn

CHANNELS = (3, 4)


@pytest.fixture
def maps() -> list[torch.Tensor]:
    return [drawn("first", (2, 3, 2, 3)).double(), drawn("second", (2, 4, 1, 2)).double()]


def fill(module: torch.nn.Module) -> torch.nn.Module:
    """The same module in float64, every parameter drawn."""
    module = module.double()
    for name, parameter in module.named_parameters():
        parameter.data.copy_(drawn(name, tuple(parameter.shape), scale=0.5))
    return module


def linear(weight: torch.Tensor, bias: torch.Tensor, vector: list[float]) -> list[float]:
    weight, bias = weight.detach(), bias.detach()
    return [
        float(bias[o]) + sum(float(weight[o, i]) * vector[i] for i in range(len(vector)))
        for o in range(weight.shape[0])
    ]


def at(m: torch.Tensor, b: int, h: int, w: int) -> list[float]:
    return m[b, :, h, w].detach().tolist()


def test_alignment_projects_each_place_and_normalises(maps: list[torch.Tensor]) -> None:
    adapters = fill(AlignmentAdapters(CHANNELS, 5, seed=0))
    result = adapters(maps)
    for layer, before, after in zip(adapters.layers, maps, result, strict=True):
        for b in range(2):
            for h in range(before.shape[2]):
                for w in range(before.shape[3]):
                    g = linear(layer.weight[:, :, 0, 0], layer.bias, at(before, b, h, w))
                    norm = math.sqrt(sum(v * v for v in g))
                    expected = [v / (norm + EPSILON) for v in g]
                    assert at(after, b, h, w) == pytest.approx(expected, abs=1e-12)


def test_block_adapter_is_a_residual_bottleneck_with_gelu(maps: list[torch.Tensor]) -> None:
    adapters = fill(BlockAdapters(CHANNELS, BlockAdapterSettings(bottleneck=2), seed=0)).eval()
    result = adapters(maps)
    for layer, before, after in zip(adapters.layers, maps, result, strict=True):
        down, up = layer[0], layer[3]
        for b in range(2):
            for h in range(before.shape[2]):
                for w in range(before.shape[3]):
                    x = at(before, b, h, w)
                    hidden = linear(down.weight[:, :, 0, 0], down.bias, x)
                    hidden = [v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in hidden]
                    change = linear(up.weight[:, :, 0, 0], up.bias, hidden)
                    expected = [a + c for a, c in zip(x, change, strict=True)]
                    assert at(after, b, h, w) == pytest.approx(expected, abs=1e-12)


def test_block_adapter_starts_as_the_identity_even_with_dropout(maps: list[torch.Tensor]) -> None:
    adapters = BlockAdapters(CHANNELS, BlockAdapterSettings(dropout=0.5), seed=0).double().train()
    for before, after in zip(maps, adapters(maps), strict=True):
        assert torch.equal(before, after)


def test_block_adapter_drops_after_the_activation(maps: list[torch.Tensor]) -> None:
    adapters = fill(BlockAdapters(CHANNELS, BlockAdapterSettings(bottleneck=2, dropout=0.5), seed=0)).train()
    torch.manual_seed(0)
    once, again = adapters(maps)[0], adapters(maps)[0]
    assert not torch.equal(once, again)
    torch.manual_seed(0)
    assert torch.equal(once, adapters(maps)[0])


def test_start_depends_on_the_seed_and_on_nothing_else() -> None:
    def start(seed: int) -> torch.Tensor:
        return AlignmentAdapters(CHANNELS, 5, seed=seed).layers[0].weight.detach()

    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = start(0)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert torch.equal(first, start(0))
    assert not torch.equal(first, start(1))


def test_normalise_keeps_zero_at_zero() -> None:
    assert torch.equal(normalise(torch.zeros(1, 3, 1, 1)), torch.zeros(1, 3, 1, 1))


def test_gradients(maps: list[torch.Tensor]) -> None:
    alignment = fill(AlignmentAdapters(CHANNELS, 5, seed=0))
    blocks = fill(BlockAdapters(CHANNELS, BlockAdapterSettings(bottleneck=2), seed=0)).eval()

    def both(*inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(alignment(blocks(list(inputs))))

    assert torch.autograd.gradcheck(both, [m.requires_grad_() for m in maps])


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_block_adapter_without_its_residual(maps: list[torch.Tensor], activation: str) -> None:
    """Eq. 9 read as alpha_j in place of H_j: W_up act(W_down H), and nothing else."""
    settings = BlockAdapterSettings(bottleneck=2, residual=False, zero_start=False, activation=activation)
    adapters = fill(BlockAdapters(CHANNELS, settings, seed=0)).eval()
    before, after, layer = maps[0], adapters(maps)[0], adapters.layers[0]
    for h, w in ((0, 0), (1, 2)):
        hidden = linear(layer[0].weight[:, :, 0, 0], layer[0].bias, at(before, 1, h, w))
        if activation == "gelu":
            hidden = [v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in hidden]
        else:
            hidden = [max(v, 0.0) for v in hidden]
        expected = linear(layer[3].weight[:, :, 0, 0], layer[3].bias, hidden)
        assert at(after, 1, h, w) == pytest.approx(expected, abs=1e-12)


def test_block_adapter_may_start_away_from_the_identity(maps: list[torch.Tensor]) -> None:
    adapters = BlockAdapters(CHANNELS, BlockAdapterSettings(zero_start=False), seed=0).double().eval()
    assert not torch.equal(maps[0], adapters(maps)[0])


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"placement": "inside"}, "placement.*inside.*side, stream"),
        ({"activation": "tanh"}, "activation.*tanh.*gelu, relu"),
        ({"residual": False}, "zero_start without a residual"),
    ],
)
def test_forms_that_cannot_be(values: dict, names: str) -> None:
    with pytest.raises(InputError, match="(?s)" + names):
        BlockAdapterSettings(**values)
