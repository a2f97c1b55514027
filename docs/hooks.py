"""Pages that are made when the site is built: every key and every setting, files beside `docs/`."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "schemas" / "config.schema.yaml"
COPIED = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
SETTINGS = {
    "Our method": [
        "training.settings",
        "training.fit_settings",
        "models.settings",
        "synthesis.settings",
        "synthesis.ranges",
    ],
    "Stage 1": ["training.pretrain.settings"],
}
ROLE = re.compile(r":(?:class|func|meth|mod|attr|data):(<code>)~?(?:[\w.]+\.)?")  # Sphinx's, in docstrings


def on_files(files, config):
    """Add the generated pages."""
    files.append(File.generated(config, "reference.md", content=reference(SCHEMA)))
    files.append(File.generated(config, "api/settings.md", content=settings()))
    for page, name in COPIED.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text.replace("](docs/", "](")))
    return files


def on_page_content(html, page, config, files):
    """Names of classes and functions without Sphinx's roles and long paths."""
    return ROLE.sub(r"\1", html)


def settings() -> str:
    """The settings of each kind of method, from its dataclasses."""
    modules = {title: list(names) for title, names in SETTINGS.items()}
    for path in sorted((ROOT / "fusionmedclip/baselines").glob("*/*settings.py")):
        modules.setdefault(path.parent.name, []).append(f"baselines.{path.parent.name}.{path.stem}")
    parts = [
        "# Settings of the methods",
        "What `methods.NAME.settings` and `stage1.settings` of the [configuration](../reference.md) may "
        "hold: names, types, defaults and sources, from the code. Each is checked before anything runs.",
    ]
    for title, names in modules.items():
        parts.append(f"## {title}")
        parts += [f"::: fusionmedclip.{name}\n    options: {_MEMBERS}" for name in names]
    return "\n\n".join(parts) + "\n"


_MEMBERS = (
    "{show_root_heading: false, show_root_toc_entry: false, heading_level: 3, "
    "filters: ['Settings$', '^LearningRates$', '^__init__$']}"
)


def reference(path: Path) -> str:
    """Every key of the configuration, from its schema."""
    schema = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = [
        "# Every key of the configuration",
        "Made from `schemas/config.schema.yaml`, which checks every configuration before anything runs. "
        "[Configuration](configuration.md) says how keys go together; `settings` are on [their own "
        "page](api/settings.md). What is required must be there after merging: an overlay names only what it "
        "changes.",
        _section(schema, schema, "Top level"),
    ]
    for name, entry in schema["$defs"].items():
        if "properties" in entry:
            parts.append(_section(schema, entry, name))
    return "\n\n".join(parts) + "\n"


def _section(schema: dict, entry: dict, title: str) -> str:
    lines = [f"## {title}", "", _linked(entry), "", "| key | value | meaning |", "| --- | --- | --- |"]
    for key, kind, value, required in properties(entry):
        mark = f" ({kind})" if kind else " (required)" if required else ""
        lines.append(f"| `{key}`{mark} | {_value(schema, value)} | {_linked(_resolved(schema, value))} |")
    return "\n".join(lines)


def properties(entry: dict, *, above: str = "", kind: str = "") -> Iterator[tuple[str, str, dict, bool]]:
    """Keys of an entry and those inside them: key, kind of source that has it, schema, whether required."""
    own = entry.get("properties", {})
    for key, value in own.items():
        if not str(value.get("$ref", "")).startswith("#/$defs/source/properties/"):
            yield above + key, kind, value, key in entry.get("required", ())
        yield from properties(value, above=f"{above}{key}.", kind=kind)
    if "if" in entry:
        named = entry["if"]["properties"]["kind"]["const"]
        yield from properties(entry.get("then", {}), above=above, kind=named)
        yield from properties(entry.get("else", {}), above=above, kind=kind)


def _resolved(schema: dict, value: dict) -> dict:
    if "$ref" not in value:
        return value
    target = schema
    for part in value["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**target, **{key: item for key, item in value.items() if key != "$ref"}}


def _linked(value: dict) -> str:
    """The description, pages of these documents linked."""
    text = " ".join(value.get("description", "").split()).replace("|", "\\|")
    return re.sub(r"docs/([\w/]+)\.md", r"[\1](\1.md)", text)


def _value(schema: dict, value: dict) -> str:
    named = value.get("$ref", "").removeprefix("#/$defs/")
    value = _resolved(schema, value)
    if "properties" in value and named:
        return f"[{named}](#{named})"
    if isinstance(value.get("additionalProperties"), dict):
        entry = value["additionalProperties"]["$ref"].removeprefix("#/$defs/")
        return f"name: [{entry}](#{entry})"
    if "enum" in value:
        return ", ".join(f"`{item}`" for item in value["enum"])
    kinds = value.get("type", "any")
    items = _resolved(schema, value.get("items", {})).get("type")
    several = f"list of {items}s".replace("strings", "texts") if isinstance(items, str) else "list"
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = " or ".join({**WORDS, "array": several}.get(kind, kind) for kind in kinds)
    low, high = value.get("minimum", value.get("exclusiveMinimum")), value.get("maximum")
    if low is not None or high is not None:
        words += f", {low if low is not None else ''} to {high}" if high is not None else f", {low} or more"
    return words


WORDS = {"null": "`null`", "object": "mapping", "string": "text"}
