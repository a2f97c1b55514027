"""The review's server refuses strangers; its page works in a browser."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.lab.review.server import ReviewServer, open_review
from tests.lab.review.test_decisions import rows

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def opened(prediction: Path) -> Iterator[ReviewServer]:
    review = open_review(prediction)
    thread = threading.Thread(target=review.server.serve_forever, args=(0.01,))
    thread.start()
    yield review
    review.server.shutdown()
    thread.join()
    review.server.server_close()
    review.review.decisions.close()


@pytest.fixture
def ask(opened: ReviewServer) -> Callable[..., tuple[int, bytes]]:
    """One request, its path and headers as they are given."""

    def send(path: str, body: bytes | None = None, *, headers: dict | None = None) -> tuple[int, bytes]:
        port = opened.server.server_port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            place = path.replace("TOKEN", opened.token)
            connection.request("GET" if body is None else "POST", place, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return send


def test_pages_and_pictures_are_there_and_the_worst_is_first(ask, prediction: Path) -> None:
    for name in ("", "page.css", "review.css", "review.js", "map_layer.js"):
        assert ask(f"/TOKEN/{name}")[0] == 200
    data = json.loads(ask("/TOKEN/data.json")[1])
    assert [one["name"] for one in data["inputs"]] == ["volume", "loud & <b>", "quiet"]
    assert len(data["colours"]) == 256
    layers = prediction / "layers"
    assert ask("/TOKEN/picture/0/2")[1] == (layers / "pictures" / "volume" / "0002.png").read_bytes()
    assert ask("/TOKEN/map/2/0")[1] == (layers / "maps" / "quiet.png").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/data.json",
        "/wrong/data.json",
        "/TOKEN/../TOKEN/data.json",
        "/TOKEN/review.csv",
        "/TOKEN/../../../../etc/passwd",
        "/TOKEN/picture/../../../etc/passwd",
        "/TOKEN/%2e%2e/%2e%2e/etc/passwd",
        "/TOKEN/picture/0/3",
        "/TOKEN/picture/3/0",
        "/TOKEN/picture/-1/0",
        "/TOKEN/picture/0/0/0",
        "/TOKEN/overlay/0/0",
        "/TOKEN/picture/99999999999999999999999/0",
    ],
)
def test_nothing_else_is_there(ask, path: str) -> None:
    assert ask(path)[0] == 404


def test_digits_of_other_scripts_are_no_numbers(opened: ReviewServer) -> None:
    assert opened.review.get("picture/\N{SUPERSCRIPT TWO}/0").status == 404


def test_other_hosts_and_pages_are_refused(ask, opened: ReviewServer, prediction: Path) -> None:
    port = opened.server.server_port
    body = json.dumps({"name": "quiet", "decision": "accept"}).encode()
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1",
        f"127.0.0.1:{port}.evil.example",
        "0.0.0.0",
    ):
        assert ask("/TOKEN/data.json", headers={"Host": host})[0] == 403
        assert ask("/TOKEN/decide", body, headers={**JSON, "Host": host})[0] == 403
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{port}"):
        assert ask("/TOKEN/decide", body, headers={**JSON, "Origin": origin})[0] == 403
    assert ask("/wrong/decide", body, headers=JSON)[0] == 404
    assert not (prediction / "review.csv").exists()
    own = {**JSON, "Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    assert ask("/TOKEN/decide", body, headers=own)[0] == 200
    assert opened.server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b"[" * 5000, JSON, 400),
        (b"[]", JSON, 400),
        (b'{"name": "nobody", "decision": "accept"}', JSON, 400),
        (b'{"name": ["quiet"], "decision": "accept"}', JSON, 400),
        (b'{"name": "quiet", "decision": "perhaps"}', JSON, 400),
        (b'{"name": "quiet", "decision": ["accept"]}', JSON, 400),
        (b'{"name": "quiet", "decision": "accept", "threshold": "1"}', JSON, 400),
        (b'{"name": "quiet", "decision": "accept", "threshold": NaN}', JSON, 400),
        (b'{"name": "quiet", "decision": "accept"}', {"Content-Type": "text/plain"}, 415),
        (b'{"name": "quiet", "decision": "accept"}', {**JSON, "Content-Length": "-1"}, 413),
        (b" " * 10_001, JSON, 413),
    ],
)
def test_what_is_no_click_changes_nothing(
    ask, prediction: Path, body: bytes, headers: dict, status: int
) -> None:
    assert ask("/TOKEN/decide", body, headers=headers)[0] == status
    assert not (prediction / "review.csv").exists()
    assert ask("/TOKEN/data.json")[0] == 200  # it still answers


def test_a_full_disk_is_told(ask, prediction: Path, monkeypatch) -> None:
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    body = json.dumps({"name": "quiet", "decision": "accept"}).encode()
    status, words = ask("/TOKEN/decide", body, headers=JSON)
    assert status == 500
    assert b"No space left on device" in words


def test_ports_and_folders_that_cannot_be_used(
    prediction: Path, opened: ReviewServer, tmp_path: Path
) -> None:
    opened.review.decisions.close()
    for port in (opened.server.server_port, 70_000):
        with pytest.raises(InputError, match=f"port {port}"):
            open_review(prediction, port=port)
    with pytest.raises(InputError, match="no pictures of a prediction"):
        open_review(tmp_path / "nowhere")


@pytest.fixture
def page(browser, opened: ReviewServer) -> Iterator:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(300_000)
    shown = context.new_page()
    problems: list[str] = []
    shown.on("pageerror", lambda error: problems.append(str(error)))
    shown.on("console", lambda told: problems.append(told.text) if told.type == "error" else None)
    shown.goto(opened.address)
    shown.wait_for_selector('#large[data-painted="0/1"]')  # the worst slice of the worst input
    yield shown
    assert not [words for words in problems if "net::ERR_FAILED" not in words]  # which a test brings about
    context.close()


def state(page) -> tuple[str, str]:
    return page.locator("#title").text_content(), page.locator("#progress").text_content()


def pixel(page, x: int, y: int) -> list[int]:
    return page.evaluate(
        f"[...document.getElementById('large').getContext('2d').getImageData({x}, {y}, 1, 1).data]"
    )


def test_clicks_and_keys_in_a_browser(page, prediction: Path) -> None:
    assert state(page) == ("volume.png", "0 of 3 reviewed")
    page.get_by_role("button", name="Accept").click()
    page.get_by_text("1 of 3 reviewed").wait_for()
    assert rows(prediction) == {"volume": "accept"}
    assert state(page)[0] == "loud & <b>.png"
    page.keyboard.press("r")
    page.get_by_text("2 of 3 reviewed").wait_for()
    assert rows(prediction) == {"volume": "accept", "loud & <b>": "reject"}
    page.keyboard.press("u")
    page.get_by_text("1 of 3 reviewed").wait_for()
    assert rows(prediction) == {"volume": "accept"}
    assert state(page)[0] == "loud & <b>.png"
    page.keyboard.press("ArrowRight")
    assert state(page)[0] == "quiet.png"
    page.reload()
    page.wait_for_selector("#large[data-painted]")
    assert state(page) == ("loud & <b>.png", "1 of 3 reviewed")  # where it was


def test_two_browsers_on_one_review(page, browser, opened: ReviewServer, prediction: Path) -> None:
    context = browser.new_context()
    context.set_default_timeout(300_000)
    other = context.new_page()
    other.goto(opened.address)
    other.wait_for_selector("#large[data-painted]")
    page.keyboard.press("a")
    page.get_by_text("1 of 3 reviewed").wait_for()
    other.keyboard.press("r")  # on the same input, which its window shows without a decision
    other.get_by_text("decided elsewhere since").wait_for()
    assert rows(prediction) == {"volume": "accept"}
    other.get_by_text("1 of 3 reviewed").wait_for()
    other.keyboard.press("u")  # it has no click of its own
    other.get_by_text("decided elsewhere since").wait_for(state="hidden")  # answered: presses before are void
    other.keyboard.press("ArrowRight")
    other.keyboard.press("r")
    other.get_by_text("2 of 3 reviewed").wait_for()
    with page.expect_response("**/undo"):  # its own count says 1 of 3 before as well as after
        page.keyboard.press("u")
    page.get_by_text("1 of 3 reviewed").wait_for()
    assert rows(prediction) == {"loud & <b>": "reject"}
    context.close()


def test_sliders_in_a_browser(page) -> None:
    """The peak of slice 1 is 0.9 on a scale of 0.2 to 1.0; grey at its middle is nearly half."""
    inside, outside = (43, 25), (5, 25)
    grey = pixel(page, *outside)
    assert grey[0] == grey[1] == grey[2]
    coloured = pixel(page, *inside)
    assert coloured[0] > coloured[2] + 60  # yellow: much red, little blue
    page.locator("#threshold").fill("0.95")
    faint = pixel(page, *inside)
    assert faint[0] - faint[2] < coloured[0] - coloured[2]
    assert "0.0 % above" in page.locator("#threshold-value").text_content()
    page.locator("#opacity").fill("0")
    plain = pixel(page, *inside)
    assert plain[0] == plain[1] == plain[2]
    page.locator("#slice").fill("0")
    page.wait_for_selector('#large[data-painted="0/0"]')
    assert "this slice 0.500" in page.locator("#state").text_content()


def test_a_review_that_ended_says_that_nothing_is_saved(page, opened: ReviewServer) -> None:
    page.context.route("**/decide", lambda route: route.abort())
    problems = page.locator("#problem")
    assert not problems.is_visible()
    page.get_by_role("button", name="Reject").click()
    problems.wait_for()
    assert "Not saved" in problems.text_content()
    assert state(page) == ("volume.png", "0 of 3 reviewed")


def test_nothing_is_wider_than_a_phone(page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.set_viewport_size({"width": 390, "height": 300})
    page.reload()
    page.wait_for_selector("#large[data-painted]")
    assert page.evaluate("window.scrollY") == 0  # the list scrolls, the page stays at the picture
