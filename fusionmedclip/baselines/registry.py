"""Which methods there are, and making one from its name and its settings."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fusionmedclip.errors import InputError
from fusionmedclip.settings import build

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from fusionmedclip.models.backbones.backbone import Backbone
    from fusionmedclip.models.detector import Detector

__all__ = ["KINDS", "create", "detector_class", "entries", "load", "settings_class"]

KINDS: dict[str, str] = {
    "patchcore": "fusionmedclip.baselines.patchcore.detector:PatchCore",
    "simplenet": "fusionmedclip.baselines.simplenet.detector:SimpleNet",
    "supersimplenet": "fusionmedclip.baselines.supersimplenet.detector:SuperSimpleNet",
    "squid": "fusionmedclip.baselines.squid.detector:SQUID",
    "anoddpm": "fusionmedclip.baselines.anoddpm.detector:AnoDDPM",
    "cutpaste": "fusionmedclip.baselines.cutpaste.detector:CutPaste",
    "regad": "fusionmedclip.baselines.regad.detector:RegAD",
    "patch_nn": "fusionmedclip.baselines.patch_nn.detector:PatchNN",
    "winclip": "fusionmedclip.baselines.winclip.detector:WinCLIP",
    "promptad": "fusionmedclip.baselines.promptad.detector:PromptAD",
    "anomalyclip": "fusionmedclip.baselines.anomalyclip.detector:AnomalyCLIP",
    "clip_zero_shot": "fusionmedclip.baselines.clip_zero_shot.detector:ClipZeroShot",
    "anomalib": "fusionmedclip.baselines.anomalib.detector:AnomalibModel",
    "mean_brightness": "fusionmedclip.baselines.controls.pixel_statistic:MeanBrightness",
    "border_darkness": "fusionmedclip.baselines.controls.pixel_statistic:BorderDarkness",
    "contrast": "fusionmedclip.baselines.controls.pixel_statistic:Contrast",
}
"""Method kind -> ``module:Class``; its settings are ``ClassSettings`` in the module ``settings`` beside it.

A column of the tables whose kind is absent here was not run.
Names written out: by this form :mod:`fusionmedclip.code_digest` knows an index, of which one entry is meant.
"""


def create(
    kind: str, *, backbone: "Backbone | Mapping[str, Any] | None" = None, device: str = "cpu", **settings: Any
) -> "Detector":
    """Make a detector.

    Parameters
    ----------
    kind : str
        A key of :data:`KINDS`.
    backbone : Backbone or mapping, optional
        Features for the methods that need them (``needs_backbone``): a backbone, or the fields of
        :class:`fusionmedclip.models.backbones.store.BackboneSettings`.
    device : str
        Where to compute; a backbone is moved there.
    **settings
        Fields of the method's settings (:func:`settings_class`); the rest keep the official defaults.

    Returns
    -------
    Detector

    Raises
    ------
    InputError
        If the kind or a setting is unknown, a value is not allowed, or a backbone is missing or too many.

    Examples
    --------
    >>> create("mean_brightness").fit(support).score(images).scores  # doctest: +SKIP
    """
    made = build(settings_class(kind), settings, where=kind)
    cls: Any = detector_class(kind)  # each has a constructor of its own
    if not cls.needs_backbone:
        if backbone is not None:
            raise InputError(f"{kind} takes no backbone", received=_named(backbone), hint="leave it out")
        return cls(settings=made, device=device)
    if backbone is None:
        raise InputError(
            f"{kind} needs a backbone", hint="pass `backbone`, for example {'kind': 'timm', ...}"
        )
    return cls(backbone=_backbone(backbone).to(device), settings=made)


def detector_class(kind: str) -> "type[Detector]":
    """Class of a kind; loads torch."""
    return load(entries(kind)[0])


def settings_class(kind: str) -> "type[DataclassInstance]":
    """Frozen dataclass of a kind's settings, with the official defaults; loads no torch."""
    return load(entries(kind)[1])


def entries(kind: str) -> tuple[str, str]:
    """Where the class of a kind and the class of its settings stand, ``module:Class`` each."""
    if kind not in KINDS:
        raise InputError("no such kind of method", received=kind, allowed=", ".join(KINDS))
    module, _, name = KINDS[kind].partition(":")
    return KINDS[kind], f"{module.rpartition('.')[0]}.settings:{name}Settings"


def load(entry: str) -> type:
    """What stands at ``module:Class``."""
    module, _, name = entry.partition(":")
    return getattr(import_module(module), name)


def _backbone(source: "Backbone | Mapping[str, Any]") -> "Backbone":
    if not isinstance(source, Mapping):
        return source
    from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone

    return build_backbone(build(BackboneSettings, source, where="backbone"))


def _named(backbone: Any) -> Any:
    return dict(backbone) if isinstance(backbone, Mapping) else type(backbone).__name__
