"""Settings of the model's parts (thesis Table A1), without torch, so that reading them stays cheap."""

from dataclasses import dataclass, field

from fusionmedclip.errors import InputError

__all__ = [
    "AGGREGATIONS",
    "PRECISIONS",
    "BlockAdapterSettings",
    "Layer",
    "LoraSettings",
    "ModelSettings",
    "PromptSettings",
    "TemperatureSettings",
]

Layer = int | str
"""A layer by its number counted from 1 (ViT block, timm stage), or by timm's module name (``"layer2"``)."""

AGGREGATIONS = ("softmax_first", "cosine_first")
"""``softmax_first``: softmax with tau a layer, upsample, mean (the thesis). ``cosine_first``: mean of the
cosines, upsample, one softmax without temperature (its parent, MediCLIP)."""

PRECISIONS = ("float32", "tf32", "bfloat16")
"""What products are computed in; see :func:`fusionmedclip.models.arithmetic.arithmetic`."""

FORMS = ("coop", "phrases", "manual")
UMLS = ("none", "token_embeddings", "encoder_outputs")
HEADS = ("map", "gap")
GAP_FEATURES = ("final", "layers")
PLACEMENTS = ("side", "stream")
ACTIVATIONS = ("gelu", "relu")


@dataclass(frozen=True, kw_only=True)
class PromptSettings:
    """How the two states, normal and anomaly, are put into words.

    Attributes
    ----------
    form : str
        ``coop``: "[v1]...[vM] class"; ``phrases``: MediCLIP's 21 phrases, each with a context of its own,
        averaged a state; ``manual``: a fixed sentence.
    context_tokens : int
        M of Eq. 3 (Table A1: 8).
    class_specific : bool
        A context for each prompt, or one for all (Table A1: CSC True).
    class_names : (str, str)
        Normal, then anomaly (section 3.2.1).
    template : str
        Of ``manual``; ``{}`` stands for the class name (section 4.4).
    umls : str
        Where the first part of the context starts: ``none`` (random), ``token_embeddings`` (means of the
        token embeddings of Table A3's texts) or ``encoder_outputs`` (their text features, as section 3.2.1
        words it; these do not live in token space).
    umls_share : float
        Share of the M slots that UMLS knowledge starts, 0 to 1; the rest starts at N(0, init_std^2).
    init_std : float
        Standard deviation of the random start.
    causal : bool
        False runs the text tower without its causal mask, as MediCLIP's code does.
    """

    form: str = "coop"
    context_tokens: int = 8
    class_specific: bool = True
    class_names: tuple[str, str] = ("normal", "anomaly")
    template: str = "a photo of a {}"
    umls: str = "token_embeddings"
    umls_share: float = 0.5
    init_std: float = 0.02
    causal: bool = True

    def __post_init__(self):
        object.__setattr__(self, "class_names", tuple(self.class_names))
        if self.form not in FORMS:
            raise InputError("prompt.form", received=self.form, allowed=", ".join(FORMS))
        if self.umls not in UMLS:
            raise InputError("prompt.umls", received=self.umls, allowed=", ".join(UMLS))
        if self.context_tokens < 1:
            raise InputError(
                "prompt.context_tokens", received=self.context_tokens, allowed="a whole number from 1"
            )
        if self.init_std < 0:
            raise InputError("prompt.init_std", received=self.init_std, allowed="0 or more")
        if not 0 <= self.umls_share <= 1:
            raise InputError("prompt.umls_share", received=self.umls_share, allowed="0 to 1")
        if self.form == "manual" and self.template.count("{}") != 1:
            raise InputError("prompt.template", received=self.template, allowed="a text with one {}")
        if len(self.class_names) != 2 or not all(self.class_names):
            raise InputError(
                "prompt.class_names", received=self.class_names, allowed="two names: normal, anomaly"
            )


@dataclass(frozen=True, kw_only=True)
class TemperatureSettings:
    """The temperature tau of Eq. 6.

    Attributes
    ----------
    value : float
        Fixed value, or where learning starts (Table A1: 0.07).
    learnable : bool
        Section 3.3.3 trains it; Table A1 fixes it. Fixed by default.
    minimum, maximum : float
        A learnt tau is clamped to this range.
    """

    value: float = 0.07
    learnable: bool = False
    minimum: float = 0.01
    maximum: float = 1.0

    def __post_init__(self):
        if not 0 < self.minimum <= self.value <= self.maximum:
            raise InputError(
                "temperature.value",
                received=self.value,
                allowed=f"more than 0, from minimum ({self.minimum}) to maximum ({self.maximum})",
            )


@dataclass(frozen=True, kw_only=True)
class LoraSettings:
    """Table A1, LoRA settings.

    Attributes
    ----------
    rank : int
        r of Eq. 8.
    alpha : float
        The update is scaled by alpha / rank (= 2), a factor that Eq. 8 leaves out.
    dropout : float
        Applied to the input of A while training.
    output_projection : bool
        Whether the attention's output projection is adapted too: section 4.2 and Table A1 name it,
        section 3.3.2 does not.
    """

    rank: int = 8
    alpha: float = 16
    dropout: float = 0.05
    output_projection: bool = True

    def __post_init__(self):
        if self.rank < 1:
            raise InputError("lora.rank", received=self.rank, allowed="a whole number from 1")
        if self.alpha <= 0:
            raise InputError("lora.alpha", received=self.alpha, allowed="more than 0")
        if not 0 <= self.dropout < 1:
            raise InputError("lora.dropout", received=self.dropout, allowed="0 up to, not including, 1")


@dataclass(frozen=True, kw_only=True)
class BlockAdapterSettings:
    """Table A1, block adapter settings, and the form that the thesis leaves open.

    Attributes
    ----------
    bottleneck : int
        Width between the two layers.
    dropout : float
        After the activation, while training.
    placement : str
        ``side``: later blocks see the unadapted stream; ``stream``: block j + 1 sees what the adapter of
        block j hands on, class token included.
    residual : bool
        Whether the bottleneck's output is added to its input, or takes its place.
    activation : str
        ``gelu`` or ``relu``.
    zero_start : bool
        Whether the second layer starts at zero, so that a residual adapter starts as the identity.
    """

    bottleneck: int = 64
    dropout: float = 0.1
    placement: str = "side"
    residual: bool = True
    activation: str = "gelu"
    zero_start: bool = True

    def __post_init__(self):
        if self.placement not in PLACEMENTS:
            raise InputError(
                "block_adapter.placement", received=self.placement, allowed=", ".join(PLACEMENTS)
            )
        if self.activation not in ACTIVATIONS:
            raise InputError(
                "block_adapter.activation", received=self.activation, allowed=", ".join(ACTIVATIONS)
            )
        if self.zero_start and not self.residual:
            raise InputError(
                "block_adapter.zero_start without a residual would start from empty features",
                received="residual: false, zero_start: true",
                hint="set zero_start: false beside residual: false",
            )
        if self.bottleneck < 1:
            raise InputError(
                "block_adapter.bottleneck", received=self.bottleneck, allowed="a whole number from 1"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(
                "block_adapter.dropout", received=self.dropout, allowed="0 up to, not including, 1"
            )


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """What the model consists of.

    Attributes
    ----------
    layers : tuple of Layer
        J, counted from 1: 12, 18, 24 in chapter 3, 14, 18, 24 in section 4.2 and Table A1.
    head : str
        ``map``: alignment adapters and a dense map (rows 5 and 6 of Table 8); ``gap``: global average pooling
        of projected patch tokens, no map (rows 1 to 4).
    gap_features : str
        What ``gap`` pools: ``final`` patch tokens, or those of all ``layers``, each through the final norm
        and the projection, their probabilities averaged as in Eq. 7 (a ViT only).
    aggregation : str
        Order of softmax, upsampling and mean; see :data:`AGGREGATIONS`.
    align_corners : bool
        Of the upsampling.
    prompt, temperature : settings
    lora, block_adapter : settings or None
        None leaves the part out (rows 1 to 5).
    """

    layers: tuple[Layer, ...] = (12, 18, 24)
    head: str = "map"
    gap_features: str = "final"
    aggregation: str = "softmax_first"
    align_corners: bool = True
    prompt: PromptSettings = field(default_factory=PromptSettings)
    temperature: TemperatureSettings = field(default_factory=TemperatureSettings)
    lora: LoraSettings | None = field(default_factory=LoraSettings)
    block_adapter: BlockAdapterSettings | None = field(default_factory=BlockAdapterSettings)

    def __post_init__(self):
        object.__setattr__(self, "layers", tuple(self.layers))
        if self.head not in HEADS:
            raise InputError("model.head", received=self.head, allowed=", ".join(HEADS))
        if self.gap_features not in GAP_FEATURES:
            raise InputError(
                "model.gap_features", received=self.gap_features, allowed=", ".join(GAP_FEATURES)
            )
        if self.aggregation not in AGGREGATIONS:
            raise InputError("model.aggregation", received=self.aggregation, allowed=", ".join(AGGREGATIONS))
        if not self.layers:
            raise InputError("model.layers is empty", hint="name at least one layer, counted from 1")
        if self.head == "gap" and self.block_adapter is not None:
            raise InputError("model.block_adapter has no place under head: gap", hint="set it to null")

    @property
    def frozen_tower(self) -> bool:
        """Whether the image tower goes on computing what it did before training."""
        in_stream = self.block_adapter is not None and self.block_adapter.placement == "stream"
        return self.lora is None and not in_stream
