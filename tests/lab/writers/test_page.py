"""The page of a prediction: what it says, read by a parser, and how it works, in a browser."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from fusionmedclip.lab.standing import Standing
from fusionmedclip.lab.writers.page import INDEX, PageWriter
from fusionmedclip.lab.writers.pictures import PictureWriter


class _Links(HTMLParser):
    """Addresses, pictures, and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.pictures: list[dict] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        self.addresses += [given[key] for key in ("src", "href") if given.get(key)]
        if tag == "img":
            self.pictures.append(given)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(folder: Path) -> _Links:
    page = _Links()
    page.feed((folder / INDEX).read_text())
    return page


def test_the_page_lists_every_input_worst_first(prediction: Path) -> None:
    page = read(prediction)
    names = [re.match(r"(.*)\.png, ", picture["alt"])[1] for picture in page.pictures]
    assert names == ["volume", "loud & <b>", "quiet"]
    assert "quiet.png, not flagged, score 0.300" in page.pictures[2]["alt"]
    assert "slice 2 of 3" in page.pictures[0]["alt"]
    for said in (
        "3 inputs, 2 flagged, 1 skipped",
        "Rests on a <stand-in>.",
        "in/Thumbs.db",
        "no <image>",
        "Not a medical device",
        "above 0.600",
        "Made by hand.",
        "above 12 % of the support",
    ):
        assert said in page.text, said


def test_the_page_needs_nothing_but_its_folder(prediction: Path) -> None:
    from urllib.parse import unquote

    addresses = [a for a in read(prediction).addresses if not a.startswith(("#", "data:,"))]
    assert len(addresses) == 6
    assert all((prediction / unquote(address)).is_file() for address in addresses)
    assert not re.search(r"https?:|//[a-z]", (prediction / INDEX).read_text())


def test_a_volume_stands_out_by_its_slices_where_it_has_no_flag_of_its_own(tmp_path, scored, scale) -> None:
    standings = (Standing(10.0, False), Standing(99.0, True))
    made = [
        scored("by slices", 0.5, 0.9, flag=None, standings=standings, notes=("blank & <odd>",)),
        scored("by itself", 0.5, 0.8, flag=False, standings=standings),
    ]
    for one in made:
        PictureWriter(scale).write(one, tmp_path)
    PageWriter(scale).finish(tmp_path)
    text = (tmp_path / INDEX).read_text()
    assert re.findall(r'data-flag="(\w+)"', text) == ["yes", "no"]
    page = read(tmp_path)
    assert "2 inputs, 0 flagged, 1 volume with flagged slices, 1 with notes" in page.text
    assert page.text.count("1 of 2 slices flagged") == 2
    assert "blank & <odd>" in page.text
    assert page.pictures[0]["alt"].startswith("by slices.png, 1 flagged slice, score 0.900")


def test_a_name_cannot_end_the_data(prediction: Path) -> None:
    text = (prediction / INDEX).read_text()
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    assert "<" not in data
    assert [one["file"] for one in json.loads(data)] == ["volume.png", "loud & <b>.png", "quiet.png"]


def test_a_page_of_several_calls_shows_all(prediction: Path, scored, scale) -> None:
    PictureWriter(scale).write(scored("later", 0.8), prediction)
    PageWriter(scale).finish(prediction)
    assert [p["alt"].split(".")[0] for p in read(prediction).pictures][:2] == ["volume", "later"]


@pytest.fixture
def page(browser, prediction: Path):
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 844})
    context.set_default_timeout(300_000)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.goto((prediction / INDEX).as_uri())
    yield opened
    assert not problems
    context.close()


def shown(page) -> list[str]:
    return page.locator(".card:visible b").all_text_contents()


def test_filters_in_a_browser(page) -> None:
    assert shown(page) == ["volume.png", "loud & <b>.png", "quiet.png"]
    page.get_by_label("flagged", exact=True).check()
    assert shown(page) == ["volume.png", "loud & <b>.png"]
    page.get_by_placeholder("Part of a name").fill("LOUD")
    assert shown(page) == ["loud & <b>.png"]
    assert page.locator("#found").text_content() == "1 of 3"
    page.get_by_placeholder("Part of a name").fill("nothing like it")
    assert page.get_by_text("Nothing is shown").is_visible()


def test_keys_in_a_browser(page) -> None:
    title = page.locator("#title")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert title.text_content() == "volume.png"
    assert page.locator("#place").text_content() == "2 of 3 (worst)"
    page.keyboard.press("ArrowDown")
    assert "this slice 0.400" in page.locator("#state").text_content()
    page.keyboard.press(" ")
    assert page.locator("#plain").get_attribute("aria-pressed") == "true"
    page.wait_for_function("document.getElementById('large').dataset.painted?.includes('layers/pictures')")
    page.keyboard.press("ArrowRight")
    assert title.text_content() == "loud & <b>.png"
    page.keyboard.press("Escape")
    assert not page.locator("#viewer").is_visible()
    assert page.evaluate("document.activeElement.closest('.card').dataset.name") == "loud & <b>.png"


def test_nothing_is_wider_than_a_phone_and_all_pictures_load(page, tmp_path: Path) -> None:
    page.wait_for_function("[...document.images].every((i) => i.complete && i.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=tmp_path / "dark.png")
    assert Image.open(tmp_path / "dark.png").convert("L").getpixel((2, 2)) < 60
