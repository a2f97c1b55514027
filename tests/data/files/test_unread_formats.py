"""Formats that are not read are none of those that are."""

from fusionmedclip.data.files.kinds import IMAGE_SUFFIXES
from fusionmedclip.data.files.unread_formats import _SUFFIXES


def test_no_suffix_is_read_and_called_unread():
    assert not set(_SUFFIXES) & set(IMAGE_SUFFIXES)
