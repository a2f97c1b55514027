"""Every key of the configuration says what it is for."""

from collections.abc import Iterator
from pathlib import Path

import yaml

SCHEMA = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "schemas/config.schema.yaml").read_text(encoding="utf-8")
)


def _keys(entry, path: str = "") -> Iterator[tuple[str, dict]]:
    """Every key that a configuration may have, wherever the schema names it; conditions name none."""
    if isinstance(entry, list):
        for item in entry:
            yield from _keys(item, path)
    elif isinstance(entry, dict):
        for word, value in entry.items():
            if word == "properties":
                for key, schema in value.items():
                    yield f"{path}.{key}", schema
                    yield from _keys(schema, f"{path}.{key}")
            elif word == "$defs":
                for name, schema in value.items():
                    yield from _keys(schema, name)
            elif word != "if":
                yield from _keys(value, path)


def _described(schema: dict) -> str:
    """The description of a key, its own or that of the key that it repeats."""
    while "description" not in schema and "$ref" in schema:
        target = SCHEMA
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema.get("description", "")


def test_every_key_has_a_description():
    """docs/reference is made from them."""
    keys = list(_keys(SCHEMA))
    assert len(keys) > 100
    assert [key for key, schema in keys if not _described(schema).strip().endswith(".")] == []
