"""Table A3 as data: strings as printed, corrected identifiers beside the printed ones."""

from fusionmedclip.models.prompts.umls import read_concepts


def test_table_a3() -> None:
    normal, abnormal = read_concepts()
    assert (normal.name, normal.cui_printed, normal.cui) == ("normal", "C0231218", "C0205307")
    assert (abnormal.name, abnormal.cui_printed, abnormal.cui) == ("abnormal", "C0000768", "C0205161")
    for concept in (normal, abnormal):
        assert (len(concept.synonyms), len(concept.definitions)) == (10, 3)
        assert concept.texts == [*concept.synonyms, *concept.definitions]
    assert normal.synonyms[:4] == ("Within normal limits", "Unremarkable", "Negative", "WNL")
    assert abnormal.synonyms[-2:] == ("Not within normal limits", "Positive findings")
    assert normal.definitions[1] == "The absence of disease or abnormality."
    assert abnormal.definitions[1] == "Deviating from the normal or expected condition."
