"""The same work very often, for ``benchmarks/soak.py``: predictions, runs of one graph, pictures listed."""

import gc
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from fusionmedclip.lab.asked import Asked
from fusionmedclip.lab.prediction import predict_files
from fusionmedclip.lab.requests import prediction_request
from tests.held import Held, held
from tests.lab.models import phantoms, small_model, write_overlay, write_pngs
from tests.workflow.killed import make_copy, processes_in, start


def predict_often(folder: Path, times: int) -> list[Held]:
    """Predictions of two pictures by one saved model, in this process, with all that is written of them."""
    small_model(write_overlay(folder), "patchcore").fit(phantoms(4)).save(folder / "model")
    write_pngs(folder / "in", phantoms(2, lesion=True, first=10))
    gc.collect()  # what others have left is not freed in between
    seen = []
    for _ in range(times):
        request = prediction_request(folder / "model", [folder / "in"], folder / "out", asked=Asked())
        assert predict_files(request).complete
        shutil.rmtree(folder / "out")
        seen.append(held(os.getpid()))
    return seen


def run_often(folder: Path, runs: int) -> dict[str, list[Held]]:
    """A table of that many runs as one graph; what Snakemake and its warm process hold, twice a second."""
    project = make_copy(folder)
    tiny = (project / "tiny.yaml").read_text()
    (project / "tiny.yaml").write_text(tiny.replace("seeds: [0]", f"seeds: {list(range(runs))}"))
    head = start(project, "table6", printed=subprocess.DEVNULL)
    seen: dict[str, list[Held]] = defaultdict(list)
    while head.poll() is None:
        time.sleep(0.5)
        warm = [pid for pid, command in processes_in(project).items() if "serve(" in command]
        for name, pids in (("snakemake", [head.pid]), ("warm process", warm[:1])):
            if 0 < len(list((project / "results/tiny/metrics").rglob("*.json"))) < runs:  # they go on
                with suppress(OSError):  # it has just ended
                    seen[name] += [held(pid) for pid in pids]
    metrics = list((project / "results/tiny/metrics").rglob("*.json"))
    assert (head.returncode, len(metrics), processes_in(project)) == (0, runs, {})
    return seen


LISTING = """
import re, sys
from fusionmedclip.data.curation.curate import curate
from fusionmedclip.data.sources.manifest import build_manifest

def peak():  # of this program: getrusage counts what forked it as well
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) << 10

source = {"kind": "folder", "path": sys.argv[1], "normal": "no", "abnormal": "yes"}
manifest = build_manifest(source, dataset="soak")
listed = peak()
curate(manifest, sys.argv[1], dataset="soak")
print(len(manifest), listed, peak())
"""


def list_many(folder: Path, count: int, side: int = 64) -> tuple[int, int]:
    """Peak bytes of a process that lists so many pictures, and after a look at what is wrong with them."""
    for index in range(count):
        path = folder / ("yes" if index % 4 == 0 else "no") / f"{index:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = np.random.default_rng(index).integers(0, 255, (side, side)).astype(np.uint8)
        Image.fromarray(grey).save(path, compress_level=1)
    said = subprocess.check_output([sys.executable, "-c", LISTING, str(folder)], text=True).split()
    assert int(said[0]) == count
    return int(said[1]), int(said[2])
