"""What the commands share: options, the console, errors as one readable message, files of a configuration."""

import contextlib
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fusionmedclip.errors import InputError, visible
from fusionmedclip.guard import reason, refusal_of
from fusionmedclip.shortages import is_shortage

__all__ = ["Configs", "Device", "MaskSuffix", "Preset", "config_files", "console", "readable", "say"]

console = Console()

Configs = Annotated[list[Path] | None, typer.Option("--config", help="Configuration; repeat for overlays.")]
Preset = Annotated[
    str | None, typer.Option(help="Overlay that comes with the package: demo, offline, paper and others.")
]
MaskSuffix = Annotated[
    str | None, typer.Option(help="What a mask's name has after its image's; '' where all are images.")
]


class Device(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


@contextlib.contextmanager
def readable(*, err: bool = True, stopped: int = 1) -> Iterator[None]:
    """One message in place of a traceback: what is wrong with a request, or what the machine refuses.

    ``stopped`` is the exit status of the latter, where 1 says something else.
    """
    try:
        yield
    except InputError as error:
        _say(type(error).__name__, str(error), err=err)
        raise typer.Exit(2) from None
    except Exception as error:
        if not is_shortage(error):
            raise
        _say("stopped", str(refusal_of(error)), err=err)
        raise typer.Exit(stopped) from None


def _say(kind: str, text: str, *, err: bool) -> None:
    Console(stderr=err).print(f"[red]{kind}[/]: ", end="")
    typer.echo(text, err=err)


def say(line: str, *, end: str = "\n") -> None:
    """One line, however long, whatever it names; where there is no room for it, what is done stays done."""
    try:
        console.print(visible(line), highlight=False, markup=False, soft_wrap=True, end=end)
        console.file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), console.file.fileno())
        print(f"no more can be printed here ({reason(error)}); all else goes on", file=sys.stderr)


def config_files(config: list[Path] | None, preset: str | None) -> list[Path]:
    """What is merged over the protocol: ``config.yaml`` where it lies here, a preset, what was named."""
    from fusionmedclip.presets import preset_file

    default, named = Path("config.yaml"), list(config or ())
    overlay = preset_file(preset) if preset else None
    here = default.is_file() and default.resolve() not in {path.resolve() for path in named}
    return [*([default] if here else []), *([overlay] if overlay else []), *named]
