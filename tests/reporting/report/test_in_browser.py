"""The report in a browser: nothing overflows, fails to load or is asked for from elsewhere."""

import html
import json
import re
import shutil
import subprocess

import pandas as pd
import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (390, 1280)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on the PATH")

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What the page may load; all else is refused and reported."""

WATCH = """<meta http-equiv="Content-Security-Policy" content="%s"><script>
const wrong = [];
addEventListener("securitypolicyviolation", event => wrong.push("asked for " + event.blockedURI));
addEventListener("error", event => wrong.push(event.message || "cannot load " + event.target.tagName), true);
addEventListener("load", async () => {
  for (const image of document.images) image.loading = "eager";
  await Promise.allSettled([...document.images].map(image => image.decode()));
  const cells = {};
  for (const table of document.querySelectorAll("section.fmc-table"))
    cells[table.id] = [...table.querySelectorAll("td")].filter(cell => cell.getClientRects().length)
      .map(cell => cell.innerText);
  const kept = {};
  for (const box of document.querySelectorAll("section.fmc-table .scroll")) {
    box.scrollLeft = box.scrollWidth;
    const edges = element => {
      const {left, right} = element.getBoundingClientRect();
      return [Math.round(left), Math.round(right)];
    };
    kept[box.parentElement.id] = {moved: box.scrollLeft,
      labels: [...box.querySelector("tbody tr").querySelectorAll("th")].map(edges),
      heads: [...box.querySelector("thead tr").querySelectorAll("th.label")].map(edges),
      caption: edges(box.querySelector("caption span"))};
  }
  parent.postMessage({kept, inner: innerWidth, scroll: document.documentElement.scrollWidth,
    images: [...document.images].map(image => image.naturalWidth), wrong, cells}, "*");
});
</script>"""

FRAMES = """<!doctype html><html><body><iframe id="waiting"></iframe><script>
const seen = [], waiting = document.getElementById("waiting").contentDocument;
waiting.open();
addEventListener("message", event => {
  seen.push(event.data);
  if (seen.length < %d) return;
  waiting.close();
  document.body.innerText = JSON.stringify(seen);
});
</script>%s</body></html>"""
"""Not loaded, and not printed, while ``waiting`` is open: a busy machine has all the time it needs."""


def opened(page, folder):
    """What a browser finds in a page at each width, and its console's lines.

    Frames, since a window cannot be narrower than 500 pixels.
    """
    text = page.read_text()
    assert text.count("<meta charset='utf-8'>") == 1
    watched = folder / "watched.html"
    watched.write_text(text.replace("<meta charset='utf-8'>", "<meta charset='utf-8'>" + WATCH % POLICY))
    frames = "".join(f"<iframe src='{watched.name}' width='{w}' height='800'></iframe>" for w in WIDTHS)
    (folder / "frames.html").write_text(FRAMES % (len(WIDTHS), frames))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += ["--no-first-run", "--enable-logging=stderr", "--dump-dom"]
    done = subprocess.run(
        [BROWSER, *flags, f"--user-data-dir={folder / 'profile'}", (folder / "frames.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = re.search(r"<body>(\[.*\])</body>", done.stdout, re.S)
    assert said, done.stdout[-2000:] + done.stderr[-2000:]
    found = {entry["inner"]: entry for entry in json.loads(html.unescape(said[1]))}
    return found, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_page_opens_at_any_width_with_the_numbers_of_its_tables(report_page, tmp_path):
    found, console = opened(report_page, tmp_path)
    assert console == []
    assert sorted(found) == list(WIDTHS)
    for width, entry in found.items():
        assert entry["scroll"] <= width
        assert entry["wrong"] == []
        assert len(entry["images"]) == 1
        assert min(entry["images"]) > 0
        assert set(entry["cells"]) == {"table6", "controls"}
        for name, cells in entry["cells"].items():
            table = pd.read_csv(report_page.with_name(f"{name}.csv"))
            printed = [
                f"{100 * row['mean']:.1f}" + (f" ± {100 * row['std']:.1f}" if row["std"] >= 0 else "")
                for _, row in table.iterrows()
            ]
            assert [re.match(r"[\d.]+( ± [\d.]+)?", cell)[0] for cell in cells] == printed


def test_a_table_that_is_scrolled_on_a_phone_keeps_its_labels(report_page, tmp_path):
    """Data set and k of a row, and the caption, stay in sight beside the last column."""
    text = report_page.read_text()
    report_page.write_text(
        text.replace("</td></tr>", "</td>" + "<td class='n'>100.0 ± 0.0</td>" * 6 + "</tr>")
    )
    found, _ = opened(report_page, tmp_path)
    kept = found[390]["kept"]
    assert set(kept) == {"table6", "controls"}
    for table in kept.values():
        assert table["moved"] > 100
        assert len(table["labels"]) == len(table["heads"]) == 2
        for edges in (table["labels"], table["heads"]):
            assert 0 <= edges[0][0] < edges[0][1] <= edges[1][0] + 1 < edges[1][1] < 200
        left, right = table["caption"]
        assert 0 <= left < right <= 390


def test_a_spoiled_page_is_found_so(report_page, tmp_path):
    spoil = (
        "<div style='width:2000px'>wide</div><img src='data:image/png;base64,AAAA'>"
        "<img src='http://127.0.0.1:9/x.png'><script>nothing.here</script>"
    )
    report_page.write_text(report_page.read_text().replace("</body>", f"{spoil}</body>"))
    found, console = opened(report_page, tmp_path)
    assert any("nothing is not defined" in line for line in console)
    for entry in found.values():
        assert entry["scroll"] > entry["inner"]
        assert entry["images"].count(0) == 2
        assert "asked for http://127.0.0.1:9/x.png" in entry["wrong"]
        assert any("nothing is not defined" in what for what in entry["wrong"])
