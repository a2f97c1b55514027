"""Tensors of a TorchScript archive, such as OpenAI's, read without running any of its code.

``torch.jit.load`` compiles the program that an archive holds and runs its ``__setstate__``. The tensors need
none of it: ``data.pkl`` names them and their places, ``data/N`` holds their numbers, and the text of the
classes says which of them are parameters and buffers.
"""

import pickletools
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fusionmedclip.errors import InputError

__all__ = ["read_torchscript"]

_DEPTH = 64
_TYPES = {
    "BFloat16Storage": torch.bfloat16, "BoolStorage": torch.bool, "ByteStorage": torch.uint8,
    "CharStorage": torch.int8, "DoubleStorage": torch.float64, "FloatStorage": torch.float32,
    "HalfStorage": torch.float16, "IntStorage": torch.int32, "LongStorage": torch.int64,
    "ShortStorage": torch.int16,
}  # fmt: skip
_PLAIN = ("BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT")
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict,
}  # fmt: skip
_CLASS = re.compile(r"^class (\w+)\(Module\):\n((?:[ ].*\n|\n)*)", re.MULTILINE)
_NAMES = re.compile(r"^  __(?:parameters|buffers)__ = \[(.*)\]$", re.MULTILINE)


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Parameters and buffers by name, as ``torch.jit.load(path).state_dict()`` gives them.

    Raises
    ------
    InputError
        If the archive holds objects that are rebuilt by code of their own, or tensors beyond their numbers.
    """
    with zipfile.ZipFile(path) as archive:
        folder = _folder(archive, path)
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise InputError(f"{path}: numbers of another byte order", allowed="little endian")
        root = _Reader(path, lambda key: archive.read(f"{folder}data/{key}")).read(
            archive.read(f"{folder}data.pkl")
        )
        kept = _Registered(archive, folder)
        return dict(_tensors(root, "", kept, path))


def _folder(archive: zipfile.ZipFile, path: Path) -> str:
    found = [
        name.removesuffix("data.pkl") for name in archive.namelist() if re.fullmatch(r"[^/]+/data\.pkl", name)
    ]
    if len(found) != 1:
        raise InputError(f"{path}: a TorchScript archive without its data.pkl", received=found)
    return found[0]


class _Name(NamedTuple):
    """What a pickle would import, by name and nothing else."""

    module: str
    name: str


class _Module:
    """A module's state, and nothing else of it."""

    def __init__(self, where: str):
        self.where, self.state = where, None


class _Reader:
    """Reads a pickle's instructions itself: tensors, containers and :class:`_Module`; all else is refused."""

    def __init__(self, path: Path, numbers: Callable[[str], bytes]):
        self._path, self._numbers = path, numbers
        self._storages: dict[str, Tensor] = {}
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def read(self, data: bytes) -> Any:
        """What the instructions leave behind."""
        for code, argument, _ in pickletools.genops(data):
            if code.name == "STOP":
                break
            self._step(code.name, argument)
        return self._stack.pop()

    def _step(self, code: str, argument: Any) -> None:
        stack = self._stack
        if code in _PLAIN:
            stack.append(argument)
        elif code in _CONSTANTS:
            stack.append(_CONSTANTS[code]())
        elif code == "MARK":
            self._marks.append(len(stack))
        elif code in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif code in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif code == "GLOBAL":
            stack.append(_Name(*argument.split(" ")))
        elif code in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple(self._pop(int(code[5:]) if code[5:] else None)))
        elif code in ("APPEND", "APPENDS"):
            items = self._pop(1 if code == "APPEND" else None)
            stack[-1].extend(items)
        elif code in ("SETITEM", "SETITEMS"):
            items = self._pop(2 if code == "SETITEM" else None)
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif code == "BINPERSID":
            stack.append(self._storage(stack.pop()))
        elif code in ("REDUCE", "NEWOBJ"):
            made, arguments = self._pop(2)
            stack.append(self._made(made, arguments))
        elif code == "BUILD":
            module, state = self._pop(2)
            module.state = state
            stack.append(module)
        elif code not in ("PROTO", "FRAME"):
            raise InputError(f"{self._path}: an instruction that no TorchScript archive needs", received=code)

    def _pop(self, count: int | None) -> list[Any]:
        """The last items: some, or all above the last mark."""
        place = self._marks.pop() if count is None else len(self._stack) - count
        items = self._stack[place:]
        del self._stack[place:]
        return items

    def _made(self, made: Any, arguments: tuple) -> Any:
        module, name = made
        if module.split(".")[0] == "__torch__":
            return _Module(f"{module}.{name}")
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor(*arguments)
        if (module, name) == ("collections", "OrderedDict"):
            return {}
        if module == "torch.jit._pickle" and name.startswith("build_"):
            return list(arguments[0])
        raise InputError(f"{self._path}: holds objects of {module}.{name}", allowed="tensors inside modules")

    def _storage(self, named: Any) -> Tensor:
        kind, dtype, key = named[:3]
        if kind != "storage" or dtype[0] != "torch" or dtype[1] not in _TYPES:
            raise InputError(f"{self._path}: names what is no storage", received=str(named)[:80])
        if key not in self._storages:
            # bytearray: torch wants numbers that may be written
            self._storages[key] = torch.frombuffer(bytearray(self._numbers(key)), dtype=torch.uint8)
        return self._storages[key].view(_TYPES[dtype[1]])

    def _tensor(self, storage: Tensor, offset: int, size: tuple, stride: tuple, *_: Any) -> Tensor:
        places = [offset, *size, *stride]
        last = offset + sum((count - 1) * step for count, step in zip(size, stride, strict=True))
        if min(places) < 0 or (0 not in size and last >= len(storage)):
            what = f"{self._path}: a tensor goes beyond what is stored"
            raise InputError(what, received=f"{tuple(size)} at {offset} of {len(storage)} numbers")
        return storage.as_strided(tuple(size), tuple(stride), offset)


class _Registered:
    """Names of the parameters and buffers of each class, from the text of the classes."""

    def __init__(self, archive: zipfile.ZipFile, folder: str):
        self._archive, self._folder = archive, folder
        self._texts: dict[str, dict[str, set[str]]] = {}

    def __call__(self, where: str) -> set[str] | None:
        """None where nothing is known of the class."""
        module, _, name = where.rpartition(".")
        if module not in self._texts:
            file = f"{self._folder}code/{module.replace('.', '/')}.py"
            text = self._archive.read(file).decode() if file in self._archive.namelist() else ""
            self._texts[module] = {
                found: set(re.findall(r'"([^"]+)"', " ".join(_NAMES.findall(body))))
                for found, body in _CLASS.findall(text)
            }
        return self._texts[module].get(name)


def _tensors(value: Any, prefix: str, registered: _Registered, path: Path) -> Iterator[tuple[str, Tensor]]:
    if prefix.count(".") > _DEPTH:
        raise InputError(f"{path}: modules deeper than {_DEPTH}", received=prefix[:80])
    if not isinstance(value, _Module) or not isinstance(value.state, dict):
        raise InputError(
            f"{path}: {prefix.rstrip('.') or 'the whole'} is rebuilt by code of its own, which is never run",
            hint="where it was made: torch.save(model.state_dict(), ...)",
        )
    kept = registered(value.where)
    for name, entry in value.state.items():
        if isinstance(entry, Tensor):
            if kept is None or name in kept:
                yield f"{prefix}{name}", entry
        elif isinstance(entry, _Module):
            yield from _tensors(entry, f"{prefix}{name}.", registered, path)
