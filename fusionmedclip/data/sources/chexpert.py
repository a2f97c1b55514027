"""CheXpert's official table: frontal views, No Finding against any positive pathology.

The thesis tests on 250 normal and 250 abnormal images without saying which (4.1). Here they are drawn with a
published seed, one image a patient, so that no patient is on both sides.
"""

from collections.abc import Mapping

import pandas as pd

from fusionmedclip.data.sources.chexpert_files import ChexpertFiles
from fusionmedclip.data.sources.keys import check_keys, existing_path
from fusionmedclip.data.sources.options import COMMON_KEYS
from fusionmedclip.data.sources.records import Listing, Record
from fusionmedclip.data.sources.text_tables import read_table
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator

__all__ = ["PATHOLOGIES", "UNCERTAIN", "label_studies", "list_chexpert"]

PATHOLOGIES = (
    "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture",
)  # fmt: skip
"""The twelve pathologies of Irvin et al. 2019, Table 1; No Finding and Support Devices are none."""

UNCERTAIN = ("ignore", "positive", "negative")
"""Policies for the label -1: U-Ignore, U-Ones and U-Zeros of Irvin et al. 2019, section 3.1."""

_COLUMNS = ("Path", "Frontal/Lateral", "No Finding", *PATHOLOGIES)


def list_chexpert(source: Mapping) -> Listing:
    """List a seeded selection of CheXpert.

    Parameters
    ----------
    source : mapping
        ``path``: the folder that holds ``train.csv``, ``valid.csv`` and the images, or Stanford's batches of
        them. ``tables``: which of them
        to use (default ``["train.csv"]``). ``uncertain``: ``ignore`` (default), ``positive`` or ``negative``.
        ``normal``, ``abnormal``: how many patients of each to draw (default 500 and 250: a test set of 250
        each and a pool). ``seed``: keys the draw (default 0). ``support_devices``: false leaves out images
        that show tubes, lines or pacemakers (default true).

    Raises
    ------
    InputError
        For a missing table, a column or a value that is not CheXpert's, or too few patients.
    """
    optional = ("tables", "uncertain", "normal", "abnormal", "seed", "support_devices", *COMMON_KEYS)
    check_keys(source, required=("path",), optional=optional)
    root = existing_path(source, folder=True)
    files = ChexpertFiles(root)
    studies = label_studies(
        _read(files, source.get("tables") or ["train.csv"]),
        uncertain=source.get("uncertain", "ignore"),
        support_devices=bool(source.get("support_devices", True)),
    )
    seed = int(source.get("seed", 0))
    wanted = {0: int(source.get("normal", 500)), 1: int(source.get("abnormal", 250))}
    listing = Listing(root=root)
    chosen = _draw(studies, wanted, seed)
    for row, file in zip(chosen.itertuples(), files.images(list(chosen["file"])), strict=True):
        name = "abnormal" if row.label else "normal"
        listing.records.append(Record(file=file, label=row.label, class_name=name, group=row.patient))
    return listing


def label_studies(table: pd.DataFrame, *, uncertain: str, support_devices: bool = True) -> pd.DataFrame:
    """Frontal images with a usable label.

    An image is abnormal with at least one positive pathology; normal with No Finding and no positive
    pathology. What an uncertain pathology decides follows the policy: ``ignore`` leaves an image out whose
    label hangs on it, ``positive`` and ``negative`` count it as such.

    Returns
    -------
    DataFrame
        ``file``, ``patient``, ``study`` and ``label`` in the table's order.
    """
    if uncertain not in UNCERTAIN:
        raise InputError("unknown policy `uncertain`", received=uncertain, allowed=", ".join(UNCERTAIN))
    values = table[list(_COLUMNS[2:])].replace("", "0").apply(pd.to_numeric, errors="coerce")
    if values.isna().any(axis=None) or not values.isin([-1, 0, 1]).all(axis=None):
        raise InputError("CheXpert labels must be 1, 0, -1 or empty", hint="is this the official table?")
    pathology = values[list(PATHOLOGIES)]
    if uncertain != "ignore":
        pathology = pathology.replace(-1, 1 if uncertain == "positive" else 0)
    positive, unsure = (pathology == 1).any(axis=1), (pathology == -1).any(axis=1)
    normal = (values["No Finding"] == 1) & ~positive & ~unsure
    keep = (table["Frontal/Lateral"].str.strip().str.lower() == "frontal") & (positive | normal)
    if not support_devices:
        if "Support Devices" not in table:
            raise InputError("column 'Support Devices' is missing", received=list(table))
        devices = pd.to_numeric(table["Support Devices"].replace("", "0"), errors="coerce")
        keep &= ~devices.isin([1, -1])
    parts = table["Path"].str.extract(r"(patient\d+)/(study\d+)/")
    if parts[0].isna().any():
        wrong = table["Path"][parts[0].isna()].iloc[0]
        raise InputError(
            "CheXpert paths hold patientN/studyN/", received=wrong, hint="is this the official table?"
        )
    studies = pd.DataFrame(
        {"file": table["Path"], "patient": parts[0], "study": parts[1], "label": positive.astype(int)}
    )
    return studies[keep]


def _draw(studies: pd.DataFrame, wanted: Mapping[int, int], seed: int) -> pd.DataFrame:
    """One image of each patient drawn; abnormal patients first, so that normals come from the others."""
    taken: set[str] = set()
    chosen = []
    for label, name in ((1, "abnormal"), (0, "normal")):
        these = studies[(studies["label"] == label) & ~studies["patient"].isin(taken)].sort_values("file")
        patients = sorted(set(these["patient"]))
        if len(patients) < wanted[label]:
            raise InputError(
                f"CheXpert: fewer {name} patients than wanted",
                received=f"{len(patients)}, {wanted[label]} wanted",
                hint=f"lower `{name}`, or add a table under `tables`",
            )
        order = generator(seed, "chexpert", name).permutation(len(patients))[: wanted[label]]
        drawn = {patients[index] for index in order}
        taken |= drawn
        images = dict(list(these.groupby("patient")))
        for patient in sorted(drawn):
            own = images[patient]
            pick = int(generator(seed, "chexpert", name, patient).integers(len(own)))
            chosen.append(own.iloc[[pick]])
    return pd.concat(chosen) if chosen else studies.iloc[:0]


def _read(files: ChexpertFiles, names: list[str]) -> pd.DataFrame:
    tables = [read_table(files.table(name), required=_COLUMNS) for name in names]
    return pd.concat(tables, ignore_index=True)
