"""A saved model as one ONNX file: images in, scores and maps out, nothing else needed to run it."""

import contextlib
import importlib.util
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fusionmedclip.errors import InputError
from fusionmedclip.lab.detector import AnomalyDetector
from fusionmedclip.lab.onnx_graphs import scoring_graph
from fusionmedclip.outputs import own_file
from fusionmedclip.provenance import digest
from fusionmedclip.randomness import generator

__all__ = ["TOLERANCE", "export_onnx", "onnx_metadata"]

TOLERANCE = 1e-3
"""Largest difference to torch that a written file may have, in scores and maps, as a share of the largest of
them where that is above 1: distances in a memory are in the thousands."""

_OPSET = 18
_NEEDED = ("onnx", "onnxruntime", "onnxscript")


def export_onnx(model: AnomalyDetector, target: Path) -> float:
    """Write an ONNX file, once it was run and gave what torch gives.

    Its input ``images`` is (batch, 3, S, S) float32 in [0, 1], grey repeated, at the working size;
    normalisation is part of the graph. Its outputs are ``scores`` (batch,) and, where the model has a map,
    ``maps`` (batch, S, S). Its metadata say the rest; see :func:`onnx_metadata`.

    Parameters
    ----------
    model : AnomalyDetector
        Fitted, of a kind in :data:`fusionmedclip.lab.onnx_graphs.EXPORTED`.
    target : Path

    Returns
    -------
    float
        The largest difference to torch's scores and maps, on random images.

    Raises
    ------
    InputError
        For a model of another method, where a package is missing, or where the file gives something else than
        torch does.
    """
    model.check_fitted()
    size = model.recipe_.image_size
    with torch.inference_mode(False), torch.no_grad():
        graph = scoring_graph(model.detector_, model.method, size=size).eval().cpu()
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"not installed: {', '.join(missing)}", hint="they come with the extra `onnx`")
    images = generator(0, "onnx export").random((2, 3, size, size)).astype(np.float32)
    with torch.inference_mode(False), torch.no_grad():
        expected = [output.numpy() for output in graph(torch.from_numpy(images))]
        packed = _packed(graph, images, onnx_metadata(model), names=["scores", "maps"][: len(expected)])
    difference = _difference(packed, images, expected)
    if not difference <= TOLERANCE:
        raise InputError(
            f"{target}: ONNX gives other scores than torch", received=difference, allowed=str(TOLERANCE)
        )
    with own_file(target) as temporary:
        temporary.write_bytes(packed)
    return difference


def onnx_metadata(model: AnomalyDetector) -> dict[str, str]:
    """What the file says of itself: text, as ONNX keeps it."""
    record, backbone = model.record_, model.detector_.backbone  # type: ignore[attr-defined]
    kept = ((record["left_out"] or {}).get("pictures") or {}).get("threshold")
    return {
        "title": record["title"],
        "rests_on": record["rests_on"],
        "notice": "Not a medical device: research code, for no decision about a patient.",
        "model_digest": model.digest_,
        "settings_digest": digest(record["settings"]),
        "image_size": str(record["image_size"]),
        "images": json.dumps(record["images"]),
        "input_range": "[0, 1]; the normalisation below is part of the graph",
        "mean": json.dumps([round(value, 6) for value in backbone.mean.flatten().tolist()]),
        "std": json.dumps([round(value, 6) for value in backbone.std.flatten().tolist()]),
        "threshold": "" if kept is None else repr(kept),
        "precision": "float32",
    }


def _packed(scoring: nn.Module, images: np.ndarray, metadata: dict[str, str], *, names: list[str]) -> bytes:
    import onnx

    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            scoring,
            (torch.from_numpy(images),),
            input_names=["images"],
            output_names=names,
            opset_version=_OPSET,
            dynamic_shapes={"images": {0: batch}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    made = program.model_proto
    _forget_origins(made)
    onnx.helper.set_model_props(made, metadata)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def _forget_origins(made: Any) -> None:
    """Take out what the exporter notes of each node: lines of code, with their places on this machine."""
    graph = made.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""


def _difference(packed: bytes, images: np.ndarray, expected: list[np.ndarray]) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(packed, providers=["CPUExecutionProvider"])
    found = session.run(None, {"images": images})
    return max(
        float(np.abs(a - b).max() / max(1.0, np.abs(b).max())) for a, b in zip(found, expected, strict=True)
    )
