"""Settings from a configuration's mappings: what is taken, and what the errors say."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.settings import build, plain
from fusionmedclip.training.settings import FusionSettings


@dataclass(frozen=True, kw_only=True)
class Inner:
    size: int = 3


@dataclass(frozen=True, kw_only=True)
class Outer:
    rate: float = 0.5
    count: int | None = None
    names: tuple[str, ...] = ()
    pair: tuple[float, float] = (0.0, 1.0)
    layer: tuple[int | str, ...] = (1,)
    switch: bool = False
    anything: Any = None
    inner: Inner | None = field(default_factory=Inner)


def test_values_are_taken_and_others_keep_their_defaults() -> None:
    values = {"rate": 1, "names": ["a", "b"], "pair": [1, 2.5], "layer": [2, "layer3"], "inner": {"size": 4}}
    assert build(Outer, values) == Outer(
        rate=1.0, names=("a", "b"), pair=(1.0, 2.5), layer=(2, "layer3"), inner=Inner(size=4)
    )
    assert isinstance(build(Outer, {"rate": 1}).rate, float)
    assert build(Outer, None) == Outer()
    assert build(Outer, Outer(rate=2.0)).rate == 2.0
    assert build(Outer, {"inner": None, "count": None}).inner is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rat": 1}, "unknown key x.rat"),
        ({"inner": {"sise": 1}}, "unknown key x.inner.sise"),
        ({"rate": "fast"}, "x.rate has the wrong type"),
        ({"rate": True}, "x.rate has the wrong type"),
        ({"rate": float("nan")}, "x.rate is not finite"),
        ({"rate": 1e39}, "x.rate is too large\n  received: 1e+39"),
        ({"rate": -2e30}, "x.rate is too large\n  received: -2e+30\n  allowed:  up to 1e+30"),
        ({"rate": 10**400}, "x.rate is too large"),
        ({"count": 2**31}, "x.count is too large\n  received: 2147483648\n  allowed:  up to 2,147,483,647"),
        ({"count": 10**5000}, "x.count is too large\n  received: a number of thousands of digits"),
        ({"count": 1.5}, "x.count has the wrong type"),
        ({"switch": 1}, "x.switch has the wrong type"),
        ({"names": ["a", 1]}, "x.names[1] has the wrong type"),
        ({"names": "a"}, "x.names has the wrong type"),
        ({"pair": [1.0]}, "x.pair has the wrong length"),
        ({"pair": [1.0, "b"]}, "x.pair[1] has the wrong type"),
        ({"inner": 3}, "x.inner must be a mapping"),
        ([1], "x must be a mapping"),
    ],
)
def test_errors_name_the_key(values: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        build(Outer, values, where="x")
    assert str(caught.value).startswith(message)
    assert "received:" in str(caught.value)


def test_numbers_that_yaml_takes_for_text_get_a_hint() -> None:
    with pytest.raises(InputError, match=r"(?s)rate.*'1e-3'.*float.*Hint: .*1.0e-3"):
        build(Outer, {"rate": "1e-3"})


def test_plain_data_builds_the_same_settings_again() -> None:
    settings = build(FusionSettings, {"model": {"layers": [1, "blocks.2"], "lora": None}})
    data = plain(settings)
    assert data["model"]["layers"] == [1, "blocks.2"]
    assert data["model"]["lora"] is None
    assert build(FusionSettings, data) == settings
