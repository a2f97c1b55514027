"""Text, YAML and JSON: read, or refused with file and line; nothing is taken for something else."""

from pathlib import Path

import pytest

from fusionmedclip.config import Config, load_config
from fusionmedclip.documents import check_plain, read_json, read_text, read_yaml
from fusionmedclip.errors import InputError
from fusionmedclip.models.settings import PromptSettings
from fusionmedclip.settings import build


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes, name: str = "o.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


REFUSED = {
    "not UTF-8": (b"a: 1\ntitle: caf\xe9\n", r"o\.yaml, line 2: not UTF-8\n.*xe9.*\n.*Latin-1"),
    "NUL": (b"a: 1\nb: 2\nc\0: 3", r"o\.yaml, line 3: holds a NUL byte"),
    "UTF-16": ("a: 1".encode("utf-16"), r"o\.yaml: is UTF-16"),
    "twice": ("a:\n  b: 1\n  c: 2\n  b: 3\n", r"o\.yaml: line 4: key b stands there since line 2"),
    "twice as flow": ("{a: 1, 'a': 2}", "key a stands there since line 1"),
    "nested": ("a: " + "[" * 1500, r"o\.yaml, line 1: nested too deeply"),
    "nested and closed": ("a: " + "[" * 300 + "]" * 300, r"o\.yaml, line 1: nested too deeply"),
    "nested by indents": (
        "\n".join(" " * n + "a:" for n in range(300)),
        r"o\.yaml, line 101: nested too deeply",
    ),
    "nested in one line": ("- " * 200_000, r"o\.yaml, line 1: nested too deeply"),
    "holds itself": ("a: &x [*x]", r"o\.yaml: nested too deeply, or aliases"),
    "aliases that multiply": (
        "a0: &a0 [1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)),
        r"o\.yaml, line 6: too many values, aliases followed",
    ),
    "merges that multiply": (
        "a0: &a0 {"
        + ", ".join(f"k{n}: 1" for n in range(9))
        + "}\n"
        + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 10)),
        r"o\.yaml, line \d: too many values, aliases followed",
    ),
    "an alias of nothing": ("a: *there", r"o\.yaml, line 1, column 4: not YAML .*there"),
    "tab": ("a:\n\tb: 1\n", r"o\.yaml, line 2, column 1: not YAML .*\\t"),
    "object": ("a: !!python/object/apply:os.system [ls]", r"o\.yaml, line 1, column 4: not YAML"),
    "no as key": ("datasets: {no: 1}", "(?s)datasets: keys are text.*False.*quotes"),
    "date": ("a: {b: 2024-01-01}", "(?s)a.b is no plain value.*date.*quotes"),
    "not finite": ("a: [1, .nan]", r"a\[1\] is not finite"),
    "infinite by size": ("a: 1.0e+999", "a is not finite"),
    "an octal number": ("a: 0140", r"line 1: 0140 is not one number"),
    "a time of day": ("a: {b: 12:30}", "12:30 is not one number"),
    "an exponent without a point": ("a:\n- 1e-3", "line 2: 1e-3 is not one number"),
    "merged twice": ("x: &x {a: 1}\ny: &y {a: 2}\nz:\n  <<: *x\n  <<: *y\n", "line 5: key << stands there"),
    "wrong date": ("a: 2024-13-45", "cannot be read as YAML"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_yaml_is_refused_with_its_place(write, kind: str) -> None:
    content, message = REFUSED[kind]
    with pytest.raises(InputError, match=message):
        read_yaml(write(content))


def test_yaml_of_windows_and_of_macs_is_read(write) -> None:
    assert read_yaml(write("\ufeffa: é\r\nb: 2\r\n")) == {"a": "é", "b": 2}
    assert read_yaml(write("base: &b {c: 1, d: 2}\nother: {<<: *b, c: 3}"))["other"] == {"c": 3, "d": 2}
    assert read_yaml(write("a:\n- {k: 1}\n- {k: 2}")) == {"a": [{"k": 1}, {"k": 2}]}


def test_json_is_strict(write) -> None:
    assert read_json(write('\ufeff{"a": [1, null]}', "a.json")) == {"a": [1, None]}
    for content, message in (
        ("{", r"a\.json, line 1, column 2: Expecting property name"),
        ('{"a": 1, "a": 2}', r"(?s)a\.json: a key stands twice.*'a'"),
        ('{"a": 1e999}', r"(?s)a\.json: a number is too large.*1e999"),
        ('{"a": NaN}', r"(?s)a\.json: a number is not finite.*NaN"),
        ("[" * 100_000, r"a\.json: .*nested too deeply"),
        (b"\xff", r"a\.json, line 1: not UTF-8"),
        ("", r"a\.json, line 1"),
    ):
        with pytest.raises(InputError, match=message):
            read_json(write(content, "a.json"))
    with pytest.raises(InputError, match=r"gone\.json: no such file"):
        read_json(Path("gone.json"))


def test_text_loses_its_mark_alone(write) -> None:
    assert read_text(write("\ufeffa\u2028b\x85c\r\n")) == "a\u2028b\x85c\r\n"


def test_values_are_checked_wherever_they_come_from() -> None:
    check_plain({"a": [1, 2.0, "x", None, True, ({"b": ()},)]}, "x")
    for value in ({1: 2}, {"a": {2}}, {"a": b"x"}, [float("inf")]):
        with pytest.raises(InputError, match=r"^x: "):
            check_plain(value, "x")


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ("datasets: {brainmri: {source: {normal: [no]}}}", "(?s)source.normal.0.*False.*string.*quotes"),
        ("datasets: {brainmri: {source: {abnormal: yes}}}", "(?s)source.abnormal: .*True.*quotes"),
        ("datasets: {brainmri: {source: {path: 2024}}}", "(?s)source.path.*2024.*quotes"),
        ("datasets: {busi: {source: {mask_suffix: on}}}", "(?s)mask_suffix.*True.*quotes"),
        (
            "captions: {roco: {source: {kind: chexpert, uncertain: no}}}",
            "(?s)uncertain.*False.*ignore.*quotes",
        ),
        ("methods: {patchcore: {title: 2024-01-01}}", "(?s)patchcore.title is no plain value.*quotes"),
        ("- a\n- b", "(?s)keys with values.*list"),
        ("[]", "(?s)keys with values.*list"),
        ("", "(?s)holds no key.*saved"),
        ("# tables: {}\n---\n", "(?s)holds no key.*saved"),
    ],
)
def test_yamls_idea_of_text_is_explained(write, root: Path, overlay: str, message: str) -> None:
    path = write(overlay)
    with pytest.raises(InputError, match=message) as caught:
        load_config([root / "config.yaml", path])
    assert "o.yaml" in str(caught.value)


def test_settings_of_methods_explain_it_too() -> None:
    with pytest.raises(InputError, match=r"(?s)form has the wrong type.*False.*str.*quotes"):
        build(PromptSettings, {"form": False})


def test_snakemakes_own_reading_is_checked_too(root: Path) -> None:
    data = load_config(root / "config.yaml").data
    with pytest.raises(InputError, match=r"(?s)configuration: methods: keys are text.*False"):
        Config.checked({**data, "methods": {**data["methods"], False: {}}})


def test_numbers_that_every_reader_of_yaml_knows(write) -> None:
    text = "[140, 0, 0.5, 1.0e-3, '0140', \"12:30\", -1, 1.5, v1:2]"
    assert read_yaml(write(text)) == [140, 0, 0.5, 0.001, "0140", "12:30", -1, 1.5, "v1:2"]


def test_endless_brackets_take_no_time(write) -> None:
    from time import process_time

    start = process_time()
    with pytest.raises(InputError, match="nested too deeply"):
        read_yaml(write("a: " + "[" * 100_000))
    assert process_time() - start < 5  # hours by PyYAML


@pytest.mark.parametrize(
    ("text", "tabs"), [("a:\n\tb: 1\n", True), ("a: [1\n", False), ("a: 1\n---\nb: 1\n", False)]
)
def test_tabs_are_spoken_of_where_there_are_some(write, text: str, tabs: bool) -> None:
    with pytest.raises(InputError) as caught:
        read_yaml(write(text))
    assert ("never with tabs" in str(caught.value)) is tabs
