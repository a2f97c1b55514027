"""The table of claims is no stray, and is made again."""

import pytest
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.reporting.claims.build import build_claims
from fusionmedclip.reporting.claims.catalogue import CLAIMS, claims
from fusionmedclip.reporting.claims.request import all_asked, claims_look
from fusionmedclip.reporting.tables.formats import files_of
from fusionmedclip.reporting.tables.inputs import SUFFIX
from fusionmedclip.reporting.verification.verify import verify_results
from tests.reporting.verification.conftest import reseal


@pytest.fixture
def claimed(results, small):
    """Finished results with claims that rest on their tables; none of their cells is the thesis's."""
    tables, folder = results / "tables", results / "datasets/busi"
    build_claims(
        results=results,
        look={**claims_look(small), "tables": ["images", "pixels"]},
        records=[tables / f"{table}{SUFFIX}" for table in ("images", "pixels")],
        manifests=[folder / "manifest.csv"],
        splits=[folder / "split_paper.csv"],
        files=[tables / name for name in files_of(CLAIMS)],
        record=tables / f"{CLAIMS}{SUFFIX}",
    )
    return results


def _named(results, **more):
    return [(finding.file, finding.what) for finding in verify_results(results, **more).findings]


def test_claims_are_met_again(claimed):
    assert _named(claimed) == []


@pytest.mark.parametrize("suffix", [".csv", ".md", ".tex", ".html"])
def test_an_altered_verdict_is_named_also_where_its_record_was_sealed_again(claimed, suffix):
    path = claimed / f"tables/{CLAIMS}{suffix}"
    path.write_text(path.read_text().replace("not testable here", "supported"))
    assert _named(claimed) == [(f"tables/{CLAIMS}{suffix}", "altered")]
    for _ in range(2):  # its record holds the digests of other tables' records
        reseal(claimed)
    assert _named(claimed) == [(f"tables/{CLAIMS}{suffix}", "contradicted")]


def test_claims_that_nobody_made_are_named(claimed):
    (claimed / f"tables/{CLAIMS}.pdf").write_bytes(b"")
    (claimed / f"tables/{CLAIMS}.md").unlink()
    assert _named(claimed) == [(f"tables/{CLAIMS}.md", "deleted"), (f"tables/{CLAIMS}.pdf", "added")]


def test_the_command_prints_each_claim_once(claimed, tmp_path):
    done = CliRunner().invoke(app, ["claims", str(claimed)])
    assert done.exit_code == 0
    assert "1 contradicted by its own tables, 19 not testable here" in done.output
    assert [done.output.count(claim.short) for claim in claims()] == [1] * 20
    assert "claimed is 89.9" in done.output
    assert "Read as: Our runs within 3 points" in done.output
    assert "not checked" not in done.output
    (tmp_path / "tables").mkdir()
    done = CliRunner().invoke(app, ["claims", str(tmp_path)])
    assert (done.exit_code, "snakemake" in done.output) == (1, True)


def test_the_command_prints_no_claim_that_is_not_as_it_was_written(claimed):
    path = claimed / f"tables/{CLAIMS}.csv"
    written = path.read_text()
    path.write_text(written.replace("best_image,not testable here", "best_image,cannot be told"))
    done = CliRunner().invoke(app, ["claims", str(claimed)])
    assert done.exit_code == 2
    assert "altered since claims.inputs.json" in done.output
    assert f"fusionmedclip verify {claimed}" in done.output
    assert claims()[0].short not in done.output
    (claimed / f"tables/{CLAIMS}{SUFFIX}").unlink()
    path.write_text(written)
    done = CliRunner().invoke(app, ["claims", str(claimed)])
    assert (done.exit_code, "not checked: no record" in done.output) == (0, True)


@pytest.mark.parametrize("command", ["claims", "tables"])
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("none", "no such folder"),
        ("tables/claims.csv", "a file, no folder of results"),
        ("tables", "the folder of tables itself"),
    ],
)
def test_a_path_that_holds_no_results_is_named(claimed, command, path, says):
    done = CliRunner().invoke(app, [command, str(claimed / path)])
    assert done.exit_code == 2
    assert says in done.output
    assert "yet" not in done.output


def test_a_configuration_asks_for_them_where_it_has_tables_that_they_rest_on(small):
    assert CLAIMS not in all_asked(small)
    tables = {"table7": {**small.data["tables"]["pixels"]}}
    asked = all_asked(type(small)({**small.data, "tables": tables}))
    assert asked[CLAIMS]["layout"]["tables"] == ["table7"]
    assert asked[CLAIMS]["request"] == []
