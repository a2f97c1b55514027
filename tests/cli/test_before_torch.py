"""What is wrong with a command is said before torch, which takes seconds to import."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

PROGRAM = """
import json, sys
from typer.testing import CliRunner
from fusionmedclip.cli import app
said = {}
for what, command in json.loads(sys.argv[1]).items():
    done = CliRunner().invoke(app, command)
    said[what] = [done.exit_code, done.output, "torch" in sys.modules]
print(json.dumps(said))
"""
NORMALS = ("--preset", "offline", "--out")
WRONG = {
    "no model": (["predict", "none", "in"], "no saved model in this folder"),
    "no scans": (["predict", "model", "in", "nowhere"], "nowhere: no such file"),
    "no scans among them": (["predict", "model", "empty"], "no image found"),
    "a place among scans": (["predict", "model", "in", "--out", "in/x"], "among what is read"),
    "no part": (["predict", "model", "in", "--part", "3/2"], "1 <= i <= n"),
    "a part of a table": (["predict", "model", "in", "--part", "1/2", "--out", "s.csv"], "need a folder"),
    "no backbone": (["predict", "model", "in", "--backbone", "lost"], "lost: no such file"),
    "no normals": (["fit", "nowhere", *NORMALS, "m"], "nowhere: no such file"),
    "no normals among them": (["fit", "empty", *NORMALS, "m"], "no image found"),
    "a place that is taken": (["fit", "in", *NORMALS, "in"], "holds other files"),
    "no method": (["fit", "in", "--method", "x", *NORMALS, "m"], "no such entry in methods"),
    "a method of files": (["fit", "in", "--method", "file_size", *NORMALS, "m"], "properties of files"),
    "a rule of none": (["fit", "in", "--rule", "min", *NORMALS, "m"], "max, mean, top"),
    "fewer than no folds": (["fit", "in", "--folds", "-1", *NORMALS, "m"], "a whole number, 0 or more"),
    "nothing to compare": (["compare", "nowhere", "--preset", "offline"], "nowhere: no such file"),
    "a comparison of none": (["compare", "in", "--preset", "offline", "--methods", "x"], "no such entry"),
    "one normal alone": (["compare", "in", "--preset", "offline"], "too few images"),
    "no model to export": (["export", "none"], "no saved model in this folder"),
    "no name of a file": (["export", "model", "--out", "m.pt"], "ends in .onnx"),
    "no model to explain": (["explain", "none", "in/0.png"], "no saved model in this folder"),
    "nothing to explain": (["explain", "model", "in/9.png"], "in/9.png: no such file"),
    "a place of other files": (["explain", "model", "in/0.png", "--out", "in"], "no earlier explanation's"),
    "no prediction": (["review", "in"], "no pictures of a prediction"),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """Exit status and words of each command, and whether torch was there, from one process for all of them.

    It runs beside a scan, and as much of a model as is looked at before it is loaded.
    """
    folder = tmp_path_factory.mktemp("before")
    for name in ("in", "empty", "model"):
        (folder / name).mkdir()
    Image.new("L", (8, 8), 9).save(folder / "in" / "0.png")
    save_file({"a": np.zeros(1)}, folder / "model" / "weights.safetensors")
    needed = dict.fromkeys(("image_size", "threads", "rests_on", "luma", "maps"))
    record = {"format": 3, "settings": {}, "seed": 0, "backbone": {}, "weights": {}, "kind": "fusionmedclip"}
    (folder / "model" / "model.json").write_text(json.dumps({**needed, **record}))
    commands = json.dumps({what: command for what, (command, _) in WRONG.items()})
    program = [sys.executable, "-c", PROGRAM, commands]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_before_torch_is_there(what: str, said: dict[str, list]) -> None:
    status, words, torch = said[what]
    assert (status, torch) == (2, False), words
    assert WRONG[what][1] in words
