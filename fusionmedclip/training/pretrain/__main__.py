"""What torchrun starts: ``torchrun ... -m fusionmedclip.training.pretrain --settings FILE.json``."""

import argparse
import sys
from pathlib import Path

from fusionmedclip.errors import InputError


def main() -> int:
    """Run the job that a JSON file describes; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m fusionmedclip.training.pretrain", description=__doc__)
    parser.add_argument(
        "--settings",
        type=Path,
        required=True,
        metavar="FILE.json",
        help="keys: backbone, captions, out, seed, and optionally settings, processes, device, progress",
    )
    arguments = parser.parse_args()
    from fusionmedclip.training.pretrain.job import Job
    from fusionmedclip.training.pretrain.run import run

    try:
        run(Job.read(arguments.settings))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
