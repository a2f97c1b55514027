"""The configuration: read, merged, validated, its references checked, its entries resolved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionmedclip.config_schema import validate
from fusionmedclip.documents import check_plain, read_json, read_yaml
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded, reading
from fusionmedclip.presets import PROTOCOL, preset_file
from fusionmedclip.repetitions import repetition, with_repetitions

__all__ = ["Config", "load_config", "merge", "read_config"]


def merge(base: Any, over: Any) -> Any:
    """Merge one value over another: mappings merge key by key, anything else replaces.

    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        merged = dict(base)
        for key, value in over.items():
            merged[key] = merge(base[key], value) if key in base else value
        return merged
    return over


def load_config(path: str | Path | Sequence[str | Path] = (), *, preset: str | None = None) -> "Config":
    """Read a configuration: what is given, merged over the protocol that the package holds.

    Parameters
    ----------
    path : path or sequence of paths
        ``"config.yaml"``, or overlays in their order.
    preset : str, optional
        An overlay that comes with the package, merged before these (:func:`fusionmedclip.presets.presets`).

    Raises
    ------
    InputError
        If a file is missing or no YAML, there is no such preset, or a value is not allowed.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    overlay = None if preset is None else preset_file(preset)
    data = read_config(PROTOCOL)
    for item in [*([overlay] if overlay else []), *map(Path, paths)]:
        data = merge(data, read_config(item))
    with reading(" + ".join(map(str, paths)) or str(overlay or PROTOCOL), "configuration"):
        return Config.checked(data)


@guarded("configuration")
def read_config(path: Path) -> dict[str, Any]:
    """One file of a configuration, not validated yet: YAML, or JSON where its name says so.

    Raises
    ------
    InputError
        Naming the file, and line and key where it is no plain data or holds a key twice.
    """
    if not path.is_file():
        raise InputError("configuration not found", received=str(path))
    data = (read_json if path.suffix.lower() == ".json" else read_yaml)(path)
    if data is None:
        raise InputError(f"{path}: holds no key", hint="was it saved? `{}` is one that changes nothing")
    if not isinstance(data, Mapping):
        raise InputError(f"{path}: a configuration is keys with values", received=type(data).__name__)
    return dict(data)


_ENTRIES = ("tables", "methods", "backbones", "datasets", "captions")


@dataclass(frozen=True)
class Config:
    """A validated configuration.

    Attributes
    ----------
    data : dict
        As written, overlays merged.
    """

    data: dict

    @classmethod
    def checked(cls, data: Mapping) -> "Config":
        """Validate against ``schemas/config.schema.yaml``, then check every reference.

        A table, method, backbone, data set or caption set that an overlay sets to null is dropped. Backbones
        whose Stage 1 is ``repeated`` have an entry for each repetition in what is returned.
        """
        check_plain(data, "configuration")
        data = _without_dropped(data)
        validate(data)
        config = cls(with_repetitions(data))
        config._check_references()
        return config

    def path(self, *parts: str) -> str:
        """Path under the results folder."""
        return "/".join([self.data["results"].rstrip("/"), *parts])

    def dataset(self, name: str) -> dict:
        """One data set's entry."""
        return self._entry("datasets", name)

    def source(self, name: str, *, section: str = "datasets") -> dict:
        """Source of a data set or, with ``section="captions"``, of a caption set, its path made whole.

        Phantoms are drawn by the workflow into the results and read like any folder.
        """
        source = self._entry(section, name)["source"]
        if source["kind"] == "phantoms":
            folder = self.path(section, name, "phantoms")
            if section == "captions":
                return {"kind": "roco", "path": folder}
            return {
                "kind": "folder", "path": folder, "normal": ["normal"], "abnormal": ["abnormal"],
                "mask_folder": "masks",
            }  # fmt: skip
        return {**source, "path": str(Path(self.data["data"]) / source["path"])}

    def captions(self, name: str) -> dict:
        """One caption set's entry."""
        return self._entry("captions", name)

    def backbone(self, name: str) -> dict:
        """One backbone's entry, its ``base`` merged in; ``stage1`` is never inherited."""
        entry = self._resolved("backbones", name)
        own = self._entry("backbones", name)
        return {**entry, "stage1": own.get("stage1"), "base": own.get("base")}

    def method(self, name: str) -> dict:
        """One method's entry, its chain of ``base`` merged in; the title of an oracle says that it is one."""
        entry = {"backbone": None, "settings": {}, "title": name, **self._resolved("methods", name)}
        if entry.get("oracle"):
            entry["title"] += ", oracle: best epoch on the test set"
        return {**entry, "name": name}

    def run_backbone(self, method: str, seed: int) -> str | None:
        """Backbone of a method in one repetition: its own where Stage 1 is ``repeated``."""
        name = self.method(method)["backbone"]
        stage1 = None if name is None else self.backbone(name)["stage1"]
        return repetition(name, seed) if stage1 and stage1.get("repeated") else name

    def backbone_source(self, name: str) -> Any:
        """What a model is made from: the folder the workflow made, or the settings of a stock backbone."""
        folder = Path(self.path("backbones", name))
        if (folder / "settings.json").is_file():
            return folder
        entry = self.backbone(name)
        if entry["stage1"]:
            raise InputError(
                f"backbone {name} is made by Stage 1, which has not run",
                received=str(folder),
                hint=f"in a clone: snakemake --cores 1 {folder}/settings.json; or the preset `offline`, a "
                "stand-in that comes with the package",
            )
        return self.backbone_settings(name)

    def backbone_settings(self, name: str) -> dict:
        """The part of a backbone's entry that makes it (:class:`BackboneSettings`)."""
        entry = self.backbone(name)
        left_out = ("title", "base", "layers", "stage1")
        kept = {k: v for k, v in entry.items() if k not in left_out and v is not None}
        return {**kept, "image_size": self.data["image_size"]}

    def _entry(self, section: str, name: str) -> dict:
        entries = self.data.get(section, {})
        if name not in entries:
            raise InputError(
                f"no such entry in {section}", received=name, allowed=", ".join(entries) or "none is defined"
            )
        return entries[name]

    def _resolved(self, section: str, name: str, seen: tuple[str, ...] = ()) -> dict:
        if name in seen:
            raise InputError(
                f"{section}.{name}.base leads back to itself", received=" -> ".join([*seen, name])
            )
        entry = self._entry(section, name)
        if not entry.get("base"):
            return {k: v for k, v in entry.items() if k != "base"}
        inherited = self._resolved(section, entry["base"], (*seen, name))
        return merge(inherited, {k: v for k, v in entry.items() if k != "base"})

    def _check_references(self) -> None:
        for name in self.data["backbones"]:
            entry = self.backbone(name)
            if "kind" not in entry or "layers" not in entry:
                raise InputError(
                    f"backbones.{name} needs kind and layers", hint="set them, or a base that has them"
                )
            if entry["stage1"]:
                self.captions(entry["stage1"]["captions"])
                if not entry["base"]:
                    raise InputError(
                        f"backbones.{name}.stage1 needs a base", hint="name what Stage 1 starts from"
                    )
        for name in self.data["methods"]:
            self._check_method(name)
        for name, table in self.data["tables"].items():
            for section in ("datasets", "methods"):
                for item in table[section]:
                    if item not in self.data[section]:
                        raise InputError(
                            f"tables.{name}.{section} names an unknown entry",
                            received=item,
                            allowed=", ".join(self.data[section]),
                        )

    def _check_method(self, name: str) -> None:
        entry = self.method(name)
        if "kind" not in entry:
            raise InputError(f"methods.{name} needs a kind", hint="set kind, or a base that has one")
        if entry.get("oracle"):
            _check_oracle(name, entry["kind"])
        if entry["backbone"] is None:
            return
        if entry["backbone"] not in self.data["backbones"]:
            raise InputError(
                f"methods.{name}.backbone is unknown",
                received=entry["backbone"],
                allowed=", ".join(self.data["backbones"]),
            )
        settings = entry["settings"]
        layers = settings.get("layers") or settings.get("model", {}).get("layers") or []
        kept = self.backbone(entry["backbone"])["layers"]
        for layer in layers:
            if layer not in kept:
                raise InputError(
                    f"methods.{name} uses a layer that backbone {entry['backbone']} does not keep",
                    received=layer,
                    allowed=", ".join(map(str, kept)),
                    hint=f"add it to backbones.{entry['backbone']}.layers",
                )


def _without_dropped(data: Mapping) -> dict:
    """A configuration without the entries that are null, which an overlay does without."""
    kept = dict(data)
    for section in _ENTRIES:
        if isinstance(entries := kept.get(section), Mapping):
            kept[section] = {name: entry for name, entry in entries.items() if entry is not None}
    return kept


def _check_oracle(name: str, kind: str) -> None:
    """An oracle must be known as one wherever its name stands, in tables, files and paths."""
    if not name.endswith("_oracle"):
        raise InputError(
            f"methods.{name} chooses its epoch on the test set, and its name must say so",
            received=name,
            allowed=f"a name that ends in _oracle, such as {name}_oracle",
        )
    if kind != "fusionmedclip":
        raise InputError(
            f"methods.{name}: only our own model reports epochs to choose from",
            received=kind,
            allowed="kind: fusionmedclip",
        )
