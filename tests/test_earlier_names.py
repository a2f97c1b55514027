"""What was written before modules had folders runs on."""

import sys
from importlib import import_module

import pytest

from fusionmedclip.earlier_names import EARLIER


@pytest.mark.parametrize("name", EARLIER)
def test_an_earlier_name_gives_what_is_there_today(name: str) -> None:
    sys.modules.pop(name, None)
    with pytest.warns(DeprecationWarning, match=f"{name} is now {EARLIER[name][0]}"):
        earlier = import_module(name)
    for home in map(import_module, EARLIER[name]):
        for public in home.__all__:
            assert getattr(earlier, public) is getattr(home, public)
    with pytest.raises(AttributeError, match="has no attribute 'nothing_of_that_name'"):
        _ = earlier.nothing_of_that_name


def test_names_are_imported_as_before() -> None:
    from fusionmedclip.data.curation.check import check_dataset as today

    sys.modules.pop("fusionmedclip.data.check", None)
    with pytest.warns(DeprecationWarning, match="is now"):
        from fusionmedclip.data.check import check_dataset
    assert check_dataset is today


def test_what_never_was_is_still_missing() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_module("fusionmedclip.data.never")
