"""What a configuration asks of the table of claims; the workflow reads it while it parses."""

from typing import Any

from fusionmedclip.config import Config
from fusionmedclip.reporting.claims.catalogue import CLAIMS, METRICS, claimed_tables
from fusionmedclip.reporting.tables.asked import asked_of
from fusionmedclip.reporting.thesis.protocol import protocol

__all__ = ["all_asked", "claims_look"]


def claims_look(config: Config) -> dict[str, Any]:
    """What the formats depend on beside the numbers: tables that are there, and the thesis's titles."""
    thesis = protocol().data
    titles = {name: f"Table {name.removeprefix('table')}" for name in METRICS}
    titles |= {name: entry["title"] for name, entry in thesis["datasets"].items()}
    titles |= {name: entry["title"] for name, entry in thesis["methods"].items()}
    return {"tables": claimed_tables(config.data["tables"]), "titles": titles}


def all_asked(config: Config) -> dict[str, dict[str, Any]]:
    """What a configuration asks of its tables, the claims included where it has tables that they rest on."""
    look = claims_look(config)
    claimed = {CLAIMS: {"request": [], "layout": look}} if look["tables"] else {}
    return asked_of(config) | claimed
