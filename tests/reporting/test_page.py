"""Parts of a page."""

from PIL import Image

from fusionmedclip.reporting.page import embedded


def test_a_picture_says_its_size_and_what_it_shows(tmp_path):
    """So that a page does not jump while it loads; without scripts a checkbox shows it at full size."""
    Image.new("L", (7, 5)).save(tmp_path / "a.png")
    text = embedded(tmp_path / "a.png", title="A <b>", caption='Of "c".')
    assert " width='7' height='5' " in text
    assert "alt='A &lt;b&gt;. Of &quot;c&quot;.'" in text
    assert "<input type='checkbox'" in text
