"""The interpreter's path, where Snakemake writes it into shell commands as it stands.

Below ``My Drive/`` or ``thesis (copy)/`` it would be two words, or a syntax error (Snakemake 9, ``script:``).
"""

import atexit
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from fusionmedclip.errors import InputError

__all__ = ["shell_python"]

_PLACES = (tempfile.gettempdir(), "/tmp", "/var/tmp")


def shell_python(executable: str) -> str:
    """A path of the same interpreter, in the same environment, that a shell takes as one word.

    Parameters
    ----------
    executable : str
        ``sys.executable``: ``ENVIRONMENT/bin/python``.

    Returns
    -------
    str
        The path itself where it needs no quotes; else one through a link to the environment, which is there
        until this process ends.

    Raises
    ------
    InputError
        If there is no folder for temporary files whose own name needs no quotes.
    """
    if shlex.quote(executable) == executable:
        return executable
    for place in _PLACES:
        if shlex.quote(place) == place and os.access(place, os.W_OK):
            folder = Path(tempfile.mkdtemp(prefix="fusionmedclip-", dir=place))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            path = Path(executable)
            # The environment as a whole: Python looks for its own beside the path that it was called by
            (folder / "environment").symlink_to(path.parents[1], target_is_directory=True)
            return str(folder / "environment" / path.parent.name / path.name)
    raise InputError(
        "Snakemake cannot start jobs with a Python below a path with spaces or quotes",
        received=executable,
        hint="move the project, or set TMPDIR to a folder whose name has none",
    )
