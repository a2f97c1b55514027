"""What a configuration asks of its tables: their cells, and all that their printed formats depend on."""

from collections.abc import Callable
from typing import Any

from fusionmedclip.config import Config
from fusionmedclip.methods import ignores_support, learns_labels, ours_in
from fusionmedclip.reporting.tables.appendix import appendix_request
from fusionmedclip.reporting.tables.rows import is_run, others, stand_in_reasons, table_request

__all__ = ["asked_of", "table_layout"]


def asked_of(config: Config) -> dict[str, dict[str, Any]]:
    """Every table's ``request`` and ``layout``, Tables A1 to A3 included.

    As :class:`fusionmedclip.reporting.tables.inputs.TableRecord` holds them.
    """
    tables = {
        name: {"request": table_request(config, name), "layout": table_layout(config, name)}
        for name in config.data["tables"]
    }
    appendix = appendix_request(config).items()
    return tables | {name: {"request": [], "layout": layout} for name, layout in appendix}


def table_layout(config: Config, table: str) -> dict[str, Any]:
    """Arguments of :func:`fusionmedclip.reporting.tables.build.build_table` beside its numbers."""
    entry, methods = config.data["tables"][table], config.data["methods"]
    run = [name for name in entry["methods"] if is_run(config, name)]
    ours = {name: _ours(config, name, entry["metric"]) for name in run}
    titles = {name: config.dataset(name)["title"] for name in entry["datasets"]}
    apart = {
        "labelled": [name for name in run if _is(learns_labels, config, name)],
        "without_support": [name for name in run if _is(ignores_support, config, name)],
    }
    if apart["labelled"]:
        named = {other for dataset in entry["datasets"] for other in others(config, dataset)}
        titles |= {name: config.dataset(name)["title"] for name in sorted(named)}
    return {
        "title": entry["title"],
        "titles": titles | {name: config.method(name)["title"] for name in entry["methods"]},
        "layout": entry["rows"],
        "controls": [name for name in entry["methods"] if config.method(name).get("control")],
        "unranked": [name for name in methods if config.method(name).get("oracle")],
        "ours": {name: text for name, text in ours.items() if text},
        "reasons": [
            [dataset, name, stand_in_reasons(config, dataset=dataset, method=name, metric=entry["metric"])]
            for dataset in entry["datasets"]
            for name in run
        ],
        **{key: names for key, names in apart.items() if names},
    }


def _is(trait: Callable[..., bool], config: Config, method: str) -> bool:
    entry = config.method(method)
    return trait(entry["kind"], entry["settings"])


def _ours(config: Config, method: str, metric: str) -> str:
    entry = config.method(method)
    return ours_in(entry["kind"], entry["settings"], metric)
