"""The guard of readers: everything becomes one kind of error, but for what stops a program."""

import struct
import zlib

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded, reading


class Panic(BaseException):
    """As pyo3's PanicException: no subclass of Exception."""


RAISED = (
    zlib.error("Error -3 while decompressing data"),
    struct.error("unpack requires a buffer of 4 bytes"),
    IndexError("list index out of range"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    OverflowError("Python int too large to convert to C long"),
    AssertionError(),
    Panic("called `Option::unwrap()` on a `None` value"),
)


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_whatever_is_raised_names_the_file(error: BaseException) -> None:
    with pytest.raises(InputError) as caught, reading("folder/scan.png", "image", hint="look at it"):
        raise error
    text = str(caught.value)
    assert text.startswith("folder/scan.png: cannot be read as image (")
    assert (str(error) or type(error).__name__) in text
    assert text.endswith("Hint: look at it")
    assert caught.value.__cause__ is error


def test_memory_and_depth_are_said_in_words() -> None:
    def deep(n: int) -> int:
        return deep(n + 1)

    with pytest.raises(InputError, match="nested too deeply"), reading("a.yaml", "configuration"):
        deep(0)
    with pytest.raises(InputError, match="more memory than there is"), reading("a.npy", "array"):
        raise MemoryError("Unable to allocate 8.00 EiB")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_stops_a_program_passes(error: BaseException) -> None:
    with pytest.raises(type(error)), reading("a.png", "image"):
        raise error


def test_a_name_that_steers_a_terminal_is_told_once_and_harmless() -> None:
    name = "folder/\x1b[2Ja\r.png"
    with pytest.raises(InputError) as caught, reading(name, "image"):
        raise InputError(f"{name}: empty file", hint="export it again")
    assert str(caught.value) == "folder/\\x1b[2Ja\\r.png: empty file\n  Hint: export it again"


@pytest.mark.parametrize("named", ["folder\n/a\n  Hint: none.png: ", "a\n  Hint: none.png: ", ""])
def test_a_line_end_in_a_name_is_no_new_line(named: str) -> None:
    name = "folder\n/a\n  Hint: none.png"
    with pytest.raises(InputError) as caught, reading(name, "image"):
        raise InputError(f"{named}empty", hint="export it again")
    assert str(caught.value).splitlines()[1:] == ["  Hint: export it again"]
    with pytest.raises(InputError) as caught, reading(name, "image", hint="export it again"):
        raise OSError("empty")
    assert str(caught.value).splitlines()[1:] == ["  Hint: export it again"]


@pytest.mark.parametrize(
    ("path", "named"), [("a\n.nii#slice=3", "a\n.nii"), ("./a\n//b.nii", "a\n/b.nii"), ("a/b\n", "b\n")]
)
def test_so_is_that_of_a_slice_or_of_a_path_written_otherwise(path: str, named: str) -> None:
    with pytest.raises(InputError) as caught, reading(path, "image"):
        raise InputError(f"{named}: empty", received="b", hint="export it again")
    lines = str(caught.value).splitlines()
    assert lines[0].endswith(": empty")
    assert lines[1:] == ["  received: 'b'", "  Hint: export it again"]


def test_a_name_that_is_a_line_end_leaves_the_layout() -> None:
    with pytest.raises(InputError) as caught, reading("b\n", "image"):
        raise InputError("sub", received="b", allowed="b", hint="b")
    assert str(caught.value).splitlines()[1:] == ["  received: 'b'", "  allowed:  b", "  Hint: b"]


def test_an_input_error_passes_and_gains_the_name_only_where_it_lacks_it() -> None:
    named = InputError("folder/a.png: empty file")
    with pytest.raises(InputError) as caught, reading("folder/a.png", "image"):
        raise named
    assert caught.value is named
    with pytest.raises(InputError) as caught, reading("folder/a.png", "image"):
        raise InputError("empty file", received=0, hint="export it again")
    assert str(caught.value) == "folder/a.png: empty file\n  received: 0\n  Hint: export it again"
    with pytest.raises(InputError) as caught, reading("a.png", "image"):
        raise InputError("extra.png is empty")  # another file, whose name ends alike
    assert str(caught.value).startswith("a.png: ")
    slice_of_named = InputError("v.nii: no slice 9")
    with pytest.raises(InputError) as caught, reading("v.nii#slice=9", "image"):
        raise slice_of_named
    assert caught.value is slice_of_named


def test_a_message_of_many_lines_becomes_one_of_bounded_length() -> None:
    with pytest.raises(InputError) as caught, reading("a.pt", "weights", hint=""):
        raise ValueError("one\n\n  two\t" + "x" * 1000)
    text = str(caught.value)
    assert "(one two xxx" in text
    assert "\n" not in text
    assert len(text) < 400


def test_the_decorator_takes_the_file_by_place_or_by_name() -> None:
    @guarded("number")
    def read(path: str, *, scale: int = 1) -> int:
        return int(path) * scale

    assert read("2", scale=3) == 6
    assert read(path="2") == 2
    assert read.__name__ == "read"
    with pytest.raises(InputError, match=r"^x: cannot be read as number \(invalid literal"):
        read("x")
    with pytest.raises(InputError, match=r"^y: "):
        read(path="y")


def test_private_words_of_a_library_are_not_repeated() -> None:
    with pytest.raises(InputError) as caught, reading("a.dcm", "DICOM file", private=True):
        raise ValueError("invalid value 'Zebrafink^Wilhelmina'")
    assert str(caught.value).startswith("a.dcm: cannot be read as DICOM file (ValueError)")
    assert "Zebrafink" not in str(caught.value)


def test_a_folders_name_among_the_words_does_not_name_it() -> None:
    with pytest.raises(InputError, match=r"^out/model: unknown key"), reading("out/model", "saved model"):
        raise InputError("unknown key hoss", allowed="model, loss")
    for text in ("model: gone", "out/model: gone", "out/model/weights: gone"):
        with pytest.raises(InputError) as caught, reading("out/model", "saved model"):
            raise InputError(text)
        assert str(caught.value) == text
