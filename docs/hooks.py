"""Pages that are made when the site is built: every key of the configuration, files beside `docs/`."""

from pathlib import Path

import yaml
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "schemas" / "config.schema.yaml"
COPIED = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}


def on_files(files, config):
    """Add the generated pages."""
    files.append(File.generated(config, "reference.md", content=reference(SCHEMA)))
    for page, name in COPIED.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text.replace("](docs/", "](")))
    return files


def reference(path: Path) -> str:
    """Every key of the configuration, from its schema."""
    schema = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = [
        "# Every key of the configuration",
        "Made from `schemas/config.schema.yaml`. It checks every configuration before anything runs.",
        _section(schema, schema, "Top level"),
    ]
    for name, entry in schema["$defs"].items():
        if "properties" in entry:
            parts.append(_section(schema, entry, entry.get("title", name)))
    return "\n\n".join(parts) + "\n"


def _section(schema: dict, entry: dict, title: str) -> str:
    required = set(entry.get("required", ()))
    lines = [
        f"## {title}",
        entry.get("description", ""),
        "",
        "| key | value | meaning |",
        "| --- | --- | --- |",
    ]
    for key, value in properties(entry).items():
        mark = " (required)" if key in required else ""
        lines.append(f"| `{key}`{mark} | {_value(schema, value)} | {_meaning(schema, value)} |")
    return "\n".join(lines)


def properties(entry: dict) -> dict:
    """Keys of an entry, those of its conditions included."""
    found = dict(entry.get("properties", {}))
    for branch in ("then", "else"):
        if branch in entry:
            for key, value in properties(entry[branch]).items():
                found.setdefault(key, value)
    return found


def _resolved(schema: dict, value: dict) -> dict:
    if "$ref" not in value:
        return value
    target = schema
    for part in value["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**target, **{key: item for key, item in value.items() if key != "$ref"}}


def _meaning(schema: dict, value: dict) -> str:
    return " ".join(_resolved(schema, value).get("description", "").split()).replace("|", "\\|")


def _value(schema: dict, value: dict) -> str:
    value = _resolved(schema, value)
    if "enum" in value:
        return ", ".join(f"`{_word(item)}`" for item in value["enum"])
    if "const" in value:
        return f"`{_word(value['const'])}`"
    kinds = value.get("type", "any")
    words = " or ".join(
        "nothing" if kind == "null" else kind for kind in ([kinds] if isinstance(kinds, str) else kinds)
    )
    if "items" in value and "type" in value["items"]:
        words += f" of {value['items']['type']}"
    low, high = value.get("minimum", value.get("exclusiveMinimum")), value.get("maximum")
    if low is not None or high is not None:
        words += f", {low if low is not None else ''} to {high}" if high is not None else f", {low} or more"
    return words


def _word(value) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
