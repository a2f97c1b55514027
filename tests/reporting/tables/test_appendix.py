"""Tables A1 to A3: the configuration beside the thesis."""

import copy

import pandas as pd
import pytest

from fusionmedclip.config import Config, load_config
from fusionmedclip.reporting.tables.appendix import APPENDIX, appendix_request, appendix_rows
from fusionmedclip.reporting.tables.appendix_formats import build_appendix


@pytest.fixture(scope="module")
def thesis(root):
    return load_config(root / "config.yaml")


def _rows(config, table):
    return {row["key"]: row for row in appendix_rows(config, table)}


def test_the_protocol_differs_where_the_deviations_say_so(thesis):
    differs = {table: [k for k, row in _rows(thesis, table).items() if row["note"]] for table in APPENDIX}
    assert differs == {
        "table_a1": ["target ViT layers", "adapter structure", "anomaly synthesis probability"],
        "table_a2": ["dropout rate", "transforms (train)"],
        "table_a3": ["how it enters (section 3.2.1)", "identifier, normal", "identifier, abnormal"],
    }
    rows = _rows(thesis, "table_a1")
    assert (rows["target ViT layers"]["thesis"], rows["target ViT layers"]["ours"]) == (
        "14, 18, 24",
        "12, 18, 24",
    )
    # 26 and 23 printed lines; 3.2.1, two identifiers, 2 x 10 synonyms and 2 x 3 definitions
    assert [len(_rows(thesis, table)) for table in APPENDIX] == [26, 23, 29]


def test_identifiers_are_shown_printed_and_corrected(thesis):
    rows = _rows(thesis, "table_a3")
    found = {key: (row["thesis"], row["ours"]) for key, row in rows.items() if "identifier" in key}
    assert found == {
        "identifier, normal": ("C0231218", "C0205307"),
        "identifier, abnormal": ("C0000768", "C0205161"),
    }


LORA = ("methods", "fusionmedclip", "settings", "model", "lora")
STAGE1 = ("backbones", "roco_clip", "stage1")


@pytest.mark.parametrize(
    ("path", "value", "table", "key", "ours"),
    [
        (("methods", "clip", "settings", "optimiser", "epochs"), 40, "table_a1", "epochs", "40"),
        (LORA, None, "table_a1", "LoRA rank (r)", "none"),
        (LORA, None, "table_a1", "LoRA target modules", "none"),
        ((*STAGE1, "settings", "patience"), 3, "table_a2", "early stopping patience", "3"),
        (STAGE1, None, "table_a2", "optimizer", "none"),
        (("image_size",), 96, "table_a2", "input size", "96"),
    ],
)  # fmt: skip
def test_another_configuration_shows_and_is_marked(thesis, path, value, table, key, ours):
    data = copy.deepcopy(thesis.data)
    place = data
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    row = _rows(Config({**data, "tier": "mine"}), table)[key]
    assert row["ours"] == ours
    assert "mine tier" in row["note"]


def test_every_format_has_every_row(thesis, tmp_path):
    tables = appendix_request(thesis)
    build_appendix(tables=tables, folder=tmp_path)
    for name in APPENDIX:
        table = pd.read_csv(tmp_path / f"{name}.csv", keep_default_na=False)
        assert list(table.columns) == ["key", "thesis", "ours", "note"]
        assert table.to_dict("records") == tables[name]["rows"]
        text = (tmp_path / f"{name}.md").read_text()
        page = (tmp_path / f"{name}.html").read_text()
        latex = (tmp_path / f"{name}.tex").read_text()
        differ = sum(bool(row["note"]) for row in tables[name]["rows"])
        assert text.count("≠") == latex.count(r"$\neq$") == page.count("<td class='above'>≠") == differ
        for row in tables[name]["rows"]:
            sign = "≠ " if row["note"] else ""
            assert f"| {row['key']} | {row['thesis']} | {sign}{row['ours']} | {row['note']} |" in text
        assert page.count("<tr>") == len(table) + 1
        body = latex.split(r"\midrule")[1].split(r"\bottomrule")[0]
        assert len(body.strip().splitlines()) == len(table)
