"""Tables as spreadsheets, scripts and editors leave them: read alike, or refused with the line and reason."""

import io
from pathlib import Path

import pandas as pd
import pytest

from fusionmedclip.data.sources.captions import read_captions
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.data.sources.text_tables import read_table
from fusionmedclip.errors import InputError

COLUMNS = ("path", "label")
PLAIN = "path,label\na.png,0\nb.png,1\n"
ALIKE = {
    "byte order mark and CRLF": "\ufeff" + PLAIN.replace("\n", "\r\n"),
    "old Mac": PLAIN.replace("\n", "\r"),
    "no end of line": PLAIN.rstrip(),
    "blank lines": "\n\n" + PLAIN.replace("\n", "\n\n , \n"),
    "quotes": 'path,"label"\n"a.png","0"\nb.png,1\n',
    "an empty column to the right": PLAIN.replace("\n", ",\n"),
    "spaces in the header": PLAIN.replace("path,label", " path , label "),
    "missing cells": "path,label,mask\na.png,0\nb.png,1\n",
}


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "list.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize("kind", ALIKE)
def test_harmless_differences_make_none(write, kind: str) -> None:
    table = read_table(write(ALIKE[kind]), required=COLUMNS)
    expected = pd.read_csv(io.StringIO(PLAIN), dtype=str)
    assert table[list(COLUMNS)].reset_index(drop=True).equals(expected)
    assert (table.drop(columns=list(COLUMNS)) == "").all(axis=None)


REFUSED = {
    "trailing commas": ("path,label\na.png,0,\n", r"list\.csv, line 2: 3 cells, but the header has 2"),
    "unquoted comma": ("path,label\n\na,b.png,0\n", "line 3: 3 cells"),
    "semicolons": (PLAIN.replace(",", ";"), r"list\.csv: the cells are separated by semicolons \(';'\)"),
    "quoted semicolons": ('"path";"label"\na;0\n', "separated by semicolons"),
    "tabs": (PLAIN.replace(",", "\t"), "separated by tabs"),
    "Latin-1": ("path,label\na.png,0\ncaf\xe9.png,1\n".encode("latin-1"), "(?s)line 3: not UTF-8.*Latin-1"),
    "UTF-16": (PLAIN.encode("utf-16"), "is UTF-16"),
    "NUL": (b"path,label\na\0.png,0\n", "line 2: holds a NUL"),
    "open quote": ('path,label\na.png,0\n"b.png,1\nc.png,0\n', "line 3: not a CSV table"),
    "column twice": ("path,label,label\na.png,0,1\n", "column 'label' stands twice"),
    "cells without a name": (",path,label\n0,a.png,0\n", "a column with cells has no name"),
    "missing": ("path,class\na.png,0\n", "column 'label' is missing"),
    "empty": ("\n \n", "it is empty"),
    "very long cell": ("path,label\n" + "a" * 200_000 + ",0\n", "line 2: not a CSV table .*field larger"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_could_be_misread_is_refused(write, kind: str) -> None:
    content, message = REFUSED[kind]
    with pytest.raises(InputError, match=message):
        read_table(write(content), required=COLUMNS)


def test_lines_are_those_of_the_file(write) -> None:
    path = write('path,label\r\n\r\n"a\r\nb.png",0\r\n\r\nc.png,ill\r\nd.png,1\r\n./d.png,0\r\n')
    assert read_table(path, required=COLUMNS).index.tolist() == [3, 6, 7, 8]
    messages = list_source({"kind": "csv", "path": path}).problems.messages
    assert "line 6: unknown label" in messages[0]
    assert "line 8: d.png is listed already in line 7" in messages[1]


# Unicode's own line separators, which str.splitlines cuts at, as they come from PDF and Word.
BREAKS = ("\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e")


@pytest.mark.parametrize("mark", BREAKS, ids=lambda mark: f"U+{ord(mark):04X}")
def test_a_caption_is_one_whatever_it_holds(tmp_path: Path, mark: str) -> None:
    place = tmp_path / "train" / "radiology"
    place.mkdir(parents=True)
    caption = f"CT of the chest.{mark}R2\tNodule (arrow)."
    (place / "captions.txt").write_bytes(f"\ufeffR1\t{caption}\r\nR3\tMRI\r\n".encode())
    found = read_captions({"kind": "roco", "path": str(tmp_path), "check": "none"})
    assert found["image_id"].tolist() == ["R1", "R3"]
    assert found["caption"].tolist() == ["CT of the chest. R2 Nodule (arrow).", "MRI"]
    (tmp_path / "c.csv").write_text(f'image,caption\n1.png,"CT,{mark}chest"\n2.png,MRI\n', encoding="utf-8")
    found = read_captions({"kind": "csv", "path": str(tmp_path / "c.csv"), "check": "none"})
    assert found["caption"].tolist() == ["CT, chest", "MRI"]


def test_captions_in_latin_1_are_refused_with_their_line(tmp_path: Path) -> None:
    place = tmp_path / "train" / "radiology"
    place.mkdir(parents=True)
    (place / "captions.txt").write_bytes("R1\tCT\nR2\tR\xf6ntgen\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"(?s)captions\.txt, line 2: not UTF-8.*Latin-1"):
        read_captions({"kind": "roco", "path": str(tmp_path), "check": "none"})


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("sep=,\n" + PLAIN, "take out the first line"),
        (PLAIN.replace("path,label", "Path,Label"), "'path' for 'Path'"),
    ],
)
def test_a_header_that_is_nearly_right_has_a_hint(write, text: str, hint: str) -> None:
    with pytest.raises(InputError, match=rf"column 'path' is missing(.|\n)*Hint: .*{hint}"):
        read_table(write(text), required=COLUMNS)
