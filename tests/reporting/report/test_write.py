"""The report: one page with every part, its numbers those of the CSV, nothing loaded from elsewhere."""

import re
from html.parser import HTMLParser

import pytest

PARTS = [
    "claims",
    "tables",
    "figures",
    "data",
    "controls",
    "deviations",
    "configuration",
    "machine",
    "workflow",
    "times",
]


class Page(HTMLParser):
    """Text by section, cells by section, and the addresses that a page asks for."""

    def __init__(self, text):
        super().__init__()
        self.section, self.text, self.cells, self.addresses, self.open = "", {}, {}, [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.addresses += [attrs[name] for name in ("src", "href") if name in attrs]
        if tag == "h2":
            self.section = attrs["id"]
        if tag in ("td", "th"):
            self.cells.setdefault(self.section, []).append("")
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        self.text[self.section] = self.text.get(self.section, "") + data
        if "td" in self.open or "th" in self.open:
            self.cells[self.section][-1] += data


@pytest.fixture
def page(report_page):
    return Page(report_page.read_text())


def test_every_part_is_there_in_order(page):
    assert [part for part in page.text if part] == PARTS


def test_it_opens_with_the_claims_whose_links_lead_to_cells_of_its_tables(report_page, page):
    text = report_page.read_text()
    assert text.index("Of the thesis's 20 claims".replace("'", "&#x27;")) < text.index(
        "The thesis prints a figure"
    )
    inside = {address[1:] for address in page.addresses if address.startswith("#")} - set(PARTS)
    assert inside == {"table6-busi-squid-16"}
    assert "id='table6-busi-squid-16' title='fusionmedclip trace table6 busi squid 16'" in text


def test_tables_and_controls_stand_apart_with_the_numbers_of_their_csv(page):
    assert any("55.1" in cell for cell in page.cells["tables"])
    assert not any("77.8" in cell for cell in page.cells["tables"])
    assert any("77.8" in cell for cell in page.cells["controls"])


def test_what_labels_taught_stands_in_a_section_of_its_own_with_all_of_its_table(labelled_page):
    page = Page(labelled_page.read_text())
    after = PARTS.index("tables") + 1
    assert [part for part in page.text if part] == [*PARTS[:after], "labelled", *PARTS[after:]]
    for number in ("89.9", "31.3"):
        assert any(number in cell for cell in page.cells["labelled"])
        assert not any(number in cell for cell in page.cells["tables"])
    assert any("55.1" in cell for cell in page.cells["tables"])
    assert "Not comparable with the tables above" in page.text["labelled"]


def test_the_opening_counts_cells(page):
    said = " ".join(page.text["claims"].split())
    assert "The thesis prints a figure for 1 of 2 cells: 1 were made here by its protocol" in said
    assert "0 are stand-ins, 0 were not run" in said
    assert "neither confirm nor refute" in page.text["claims"]


def test_data_are_counted_and_their_flaws_named(page):
    assert page.cells["data"][8:16] == ["BUSI", "12", "5", "7", "2", "5 x 5 to 7 x 7", "1", "CC <0>"]
    assert "An abnormal image with an empty mask: 2" in page.text["data"]
    assert "border mean 0.800" in page.text["data"]
    assert "bytes" not in page.text["data"].split("Shortcuts")[1]


def test_times_are_medians_over_the_runs(page):
    row = page.cells["times"][8:]
    assert row[:5] == ["SQUID", "3", "5.0", "30.0", "20.0"]
    assert row[5:] == ["3.00", "1,234", "0.7"]  # (1 + 5 + 30 + 3 x 2) s = 0.7 min


def test_the_graph_has_the_stages_with_jobs(page):
    assert "run method" in page.text["workflow"]
    assert "3 jobs" in page.text["workflow"]
    assert "pretrain" not in page.text["workflow"]


def test_settings_and_documents_are_shown_as_text(page):
    assert "note: a < b" in page.text["configuration"]
    assert "x <y>" in page.cells["deviations"]
    assert "Head" not in page.text["deviations"]


def test_nothing_is_loaded_from_elsewhere(page):
    loaded = [
        a for a in page.addresses if not re.match(r"#|data:image/png;base64,|figures/curation\.html$", a)
    ]
    assert loaded == []
    assert any(a.startswith("data:image/png;base64,") for a in page.addresses)
