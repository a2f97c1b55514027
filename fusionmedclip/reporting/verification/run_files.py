"""The files of a run, and where those that its records name lie today."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fusionmedclip.methods import learns_ahead, other_files, reads_files

__all__ = ["RunFiles"]

_DEPTHS = {"datasets": 3, "backbones": 3, "support": 4, "learnt": 6}
"""Parts of a file's name from the folder of results that holds it."""


@dataclass(frozen=True)
class RunFiles:
    """Names relative to the folder of results.

    Attributes
    ----------
    run : str
        ``{dataset}/{split}/{method}/k{k}/seed{seed}``.
    """

    run: str

    @property
    def identity(self) -> dict[str, Any]:
        """Data set, split, method, k and seed, as the path says."""
        dataset, split, method, k, seed = self.run.split("/")
        return {
            "dataset": dataset,
            "split": split,
            "method": method,
            "k": int(k.removeprefix("k")),
            "seed": int(seed.removeprefix("seed")),
        }

    @property
    def metrics(self) -> str:
        return f"metrics/{self.run}.json"

    @property
    def provenance(self) -> str:
        return f"runs/{self.run}/provenance.json"

    @property
    def scores(self) -> str:
        return f"scores/{self.run}/scores.csv"

    @property
    def pixel_counts(self) -> str:
        return f"scores/{self.run}/pixel_counts.npz"

    @property
    def written(self) -> set[str]:
        """What every run writes beside its provenance and its weights."""
        more = (f"runs/{self.run}/training_log.csv", f"scores/{self.run}/examples.npz")
        return {self.scores, self.pixel_counts, *more}

    @property
    def manifest(self) -> str:
        return f"datasets/{self.identity['dataset']}/manifest.csv"

    @property
    def images_array(self) -> str:
        return f"datasets/{self.identity['dataset']}/images.npy"

    @property
    def split(self) -> str:
        return f"datasets/{self.identity['dataset']}/split_{self.identity['split']}.csv"

    @property
    def support(self) -> str:
        dataset, split, _, k, seed = self.run.split("/")
        return f"support/{dataset}/{split}/{k}_{seed}.csv"

    @property
    def learnt(self) -> str:
        """Folder of what its method has learnt ahead of it, if it does."""
        dataset, split, method, _, seed = self.run.split("/")
        return f"learnt/{dataset}/{split}/{method}/{seed}/"

    @property
    def images(self) -> set[str]:
        """What tables rest on; near-duplicates straddle support and test in the split ``paper`` alone."""
        listed = {self.manifest, self.split, self.support}
        if self.identity["split"] == "paper":
            listed.add(f"datasets/{self.identity['dataset']}/duplicates.csv")
        return listed

    def read(self, settings: Mapping[str, Any]) -> set[str]:
        """What a run of some settings reads, stored features apart."""
        folder = f"datasets/{self.identity['dataset']}"
        found = {self.manifest, self.split, self.support, self.images_array, f"{folder}/masks.npy"}
        found |= self.of_backbone(settings) | self.of_others(settings)
        if reads_files(settings["method"]["kind"]):
            found.add(f"{folder}/statistics.csv")
        if learns_ahead(settings["method"]["kind"], settings["method"]["settings"]):
            names = ("weights.safetensors", "training_log.csv", "provenance.json")
            found |= {f"{self.learnt}{name}" for name in names}
        return found

    def of_backbone(self, settings: Mapping[str, Any]) -> set[str]:
        """What is read of a backbone, if there is one."""
        if settings["backbone"] is None:
            return set()
        backbone = f"backbones/{settings['backbone']['name']}"
        found = {f"{backbone}/settings.json", f"{backbone}/model.safetensors"}
        if settings["backbone"]["make"]["kind"] != "timm":  # which has no text tower
            found.add(f"{backbone}/open_clip_config.json")
        return found

    def of_others(self, settings: Mapping[str, Any]) -> set[str]:
        """What is read of other data sets."""
        method = settings["method"]["kind"], settings["method"]["settings"]
        names = other_files(*method, self.identity["split"])
        return {f"datasets/{other}/{name}" for other in settings["meta"] for name in names}

    def located(self, recorded: Mapping[str, str]) -> dict[str, str]:
        """Digests by name relative to the results, wherever these lay when they were recorded.

        A name that belongs to no folder of the results is kept as it is.
        """
        return {self._within(name): sha for name, sha in recorded.items()}

    def _within(self, name: str) -> str:
        slashed = name.replace("\\", "/")
        for folder in (f"runs/{self.run}/", f"scores/{self.run}/"):
            at = f"/{slashed}".rfind(f"/{folder}")
            if at >= 0:
                return slashed[at:]
        parts = slashed.split("/")
        for folder, depth in _DEPTHS.items():
            if parts[-depth:][0] == folder:
                return "/".join(parts[-depth:])
        return name
