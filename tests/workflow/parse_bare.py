"""Plan a workflow as a stock Snakemake would: ``parse_bare.py LIBRARY,LIBRARY ARGUMENT...`` of Snakemake.

Snakemake and its own plugins import first; then the libraries are gone.
"""

import importlib.util
import sys
from importlib.abc import MetaPathFinder

from snakemake.cli import main


class Bare(MetaPathFinder):
    """Finds none of some libraries, and tells who only asks whether they are there."""

    def __init__(self, gone: set[str]):
        self.gone, self.asked = gone, importlib.util.find_spec
        importlib.util.find_spec = self.spec_or_none

    def spec_or_none(self, name, package=None):
        return None if name.partition(".")[0] in self.gone else self.asked(name, package)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.gone:
            raise ModuleNotFoundError(f"No module named {name!r}, in a bare environment", name=name)
        return None


if __name__ == "__main__":
    gone = set(sys.argv.pop(1).split(","))
    for name in [name for name in sys.modules if name.partition(".")[0] in gone]:
        del sys.modules[name]
    sys.meta_path.insert(0, Bare(gone))
    main(sys.argv[1:])
