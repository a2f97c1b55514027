"""The documentation as a site: no warning, no network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOADED = re.compile(
    r'<(?:script|img|iframe)\b[^>]*\bsrc="(?P<src>https?:[^"]*)"'
    r'|<link\b(?=[^>]*\brel="(?:stylesheet|preconnect|icon|preload)")[^>]*\bhref="(?P<href>https?:[^"]*)"'
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site as ``make docs`` builds it, elsewhere."""
    pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_site_builds_and_fetches_nothing(site: Path):
    """Links that lead nowhere end the build; what a page loads lies beside it."""
    pages = {path.relative_to(site).as_posix(): path.read_text("utf-8") for path in site.rglob("*.html")}
    assert {"index.html", "tutorial.html", "reference.html", "api/settings.html"} <= pages.keys()
    loaded = {page: [m["src"] or m["href"] for m in LOADED.finditer(text)] for page, text in pages.items()}
    assert {page: found for page, found in loaded.items() if found} == {}


def test_the_reference_has_a_meaning_for_every_key(site: Path):
    """The last cell of each row."""
    text = (site / "reference.html").read_text(encoding="utf-8")
    rows = [
        re.findall(r"<td>(.*?)</td>", row, re.DOTALL)
        for row in re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
    ]
    rows = [row for row in rows if row]
    assert len(rows) > 100
    assert [row[0] for row in rows if not row[-1].strip()] == []
