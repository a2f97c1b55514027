"""How pixels become grey values: the few choices a reader leaves to the user."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from fusionmedclip.errors import InputError

__all__ = ["KERNELS", "MASKS", "ImageSettings", "ReadSettings"]

CHANNELS = ("luma", "red", "green", "blue")
KERNELS = ("bicubic", "bilinear")
MASKS = ("bright", "nonzero", "dark")


@dataclass(frozen=True, kw_only=True)
class ReadSettings:
    """Choices that a file itself does not make.

    Attributes
    ----------
    value_range : (float, float), optional
        Stored values that become 0 and 1, in the file's own units (after a DICOM's modality transform, so HU
        for CT). None takes what the file states: the full range of its integer type, a DICOM's window.
    percentiles : (float, float)
        Where nothing states a range (NIfTI, floating-point TIFF, DICOM without a window): the percentiles of
        the image or volume that become 0 and 1.
    axis : int
        Axis along which a volume is cut into slices, in canonical RAS+ order for NIfTI (0 sagittal,
        1 coronal, 2 axial). DICOM series are always cut along their own slice axis.
    slice : int, optional
        Slice or frame to take where a file holds several; None takes the middle one.
    square_pixels : bool
        Stretch pictures whose pixels are not square (DICOM and NIfTI state it), as a viewer does.
    exif : bool
        Turn pictures and masks as the orientation in their EXIF or TIFF header says, as a viewer does.
    channel : {"luma", "red", "green", "blue"}
        What becomes the grey value of a colour: ITU-R BT.601 luma, or one of its channels.
    mask : {"bright", "nonzero", "dark"}
        What is lesion in a mask: the upper half of its range (in DICOM and NIfTI every label above 0); any
        value or colour but 0; or what ``bright`` leaves out, for inverted masks.
    """

    value_range: tuple[float, float] | None = None
    percentiles: tuple[float, float] = (0.5, 99.5)
    axis: int = 2
    slice: int | None = None
    square_pixels: bool = True
    exif: bool = True
    channel: str = "luma"
    mask: str = "bright"

    def __post_init__(self) -> None:
        for name in ("value_range", "percentiles"):
            pair = getattr(self, name)
            if pair is not None and (len(pair) != 2 or not pair[0] < pair[1]):
                raise InputError(f"`{name}` must be two numbers, low before high", received=pair)
        if self.percentiles[0] < 0 or self.percentiles[1] > 100:
            raise InputError("`percentiles` must lie in 0 to 100", received=self.percentiles)
        if self.axis not in (0, 1, 2):
            raise InputError("unknown axis of a volume", received=self.axis, allowed="0, 1, 2")
        if self.channel not in CHANNELS:
            raise InputError("unknown `channel`", received=self.channel, allowed=", ".join(CHANNELS))
        if self.mask not in MASKS:
            raise InputError("unknown kind of mask `mask`", received=self.mask, allowed=", ".join(MASKS))

    @classmethod
    def from_config(cls, config: Mapping | None) -> "ReadSettings":
        """Build from a mapping of the configuration; unknown keys are an :class:`InputError`."""
        config = dict(config or {})
        allowed = [field.name for field in fields(cls)]
        for name in config:
            if name not in allowed:
                raise InputError(f"unknown key `read.{name}`", received=name, allowed=", ".join(allowed))
        pairs = {k: tuple(v) for k, v in config.items() if isinstance(v, (list, tuple))}
        return cls(**{**config, **pairs})


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """The working form of every image, in training and in testing alike (thesis section 4.1).

    Attributes
    ----------
    kernel : {"bicubic", "bilinear"}
        Of the resizing. The thesis names none; its parent's is bilinear, CLIP's own bicubic.
    antialias : bool
        Whether shrinking averages over what falls into a pixel, as Pillow does, or samples, as OpenCV does.
    colour : bool
        Keep three channels, for the methods whose network takes them; the others get their luma.
    """

    kernel: str = "bicubic"
    antialias: bool = True
    colour: bool = False

    def __post_init__(self) -> None:
        if self.kernel not in KERNELS:
            raise InputError("images.kernel", received=self.kernel, allowed=", ".join(KERNELS))
