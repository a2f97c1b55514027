"""Short captions in the manner of a radiology report: modality, view, finding."""

from collections.abc import Mapping

import numpy as np

__all__ = ["caption"]

_LEADS = {
    "brain_mri": (
        "Axial {sequence} MRI of the brain",
        "Brain MRI, axial {sequence} image",
        "{sequence} magnetic resonance image of the head in axial view",
        "MR of the brain, axial slice, {sequence}",
    ),
    "breast_ultrasound": (
        "Breast ultrasound",
        "Ultrasound image of the breast",
        "Greyscale sonogram of the breast",
        "Sonography of the breast, transverse view",
    ),
    "chest_xray": (
        "Frontal chest radiograph",
        "Chest X-ray, PA view",
        "PA radiograph of the chest",
        "Plain chest film in frontal projection",
    ),
}

_NORMAL = {
    "brain_mri": (
        "normal appearance without focal lesion.",
        "no mass, oedema or abnormal signal.",
        "unremarkable brain parenchyma and ventricles.",
        "normal study.",
    ),
    "breast_ultrasound": (
        "normal breast tissue without a mass.",
        "no focal lesion, normal glandular and fatty tissue.",
        "unremarkable fibroglandular tissue.",
        "normal study, no suspicious finding.",
    ),
    "chest_xray": (
        "clear lungs, normal heart size.",
        "no focal consolidation, nodule or pleural effusion.",
        "no acute cardiopulmonary abnormality.",
        "normal study, lungs are clear.",
    ),
}

_FINDINGS = {
    "glioma": ("{side} {lobe} glioma{detail}.", "infiltrating tumour of the {side} {lobe} region{detail}."),
    "metastasis": (
        "{side} {lobe} metastasis{detail}.",
        "small tumour nodule in the {side} {lobe} region{detail}.",
    ),
    "meningioma": (
        "extra-axial mass along the {side} {lobe} convexity, meningioma{detail}.",
        "{side} {lobe} meningioma{detail}.",
    ),
    "cyst": (
        "anechoic simple cyst{detail}.",
        "well circumscribed anechoic lesion, a cyst{detail}.",
    ),
    "fibroadenoma": (
        "oval circumscribed hypoechoic mass, benign fibroadenoma{detail}.",
        "smooth hypoechoic lesion wider than tall, fibroadenoma{detail}.",
    ),
    "carcinoma": (
        "irregular hypoechoic mass, suspicious for carcinoma{detail}.",
        "malignant lesion with indistinct margins{detail}.",
    ),
    "consolidation": (
        "{side} {zone} zone consolidation{detail}.",
        "airspace opacity in the {side} {zone} lung, pneumonia{detail}.",
    ),
    "nodule": (
        "pulmonary nodule in the {side} {zone} zone{detail}.",
        "rounded nodular opacity of the {side} {zone} lung{detail}.",
    ),
    "effusion": (
        "{side} pleural effusion{detail}.",
        "blunting of the {side} costophrenic angle, pleural effusion{detail}.",
    ),
}

# Share of captions that add a remark on what else is to be seen, as reports do.
ASIDE = 0.6

_JOINTS = (": ", ", ", ". ")


def caption(rng: np.random.Generator, modality: str, facts: Mapping[str, str]) -> str:
    """One sentence about a phantom.

    Parameters
    ----------
    rng : numpy.random.Generator
        Chooses the wording.
    modality : str
    facts : mapping
        What was drawn: ``kind`` is the lesion, empty for a normal picture; ``aside`` is a harmless
        observation; the rest fills the wording.

    Returns
    -------
    str
    """
    kind = facts["kind"]
    lead = str(rng.choice(_LEADS[modality]))
    finding = str(rng.choice(_FINDINGS[kind] if kind else _NORMAL[modality]))
    joint = str(rng.choice(_JOINTS))
    first, second = lead.format(**facts), finding.format(**facts)
    text = _capital(first) + joint + (_capital(second) if joint == ". " else second)
    return f"{text} {_capital(facts['aside'])}." if rng.random() < ASIDE else text


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
