"""Methods that FusionMedCLIP is compared with, one folder each, behind ``Detector``. Loads no torch."""

from fusionmedclip.baselines.registry import KINDS, create, detector_class, settings_class

__all__ = ["KINDS", "create", "detector_class", "settings_class"]
