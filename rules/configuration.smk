"""The configuration, checked, and what it holds by name."""

import sys
from copy import deepcopy
from functools import cache
from pathlib import Path

sys.path.insert(0, PROJECT)

from fusionmedclip.config import Config, merge, read_config
from fusionmedclip.data.acquisition.settings import AcquireSettings
from fusionmedclip.data.sources.kinds import CAPTION_LAYOUTS, SOURCE_KINDS
from fusionmedclip.data.sources.samples import sample_files
from fusionmedclip.errors import InputError
from fusionmedclip.methods import (
    check_settings,
    check_stage1,
    entry_points,
    learns_ahead,
    learns_from_others,
    learns_labels,
    other_files,
    reads_features,
    reads_files,
)
from fusionmedclip.pipeline import heads, warm
from fusionmedclip.pipeline.places import check_records, closed_folders
from fusionmedclip.pipeline.shell_python import shell_python
from fusionmedclip.reporting.claims.catalogue import CLAIMS
from fusionmedclip.reporting.claims.request import all_asked, claims_look
from fusionmedclip.reporting.tables.appendix import APPENDIX, appendix_request
from fusionmedclip.reporting.tables.asked import table_layout
from fusionmedclip.reporting.tables.formats import FORMATS, files_of
from fusionmedclip.reporting.tables.inputs import SUFFIX as RECORD
from fusionmedclip.reporting.tables.rows import (
    Run,
    is_run,
    is_stand_in_backbone,
    layers_stored,
    learnt_settings,
    others,
    row_request,
    rows_of,
    run_settings,
    runs_of,
    stand_in_reasons,
)

sys.executable = shell_python(sys.executable)


class Kept(Config):
    """A configuration that stays as it is while jobs are planned: each of its entries is put together once."""

    __hash__ = object.__hash__
    method, backbone = cache(Config.method), cache(Config.backbone)


def checked(data):
    """The configuration, or one readable error."""
    try:
        for file in workflow.configfiles:
            read_config(Path(file))  # strictly: Snakemake itself takes the last of two keys alike
        config = Kept.checked(data)
        if os.path.isfile(results := config.data["results"]):
            raise InputError("results: a file stands in their place", received=results, hint="give a folder")
        for name in config.data["methods"]:
            method = config.method(name)
            if is_run(config, name):
                check_settings(method["kind"], method["settings"], where=f"methods.{name}.settings")
        for name in config.data["backbones"]:
            check_stage1(config.backbone(name)["stage1"], where=f"backbones.{name}.stage1.settings")
        for section in ("datasets", "captions"):
            for entry in config.data.get(section, {}).values():
                if entry.get("acquire"):
                    AcquireSettings.from_config(entry["acquire"])
        return config
    except InputError as error:
        raise WorkflowError(f"The configuration cannot be used.\n{error}") from None


if workflow.modifier.is_module:
    # What a module is given is an overlay as any other, and stays as given: for each rule that its user replaces
    # (`use rule ... with`) the module is read once more. Its prefix goes into `results`, below which the library as
    # well names files.
    config = merge(read_config(Path(PROJECT, "config.yaml")), deepcopy(config))
    _paths = workflow.modifier.path_modifier
    _paths.given = getattr(_paths, "given", _paths.prefix or "")
    if isinstance(config["results"], str):  # else it is refused below
        config["results"] = _paths.given + config["results"]
    _paths.prefix = None

CONFIG = checked(config)
RESULTS = CONFIG.data["results"].rstrip("/")
# Of an object storage Snakemake keeps local copies below a folder of its own; rules name files without it.
STORE = str(workflow.modifier.path_modifier.modify("x", property="output")).removesuffix("x")
COPIES = config["results"] = CONFIG.data["results"] = STORE + RESULTS
DATASETS = CONFIG.data["datasets"]
PHANTOMS = [name for name in DATASETS if DATASETS[name]["source"]["kind"] == "phantoms"]
CAPTIONS = CONFIG.data.get("captions", {})
ORIGINS = {
    name: {
        "settings": entry["acquire"],
        "folder": CONFIG.source(name, section=section)["path"],
        "present": os.path.isdir(CONFIG.source(name, section=section)["path"]),
    }
    for section, entries in (("datasets", DATASETS), ("captions", CAPTIONS))
    for name, entry in entries.items()
    if entry.get("acquire") and not entry.get("stand_in") and entry["source"]["kind"] != "phantoms"
}
STAGE1 = [name for name in CONFIG.data["backbones"] if CONFIG.backbone(name)["stage1"]]
STOCK = [name for name in CONFIG.data["backbones"] if name not in STAGE1]
TRUNKS = [name for name in STOCK if CONFIG.backbone(name)["kind"] == "timm"]
METHODS = [name for name in CONFIG.data["methods"] if is_run(CONFIG, name)]
TABLES = CONFIG.data["tables"]
CLAIMED = claims_look(CONFIG)["tables"]  # that claims of the thesis rest on; none in a table of one's own
ROWS = {table: rows_of(CONFIG, table) for table in TABLES}
RUNS = runs_of(CONFIG, [cell for rows in ROWS.values() for row in rows.values() for cell in row])
