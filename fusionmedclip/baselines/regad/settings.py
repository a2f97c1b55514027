"""Settings of RegAD."""

from dataclasses import dataclass

from fusionmedclip.baselines.ranges import at_least, below_one, blur, exact, layer_list, one_of, positive

__all__ = ["RegADSettings"]


@dataclass(frozen=True, kw_only=True)
class RegADSettings:
    """Official defaults of RegAD (Huang et al., ECCV 2022), its choice of epoch on the test set aside.

    Attributes
    ----------
    image_size : int or None
        Side at which images are seen, pixels; None keeps the working size.
    layers : tuple of int or str
        Stages of a convolutional backbone that a spatial transformer follows; the first gives the grid.
    normalise : bool
        Whether images get the backbone's own normalisation. The official code feeds [0, 1] as it is.
    meta_source : str
        ``others``: meta-training on the normals of other data sets; ``support``: on the support set alone.
    meta_steps : int
        Steps of meta-training. Official: 50 epochs over MVTec AD's other classes, about 110 batches each.
    meta_batch : int
        Query images a step, all of one data set.
    meta_shots : int or None
        Images each query is registered to; None is k (official).
    learning_rate, momentum : float
        SGD with a cosine decay to zero.
    ridge : float
        Added to the diagonal of each covariance.
    sigma : float
        Gaussian smoothing of the map, pixels.
    batch_size : int
        Images scored together.
    precision : str
        ``float32``; or ``tf32``, of GPUs that have it: torch's default for convolutions there, and so what
        the official code computes in.
    """

    image_size: int | None = 224
    layers: tuple[int | str, ...] = ("layer1", "layer2", "layer3")
    normalise: bool = False
    meta_source: str = "others"
    meta_steps: int = 5500
    meta_batch: int = 32
    meta_shots: int | None = None
    learning_rate: float = 1e-4
    momentum: float = 0.9
    ridge: float = 0.01
    sigma: float = 4.0
    batch_size: int = 16
    precision: str = "float32"

    @property
    def learns_from_others(self) -> bool:
        """Whether ``fit`` takes the normals of other data sets."""
        return self.meta_source == "others"

    @property
    def learns_ahead(self) -> bool:
        """Whether they teach the same whatever the support set, so that runs may share what was learnt."""
        return self.learns_from_others and self.meta_shots is not None and self.meta_steps > 0

    def __post_init__(self):
        exact(self.precision)
        layer_list(self.layers)
        one_of(("others", "support"), meta_source=self.meta_source)
        at_least(0, meta_steps=self.meta_steps)
        blur(sigma=self.sigma)
        below_one(momentum=self.momentum)
        positive(
            image_size=1 if self.image_size is None else self.image_size,
            meta_batch=self.meta_batch,
            meta_shots=1 if self.meta_shots is None else self.meta_shots,
            learning_rate=self.learning_rate,
            ridge=self.ridge,
            batch_size=self.batch_size,
        )
