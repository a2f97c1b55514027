"""What every workflow script starts with: its log, and the library on the path."""

import json
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def start(snakemake) -> dict:
    """Send all output and any traceback to the rule's log; return the rule's parameters."""
    log = open(snakemake.log[0], "w", buffering=1)  # noqa: SIM115 - open until the process ends
    sys.stdout = sys.stderr = log

    def report(kind, error, trace):
        if issubclass(kind, ValueError) and type(error).__name__ == "InputError":
            print(f"\n{error}", file=log)
        else:
            traceback.print_exception(kind, error, trace, file=log)

    sys.excepthook = report
    return json.loads(snakemake.params[0])
