"""The examples in docstrings do what they say."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["settings", "stream"])
def test_examples(module):
    result = doctest.testmod(importlib.import_module(f"fusionmedclip.synthesis.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
