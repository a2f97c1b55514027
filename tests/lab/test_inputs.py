"""Which inputs there are: recursive folders, series, and what is skipped with its reason."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from fusionmedclip.data.reading.volumes import read_volume
from fusionmedclip.errors import InputError
from fusionmedclip.lab.asked import Asked
from fusionmedclip.lab.inputs import find_inputs
from fusionmedclip.lab.journal import Journal, Part, parts_left
from fusionmedclip.lab.support import support_inputs
from tests.lab.dicoms import projection, write_series
from tests.lab.models import phantoms, write_pngs


def test_folders_are_searched_to_their_ends_and_what_is_passed_over_is_listed(tmp_path: Path) -> None:
    write_pngs(tmp_path / "a", phantoms(1))
    write_pngs(tmp_path / "a" / "b" / "c", phantoms(1))
    for name in ("Thumbs.db", "DICOMDIR", "notes.txt", ".hidden", "x.mha"):
        (tmp_path / "a" / name).write_bytes(b"nothing of interest")
    (tmp_path / "a" / "empty.png").touch()
    (tmp_path / "a" / "gone.png").symlink_to("nowhere.png")
    found = find_inputs([tmp_path / "a"])
    assert [item.place.relative_to(tmp_path) for item in found.inputs] == [
        Path("a/00.png"),
        Path("a/b/c/00.png"),
    ]
    assert [item.name for item in found.inputs] == ["00", "b__c__00"]
    reasons = {Path(lost.file).name: lost.reason for lost in found.skipped}
    assert set(reasons) == {
        "Thumbs.db", "DICOMDIR", "notes.txt", ".hidden", "x.mha", "empty.png", "gone.png",
    }  # fmt: skip
    assert reasons["x.mha"] == "MetaImage is not read"
    assert reasons["notes.txt"].startswith("no image")
    assert reasons["empty.png"].startswith("empty file (0 bytes)")
    assert reasons["gone.png"].startswith("a link to a file that is not there")
    assert not any("\n" in reason for reason in reasons.values())
    hints = [reason for reason in reasons.values() if "Hint: " in reason]
    assert hints
    assert [reason for reason in hints if "; Hint: " not in reason] == []


def test_what_is_passed_over_is_named_whole(tmp_path: Path) -> None:
    """A colon in a name or a folder's, and a line's end."""
    names = ("a: gone.png", "fol: der/b: gone.png", "new\nline.png", "\x1b[31m\r: red.png")
    write_pngs(tmp_path, phantoms(1))
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to("nowhere.png")
    (tmp_path / "a").touch()
    (tmp_path / "empty\none.png").touch()
    lost = {skipped.file: skipped.reason for skipped in find_inputs([tmp_path]).skipped}
    assert set(lost) == {str(tmp_path / name) for name in (*names, "a", "empty\none.png")}
    for name in names:
        assert lost[str(tmp_path / name)].startswith("a link to a file that is not there; ")
    assert lost[str(tmp_path / "empty\none.png")].startswith("empty file")


def test_slices_of_a_series_are_one_volume_and_views_are_not(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", [9, 3, 6])
    write_series(tmp_path / "two", [0, 3])
    write_series(tmp_path / "two", [0, 3, 6], first=2)
    write_series(tmp_path / "phases", [0, 3, 0, 3])
    write_series(tmp_path / "one", [0])
    found = {
        str(i.place.relative_to(tmp_path)): (i.kind, len(i.files)) for i in find_inputs([tmp_path]).inputs
    }
    assert found == {
        "ct": ("series", 3),
        "one/0.dcm": ("picture", 1),
        **{f"phases/{number}.dcm": ("picture", 1) for number in range(4)},
        "two/0.dcm": ("series", 2),
        "two/2.dcm": ("series", 3),
    }
    glob = find_inputs(sorted((tmp_path / "ct").iterdir()))  # as a shell's ct/*.dcm gives them
    assert [(item.kind, len(item.files)) for item in glob.inputs] == [("series", 3)]


def test_volumes_at_the_same_places_are_told_apart_by_what_differs(tmp_path: Path) -> None:
    write_series(tmp_path / "echoes", [0, 3, 6, 0, 3, 6], echoes=[5, 5, 5, 9, 9, 9])
    write_series(tmp_path / "mixed", [0, 3, 6, 0, 3], echoes=[5, 5, 5, 9, 9])
    found = find_inputs([tmp_path]).inputs
    echoes = [item for item in found if "echoes" in item.name]
    assert [[file.name for file in item.files] for item in echoes] == [
        ["0.dcm", "1.dcm", "2.dcm"],
        ["3.dcm", "4.dcm", "5.dcm"],
    ]
    assert [item.name for item in echoes] == ["echoes__0", "echoes__3"]
    assert {item.notes for item in echoes} == {("one of 2 volumes of its series, told apart by EchoTime",)}
    mixed = [item for item in found if "mixed" in item.name]
    assert [item.kind for item in mixed] == ["picture"] * 5
    assert all(item.notes[0].startswith("one of 5 files of a series, several of them at") for item in mixed)


def test_a_copied_slice_leaves_the_series_a_volume(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", [0, 3, 6])
    copy = pydicom.dcmread(tmp_path / "ct" / "1.dcm")
    copy.SOPInstanceUID = copy.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    copy.save_as(tmp_path / "ct" / "1 (copy).dcm")
    found = find_inputs([tmp_path])
    assert [(item.kind, len(item.files), item.notes) for item in found.inputs] == [("series", 3, ())]
    (lost,) = found.skipped
    assert Path(lost.file).name == "1 (copy).dcm"
    assert lost.reason == f"a copy of {tmp_path / 'ct' / '1.dcm'}, which is taken"


def test_blank_slices_of_two_phases_are_no_copies(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", [0, 3, 6, 0, 3, 6], echoes=[5, 5, 5, 9, 9, 9])
    for path in (tmp_path / "ct" / "0.dcm", tmp_path / "ct" / "3.dcm"):
        blank = pydicom.dcmread(path)
        blank.PixelData = bytes(len(blank.PixelData))
        blank.save_as(path)
    found = find_inputs([tmp_path])
    assert [(item.kind, len(item.files)) for item in found.inputs] == [("series", 3)] * 2
    assert found.skipped == []


def test_a_slice_whose_place_is_no_number_is_in_no_volume(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", [0, 3, 6])
    path = tmp_path / "ct" / "1.dcm"
    lost = pydicom.dcmread(path)
    lost.ImagePositionPatient = ["NaN", "0", "0"]
    lost.save_as(path)
    found = find_inputs([tmp_path])
    assert sorted((item.kind, len(item.files)) for item in found.inputs) == [("picture", 1), ("series", 2)]


def test_the_header_beside_its_data_is_no_skip(tmp_path: Path) -> None:
    image = nibabel.Nifti1Pair(np.zeros((4, 4, 4), np.float32), np.eye(4))
    nibabel.save(image, tmp_path / "pair.img")
    (tmp_path / "alone.hdr").write_bytes((tmp_path / "pair.hdr").read_bytes())
    found = find_inputs([tmp_path])
    assert "pair.hdr" not in [Path(lost.file).name for lost in found.skipped]
    assert "pair.img" in [item.place.name for item in found.inputs]


def test_names_are_safe_and_never_meet(tmp_path: Path) -> None:
    for name in ("a b/x", "a_b/x", "A B/X"):
        write_pngs(tmp_path / name, phantoms(1))
    (tmp_path / "a b" / "x" / "00.png").rename(tmp_path / "a b" / "x" / "00.jpg")
    names = [item.name for item in find_inputs([tmp_path / n for n in ("a b", "a_b", "A B")]).inputs]
    assert len({name.lower() for name in names}) == 3
    assert names[0] == "x__00"
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzX0123456789_-") for name in names)


def test_a_file_counts_once_and_masks_do_not(tmp_path: Path) -> None:
    paths = write_pngs(tmp_path, phantoms(2))
    for name in ("00_mask.png", "01_seg.png"):
        (tmp_path / name).write_bytes(paths[0].read_bytes())
    found = find_inputs([tmp_path, paths[0]])
    assert [item.place.name for item in found.inputs] == ["00.png", "01.png"]
    assert [(Path(lost.file).name, lost.reason.split(";")[0]) for lost in found.skipped] == [
        ("01_seg.png", "named as the mask of 01.png"),
        ("00.png", f"the same file as {paths[0]}, which is taken"),
    ]
    with pytest.raises(InputError, match=r"01_seg.png: named as the mask"):
        support_inputs([tmp_path])
    assert len(support_inputs([tmp_path], mask_suffix="_seg")) == 3


def test_nothing_to_score_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"no image found[\s\S]*notes.txt"):
        find_inputs([tmp_path])
    with pytest.raises(InputError, match="no such file or folder"):
        find_inputs([tmp_path / "nowhere"])


def test_support_sets_are_strict_about_images_and_pass_over_the_rest(tmp_path: Path) -> None:
    paths = write_pngs(tmp_path, np.concatenate([phantoms(2)]))
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    assert len(support_inputs([tmp_path])) == 2
    (tmp_path / "cut.dcm").write_bytes(b"\0" * 128 + b"DICM")
    with pytest.raises(InputError, match=r"not all of it can be used[\s\S]*cut.dcm"):
        support_inputs([tmp_path])
    assert paths[0].exists()


def test_one_series_is_one_volume_whatever_the_last_digit_of_its_orientation(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", [0, 3, 6, 9])
    for number in range(4):
        sine = 0.015 + (1e-5 if number % 2 else -1e-5)  # rounds to 0.02 and to 0.01
        _edit(
            tmp_path / "ct" / f"{number}.dcm",
            ImageOrientationPatient=[1, 0, 0, 0, (1 - sine**2) ** 0.5, sine],
        )
    (found,) = find_inputs([tmp_path]).inputs
    assert (found.kind, len(found.files), found.notes) == ("series", 4, ())
    assert read_volume(tmp_path / "ct").slices.shape[0] == 4


def test_a_scout_is_an_input_by_itself_and_both_say_so(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", [0, 3, 6])
    write_series(
        tmp_path / "ct", [0], first=3, uid=pydicom.dcmread(tmp_path / "ct" / "0.dcm").SeriesInstanceUID
    )
    _edit(tmp_path / "ct" / "3.dcm", ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    volume, scout = find_inputs([tmp_path]).inputs
    assert (len(volume.files), scout.kind) == (3, "picture")
    for one in (volume, scout):
        assert [note.split(",")[0] for note in one.notes] == ["its series has other slices"]
    with pytest.raises(InputError, match="orientations in one folder"):
        read_volume(tmp_path / "ct")


def test_a_volume_says_that_a_file_beside_it_could_not_be_read(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", [0, 3, 6, 9])
    whole = (tmp_path / "ct" / "3.dcm").read_bytes()
    (tmp_path / "ct" / "3.dcm").write_bytes(whole[: len(whole) // 2])
    found = find_inputs([tmp_path])
    assert (len(found.inputs[0].files), len(found.skipped)) == (3, 1)
    assert found.inputs[0].notes == ("files of its folder cannot be read (1): are slices of it missing?",)


def test_a_series_without_places_is_pictures_that_say_so(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", [0, 3, 6])
    write_series(tmp_path / "mixed", [0, 3, 6, 9])
    projection(tmp_path / "dx" / "1.dcm")
    projection(tmp_path / "dx" / "2.dcm")
    first = pydicom.dcmread(tmp_path / "dx" / "1.dcm").SeriesInstanceUID
    _edit(tmp_path / "dx" / "2.dcm", SeriesInstanceUID=first)  # two views, which have no place by their kind
    for number in range(3):
        _edit(tmp_path / "ct" / f"{number}.dcm", ImagePositionPatient=None)
    _edit(tmp_path / "mixed" / "3.dcm", ImagePositionPatient=None)
    notes = {str(one.place.relative_to(tmp_path)): one.notes for one in find_inputs([tmp_path]).inputs}
    said = "files of its series do not say where in the patient they lie ({}): each is a picture"
    assert notes == {
        **{f"ct/{number}.dcm": (said.format(3),) for number in range(3)},
        **{name: (said.format(1),) for name in ("mixed", "mixed/3.dcm")},
        **{f"dx/{number}.dcm": () for number in (1, 2)},
    }


def test_every_second_number_is_noted_but_not_of_one_of_two_echoes(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", [0, 6, 12])
    write_series(tmp_path / "echoes", [0, 6, 12, 0, 6, 12], echoes=[5, 5, 5, 9, 9, 9])
    for number in range(3):
        _edit(tmp_path / "ct" / f"{number}.dcm", InstanceNumber=1 + 2 * number)
        _edit(tmp_path / "echoes" / f"{number}.dcm", InstanceNumber=1 + 2 * number)
        _edit(tmp_path / "echoes" / f"{number + 3}.dcm", InstanceNumber=2 + 2 * number)
    whole, *echoes = find_inputs([tmp_path]).inputs
    assert whole.notes == ("instance numbers go up by 2 from slice to slice: are those between missing?",)
    assert [note.split(",")[0] for one in echoes for note in one.notes] == [
        "one of 2 volumes of its series"
    ] * 2


def _edit(path: Path, **values: object) -> None:
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def test_batches_are_bounded_since_each_is_filled_up() -> None:
    assert Asked(batch_size=4096).batch_size == 4096
    with pytest.raises(InputError, match="batch_size"):
        Asked(batch_size=100_000_000)


def test_parts_that_are_missing_are_named(tmp_path: Path) -> None:
    for group in (1, 4):
        Journal(tmp_path, Part(2, 3), "k", resume=True).add(group, [], [])
    Journal(tmp_path, Part(1, 3), "k", resume=False).add(0, [], [])
    assert parts_left(tmp_path, Part(2, 3), "k", 5) == ["1/3", "3/3"]
    assert parts_left(tmp_path, Part(2, 3), "other", 5) == ["1/3", "2/3", "3/3"]
