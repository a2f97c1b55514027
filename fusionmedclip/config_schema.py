"""The configuration against its schema: one error that says what is allowed."""

from collections.abc import Mapping

from fusionmedclip.documents import QUOTES, read_yaml
from fusionmedclip.errors import InputError
from fusionmedclip.presets import shipped

__all__ = ["validate"]

SCHEMA = shipped("schemas") / "config.schema.yaml"


def validate(data: Mapping) -> None:
    """Check a configuration's keys, types and ranges.

    Raises
    ------
    InputError
        Naming the first key that is wrong, the value, and what is allowed.
    """
    import jsonschema  # here, because it takes long to import and not every command needs it

    schema = read_yaml(SCHEMA)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(data)
    error = min(errors, key=lambda e: [str(p) for p in e.absolute_path], default=None)
    if error is None:
        return
    where = ".".join(str(part) for part in error.absolute_path) or "configuration"
    received = error.instance if not isinstance(error.instance, Mapping) else sorted(map(str, error.instance))
    raise InputError(
        f"{where}: {_reason(error)}",
        received=received,
        allowed=_allowed(error),
        hint=_hint(error),
    )


def _hint(error) -> str:
    """What most often leads to the error: YAML's own idea of what is text."""
    text = error.validator == "type" and "string" in str(error.validator_value)
    if text or (error.validator in ("enum", "const") and isinstance(error.instance, bool)):
        return QUOTES
    return "see docs/configuration.md and schemas/config.schema.yaml"


def _reason(error) -> str:
    if error.validator == "additionalProperties":
        extra = sorted(set(map(str, error.instance)) - set(error.schema.get("properties", {})))
        return f"unknown key {', '.join(extra)}"
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"missing key {', '.join(missing)}"
    return "value is not allowed"


def _allowed(error) -> str:
    rule, value = error.validator, error.validator_value
    words = {
        "additionalProperties": f"keys {', '.join(error.schema.get('properties', {}))}",
        "required": f"keys {', '.join(error.schema.get('properties', {}))}",
        "enum": ", ".join(map(str, value)) if isinstance(value, list) else "",
        "type": " or ".join(value) if isinstance(value, list) else str(value),
        "minimum": f"{value} or more",
        "maximum": f"{value} or less",
        "exclusiveMinimum": f"more than {value}",
        "minItems": f"{value} entries or more",
        "maxItems": f"{value} entries or fewer",
        "uniqueItems": "each entry once",
        "pattern": f"names that match {value}",
    }
    return words.get(rule, error.message)
