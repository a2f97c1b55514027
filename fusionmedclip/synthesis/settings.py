"""Settings of anomaly synthesis: which anomalies, at what odds, with which numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from fusionmedclip.errors import InputError
from fusionmedclip.synthesis.checks import (
    Checked,
    choice,
    choices,
    fixed_number,
    probability,
    switch,
    whole,
)
from fusionmedclip.synthesis.inert import inert_synthesis
from fusionmedclip.synthesis.profiles import PROFILES
from fusionmedclip.synthesis.ranges import (
    CutPasteSettings,
    DensitySettings,
    GaussianSettings,
    GuidedSettings,
    PerlinSettings,
    PoissonSettings,
    RadialSettings,
    ShapeSettings,
)

__all__ = ["PRESETS", "TASKS", "SynthesisSettings"]

TASKS: tuple[str, ...] = (
    "identity",
    "cutpaste",
    "poisson",
    "gaussian",
    "density",
    "source",
    "sink",
    "guided",
)
"""Every task, originals beside their enhanced counterparts (thesis section 3.4)."""

_ENHANCED: dict[str, type[Checked]] = {
    "poisson": PoissonSettings,
    "density": DensitySettings,
    "guided": GuidedSettings,
}

Families = Mapping[str, Mapping[str, float]]

PRESETS: dict[str, Families] = {
    # Table A1: equal odds of Identity and three families; section 3.4: originals beside enhanced, 50/50.
    # Sink is no part of the thesis's pool: a task that a configuration may add.
    "thesis": {
        "identity": {"identity": 1.0},
        "structural": {"cutpaste": 0.5, "poisson": 0.5},
        "density": {"gaussian": 0.5, "density": 0.5},
        "deformation": {"source": 0.5, "guided": 0.5},
    },
    "enhanced": {
        "identity": {"identity": 1.0},
        "structural": {"poisson": 1.0},
        "density": {"density": 1.0},
        "deformation": {"guided": 1.0},
    },
    "parent": {
        "identity": {"identity": 1.0},
        "structural": {"cutpaste": 1.0},
        "density": {"gaussian": 1.0},
        "deformation": {"source": 1.0},
    },
}
"""Mixtures by name: the thesis's pool (default), only its enhanced tasks, MediCLIP's."""

_BESIDE: dict[str, Mapping[str, Any]] = {
    # MediCLIP's code: whole shapes anywhere, every draw taken; the mask of a change of intensity or a warp is
    # all that was drawn, the mask of a paste what changed.
    "parent": {
        "foreground": False,
        "placement": "whole",
        "drawn_masks": ("gaussian", "source", "sink"),
        "min_changed": 0.0,
        "min_visible": 0.0,
    },
}
"""What a mixture by name sets beside its families."""


def _odds(where: str, values: object, names: tuple[str, ...]) -> dict[str, float]:
    allowed = f"a mapping from {', '.join(names)} to odds >= 0, not all zero"
    if not isinstance(values, Mapping) or not values:
        raise InputError(f"{where} cannot be used", received=values, allowed=allowed)
    for name, odds in values.items():
        number = isinstance(odds, int | float) and not isinstance(odds, bool)
        if name not in names or not number or not 0 <= odds < float("inf"):
            raise InputError(
                f"{where}.{name} cannot be used",
                received=odds,
                allowed=allowed,
                hint="odds need not add up to 1",
            )
    if sum(values.values()) <= 0:
        raise InputError(f"{where}: all odds are zero", received=dict(values), allowed=allowed)
    return {name: float(odds) for name, odds in values.items()}


@dataclass(frozen=True)
class SynthesisSettings(Checked):
    """Which anomalies are drawn, at what odds, with which numbers.

    Attributes
    ----------
    families : mapping of family to mapping of task to odds
        A family is drawn by ``family_odds``, then a task inside it. Default: Table A1 and section 3.4.
    family_odds : mapping of family to odds, or None
        None gives every family the same odds (Table A1).
    second_anomaly_probability : float
        Odds of a second anomaly of the same task in the same image (parent: 0.5).
    foreground : bool
        Keep anomalies on anatomy instead of the black border.
    placement : str
        Of Perlin masks and of the shapes of ``source`` and ``sink``. ``centred``: around a random pixel of
        the anatomy; a Perlin mask's box is moved into the image, a shape is cut by the image's edge.
        ``whole``: uniform over the places where the whole of it lies in the image (parent).
    drawn_masks : some of the tasks
        Their mask is the whole region drawn, as section 4.2 words it, instead of the pixels that changed.
    profile : str
        Modality profile that ``poisson``, ``density`` and ``guided`` start from (see `PROFILES`).
    attempts : int
        Draws of a region before the fallback (see `synthesize`), so that nothing loops for ever.
    min_changed : float
        Smallest share of the image that an anomaly must change; at least four pixels.
    min_visible : float, of the value range
        Smallest mean change over the pixels that an anomaly changes (0.02 is five grey levels): an anomaly
        that nobody can see would be a wrong label.
    min_on_anatomy : float
        Smallest share of a drawn region that must lie on anatomy, where ``foreground`` is on.
    label_closing : pixels at 224
        Gaps in the changed pixels up to about this wide, inside the anomaly's region, belong to the mask
        too; 0 takes changed pixels alone.
    fallback_shift : (0, 1]
        Intensity shift of the fallback.
    perlin, shape, cutpaste, gaussian, radial, poisson, density, guided
        Numeric ranges, see `fusionmedclip.synthesis.ranges`.
    """

    shortcuts = ("preset",)
    families: Families = field(default_factory=lambda: PRESETS["thesis"])
    family_odds: Mapping[str, float] | None = None
    second_anomaly_probability: float = probability(0.5)
    foreground: bool = switch(True)
    placement: str = choice("centred", ("centred", "whole"))
    drawn_masks: tuple[str, ...] = choices((), TASKS[1:])
    profile: str = choice("generic", tuple(PROFILES))
    attempts: int = whole(8, low=1, high=1000)
    min_changed: float = fixed_number(0.0005, low=0, high=0.5)
    min_visible: float = fixed_number(0.02, low=0, high=0.2)
    min_on_anatomy: float = probability(0.5)
    label_closing: float = fixed_number(5.0, low=0, high=50)
    fallback_shift: float = fixed_number(0.25, low=0.01, high=0.5)
    perlin: PerlinSettings = field(default_factory=PerlinSettings)
    shape: ShapeSettings = field(default_factory=ShapeSettings)
    cutpaste: CutPasteSettings = field(default_factory=CutPasteSettings)
    gaussian: GaussianSettings = field(default_factory=GaussianSettings)
    radial: RadialSettings = field(default_factory=RadialSettings)
    poisson: PoissonSettings | None = None
    density: DensitySettings | None = None
    guided: GuidedSettings | None = None

    @property
    def inert(self) -> tuple[str, ...]:
        """What computes nothing; see :func:`fusionmedclip.settings.effective`."""
        return inert_synthesis(
            vars(self), families=self.families, odds=self.family_odds, foreground=self.foreground
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.families, Mapping) or not self.families:
            raise InputError(
                "synthesis.families cannot be used",
                received=self.families,
                allowed="a mapping from family names to {task: odds}",
                hint=f"or choose a preset: {', '.join(PRESETS)}",
            )
        families = {n: _odds(f"synthesis.families.{n}", f, TASKS) for n, f in self.families.items()}
        object.__setattr__(self, "families", families)
        if self.family_odds is not None:
            odds = _odds("synthesis.family_odds", self.family_odds, tuple(families))
            object.__setattr__(self, "family_odds", odds)
        for name in ("poisson", "density", "guided"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, getattr(PROFILES[self.profile], name))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, base: Self | None = None) -> Self:
        """Settings from a configuration's mapping.

        ``preset`` (thesis, enhanced, parent) names a mixture; ``profile`` names the modality whose density
        and deformation values hold where the mapping gives none of its own.

        Raises
        ------
        InputError
            For a key or value that cannot be used.

        Examples
        --------
        >>> settings = SynthesisSettings.from_dict({"profile": "brain_mri", "density": {"beta": [0.5, 0.9]}})
        >>> settings.density.beta, settings.density.bright_probability
        ((0.5, 0.9), 0.8)
        """
        values = dict(values) if isinstance(values, Mapping) else cls.known(values)
        preset = values.pop("preset", None)
        if preset is not None:
            values = {**cls._of_preset(preset), **values}
        profile = values.get("profile", base.profile if base is not None else "generic")
        if isinstance(profile, str) and profile in PROFILES:
            for name, kind in _ENHANCED.items():
                start = getattr(PROFILES[profile], name)
                if name in values and not isinstance(values[name], kind):
                    values[name] = kind.from_dict(values[name] or {}, base=start)
                elif "profile" in values:
                    values.setdefault(name, start)
        return super().from_dict(values, base=base)

    @classmethod
    def preset(cls, name: str) -> Self:
        """Settings of a named mixture; ``parent`` also places and labels anomalies as the parent does."""
        return cls(**cls._of_preset(name))

    @staticmethod
    def _of_preset(name: str) -> dict[str, Any]:
        if name not in PRESETS:
            raise InputError("synthesis.preset is unknown", received=name, allowed=", ".join(PRESETS))
        return {"families": PRESETS[name], **_BESIDE.get(name, {})}

    def anomalous(self) -> Self:
        """The same mixture without what changes nothing or is never drawn, families in order of names.

        Raises
        ------
        InputError
            If nothing is left.
        """
        odds = self.family_odds or dict.fromkeys(self.families, 1.0)
        left = {
            name: tasks
            for name in sorted(odds)
            if odds[name] > 0
            and any(tasks := {t: o for t, o in self.families[name].items() if o > 0 and t != "identity"})
        }
        if not left:
            raise InputError(
                "synthesis.families makes no anomaly",
                received={name: dict(tasks) for name, tasks in self.families.items()},
                allowed="a family with a task other than identity",
            )
        return replace(self, families=left, family_odds={name: odds[name] for name in left})
