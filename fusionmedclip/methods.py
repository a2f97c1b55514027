"""Methods by kind: which are built, whether settings fit, and how to make one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fusionmedclip.baselines import KINDS, create, settings_class
from fusionmedclip.baselines.registry import entries, load
from fusionmedclip.errors import InputError
from fusionmedclip.settings import build, effective

if TYPE_CHECKING:
    from fusionmedclip.models.backbones.backbone import Backbone
    from fusionmedclip.models.detector import Detector

__all__ = [
    "check_settings",
    "check_stage1",
    "entry_points",
    "ignores_support",
    "is_built",
    "learns_ahead",
    "learns_from_others",
    "learns_labels",
    "make_method",
    "other_files",
    "ours_in",
    "reads_features",
    "reads_files",
    "resolved_settings",
    "resolved_stage1",
    "stored_layers",
]

OURS = "fusionmedclip"
FILE_STATISTIC = "file_statistic"
"""Apart from the baselines' kinds: it scores properties of files, not images."""

_APART = {
    OURS: "fusionmedclip.training.estimator:FusionMedCLIP",
    FILE_STATISTIC: "fusionmedclip.baselines.controls.file_statistic:FileStatistic",
}
_SETTINGS = {
    OURS: "fusionmedclip.training.settings:FusionSettings",
    FILE_STATISTIC: "fusionmedclip.baselines.controls.file_settings:FileStatisticSettings",
}


def is_built(kind: str) -> bool:
    """Whether a kind of method can run; the tables show the others as ``not run``."""
    return kind in _APART or kind in KINDS


def entry_points(kind: str) -> tuple[str, str]:
    """Where the class of a kind and the class of its settings stand, ``module:Class`` each.

    What a method computes is decided by what these reach (:mod:`fusionmedclip.code_digest`).
    """
    return (_APART[kind], _SETTINGS[kind]) if kind in _APART else entries(kind)


def reads_files(kind: str) -> bool:
    """Whether a method scores properties of the files (``statistics.csv``) and no pixels."""
    return kind == FILE_STATISTIC


def reads_features(kind: str, settings: Mapping[str, Any]) -> bool:
    """Whether scores come from the frozen backbone's features alone, so that a shared store serves them."""
    return _trait(kind, settings, "frozen_features")


def stored_layers(kind: str, settings: Mapping[str, Any]) -> tuple[int | str, ...]:
    """Layers that such a method scores from; ``gap`` is the pooled, projected embedding."""
    if not reads_features(kind, settings):
        return ()
    made = _settings(kind, settings, where=kind)
    return tuple(getattr(made, "stored_layers", None) or made.layers)


def learns_from_others(kind: str, settings: Mapping[str, Any]) -> bool:
    """Whether ``fit`` takes the other data sets (``meta``) beside the support set: their normals, or more."""
    return _trait(kind, settings, "learns_from_others")


def learns_labels(kind: str, settings: Mapping[str, Any]) -> bool:
    """Whether it takes their abnormal images as well, with labels and masks."""
    return _trait(kind, settings, "learns_labels")


def learns_ahead(kind: str, settings: Mapping[str, Any]) -> bool:
    """Whether that part does not depend on the support set: learnt once, read by the runs of every k."""
    return _trait(kind, settings, "learns_ahead")


def ignores_support(kind: str, settings: Mapping[str, Any]) -> bool:
    """Whether its scores are the same whatever the support set: it looks at no image of it."""
    return _trait(kind, settings, "ignores_support")


def other_files(kind: str, settings: Mapping[str, Any], split: str) -> tuple[str, ...]:
    """Files that such a method reads in the folder of each other data set, in this order."""
    masks = ("masks.npy",) if learns_labels(kind, settings) else ()
    return ("manifest.csv", "images.npy", f"split_{split}.csv", *masks)


def _trait(kind: str, settings: Mapping[str, Any], name: str) -> bool:
    """What the settings of a kind say of it; False where they say nothing."""
    if not is_built(kind):
        return False
    cls = load(entry_points(kind)[1])
    return hasattr(cls, name) and getattr(build(cls, settings, where=kind), name)


def check_settings(kind: str, settings: Mapping[str, Any], *, where: str) -> None:
    """Check a method's settings without importing torch, where its kind allows.

    Raises
    ------
    InputError
        Naming the key, the value and what is allowed.
    """
    _settings(kind, settings, where=where)


def resolved_settings(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A method's settings with every default filled in, and what computes nothing marked.

    See :func:`fusionmedclip.settings.effective`.
    """
    return effective(_settings(kind, settings, where=kind))


def resolved_stage1(stage1: Mapping[str, Any]) -> dict[str, Any]:
    """A backbone's Stage 1 with every default filled in, and what computes nothing marked."""
    from fusionmedclip.training.pretrain.settings import PretrainSettings

    settings = build(PretrainSettings, stage1.get("settings"), where="stage1.settings")
    return {"seed": 0, "processes": 1, "repeated": False, **stage1, "settings": effective(settings)}


def _settings(kind: str, settings: Mapping[str, Any], *, where: str) -> Any:
    return build(load(entry_points(kind)[1]), settings, where=where)


def ours_in(kind: str, settings: Mapping[str, Any], metric: str) -> str:
    """What a metric is of where the method itself defines no such output; empty where it does.

    Parameters
    ----------
    kind : str
    settings : mapping
        Of the method, checked.
    metric : str
        ``image_auroc``, ``pixel_auroc`` and so on.
    """
    if kind not in KINDS:
        return ""
    made = build(settings_class(kind), settings, where=kind)
    return getattr(made, "ours", {}).get(metric.partition("_")[0], "")


def check_stage1(stage1: Mapping[str, Any] | None, *, where: str) -> None:
    """Check the settings of Stage 1, where a backbone has any; raises as :func:`check_settings`."""
    if stage1 is not None:
        from fusionmedclip.training.pretrain.settings import PretrainSettings

        build(PretrainSettings, stage1.get("settings"), where=where)


def make_method(
    kind: str,
    settings: Mapping[str, Any],
    *,
    backbone: "Backbone | None" = None,
    device: str = "cpu",
    images: Mapping[str, Any] | None = None,
) -> "Detector":
    """Make an unfitted method.

    Parameters
    ----------
    kind : str
        ``fusionmedclip``, ``file_statistic`` or a key of :data:`fusionmedclip.baselines.KINDS`.
    settings : mapping
    backbone : Backbone, optional
        For the kinds that use one.
    device : str
    images : mapping, optional
        :class:`fusionmedclip.data.ImageSettings`, which our own model keeps for the images of its users.
    """
    if kind == OURS:
        return load(_APART[kind])(backbone=backbone, settings=settings, images=images, device=device)
    if kind == FILE_STATISTIC:
        return load(_APART[kind])(settings=build(load(_SETTINGS[kind]), settings, where=kind), device=device)
    if kind not in KINDS:
        allowed = ", ".join([*_APART, *KINDS])
        raise InputError("no such kind of method", received=kind, allowed=allowed)
    return create(kind, backbone=backbone, device=device, **settings)
