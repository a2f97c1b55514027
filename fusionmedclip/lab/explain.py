"""One image explained: pictures of what each layer and each prompt says, a table of learnt words."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from fusionmedclip.csv_text import csv_text
from fusionmedclip.data.reading.images import load_images
from fusionmedclip.data.reading.read import read_image
from fusionmedclip.errors import InputError
from fusionmedclip.lab.detector import AnomalyDetector
from fusionmedclip.lab.explanation_place import COLUMNS, INDEX, TOKENS, check_place, earlier_files
from fusionmedclip.lab.given import check_pictures
from fusionmedclip.lab.page_parts import asset
from fusionmedclip.lab.requests import NOT_EXPLAINED
from fusionmedclip.lab.writers.map_scale import MapScale
from fusionmedclip.lab.writers.map_volumes import stretched
from fusionmedclip.lab.writers.overlay import LEAST_WIDTH, overlay, value_text, with_legend
from fusionmedclip.lab.writers.pictures import save_picture
from fusionmedclip.models.explanations import NearToken, layer_maps, nearest_tokens, prompt_similarities
from fusionmedclip.models.threads import torch_threads
from fusionmedclip.outputs import whole_file
from fusionmedclip.training.estimator import FusionMedCLIP
from fusionmedclip.turns import alone_in

__all__ = ["Explanation", "explain_image", "explained"]


class Explanation(NamedTuple):
    """What one image's map is put together from.

    Attributes
    ----------
    score : float
    map : (H, W) float32 array
        The model's own.
    layers : dict of layer to (H, W) float32 array
        Anomaly probability by each layer alone.
    prompts : dict of prompt to (H, W) float32 array
        Cosine of each place with each prompt, mean over layers.
    tokens : list of NearToken
    """

    score: float
    map: np.ndarray
    layers: dict[str, np.ndarray]
    prompts: dict[str, np.ndarray]
    tokens: list[NearToken]


def explained(model: AnomalyDetector, image: Path | str) -> Explanation:
    """Explain a picture, or a slice that is named.

    Raises
    ------
    InputError
        For a model of another method, or without a map.
    """
    model.check_fitted()
    detector = model.detector_
    if not isinstance(detector, FusionMedCLIP) or detector.model is None:
        raise InputError(NOT_EXPLAINED, received=model.method, hint="others have no prompts")
    check_pictures([image], luma=model.luma or model.recipe_.images.colour)
    working = load_images([image], model.recipe_.image_size, form=model.recipe_.images)
    scores = model.score_working(working)
    fusion, size = detector.model, (working.shape[1], working.shape[2])
    with torch_threads(model.recipe_.threads), torch.inference_mode():
        features = fusion.features(detector.backbone.pixels(working))
        layers = layer_maps(fusion, features, size)[:, 0].cpu().numpy()
        prompts = prompt_similarities(fusion, features, size)[:, 0].cpu().numpy()
    assert scores.maps is not None
    names = [str(layer) for layer in fusion.settings.layers]
    return Explanation(
        float(scores.scores[0]),
        scores.maps[0],
        dict(zip(names, layers, strict=True)),
        dict(zip(fusion.prompts.texts, prompts, strict=True)),
        nearest_tokens(fusion),
    )


def explain_image(model: AnomalyDetector, image: Path | str, folder: Path) -> Explanation:
    """Write ``index.html``, a picture of the map, of each layer and each prompt, and ``tokens.csv``."""
    check_place(folder)
    found = explained(model, image)
    with alone_in(folder):
        check_place(folder)  # others may have been there meanwhile
        for earlier in earlier_files(folder):
            earlier.unlink(missing_ok=True)
        _write(folder / TOKENS, _csv(found.tokens))  # first: by it a killed call's folder is known
        _write_page(found, model, Path(image), folder)
    return found


def _write_page(found: Explanation, model: AnomalyDetector, image: Path, folder: Path) -> None:
    pixels = _enlarged(read_image(image))
    values = np.stack(list(found.prompts.values()))
    layered = MapScale(low=0.0, high=1.0)
    pulls = MapScale(low=float(values.min()), high=max(float(values.max()), float(values.min()) + 1e-6))
    shown = [("map", f"the model's map, score {value_text(found.score)}", found.map, layered)]
    shown += [(f"layer {name}", _peak(one), one, layered) for name, one in found.layers.items()]
    shown += [(f"prompt: {name}", _peak(one), one, pulls) for name, one in found.prompts.items()]
    figures = []
    for number, (name, words, one, scale) in enumerate(shown):
        file = f"{number:02d}.png"
        drawn = overlay(pixels, stretched(one[None], pixels.shape)[0], scale)
        save_picture(folder / file, with_legend(drawn, [name], scale))
        figures.append((file, name, words))
    _write(folder / INDEX, _page(image.name, figures, found.tokens, model.record_))


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    """A picture as wide as its legend at least, each pixel a square of pixels."""
    factor = -(-LEAST_WIDTH // pixels.shape[1])
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _peak(values: np.ndarray) -> str:
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    across, down = 100 * column / values.shape[1], 100 * row / values.shape[0]
    place = f"{across:.0f} % from the left, {down:.0f} % from the top"
    return f"at most {value_text(float(values.max()))}, {place}"


def _csv(tokens: Sequence[NearToken]) -> str:
    return csv_text(COLUMNS, ((*t[:4], f"{t.cosine:.4f}", f"{t.norm:.4f}") for t in tokens))


def _page(
    name: str, figures: Sequence[tuple[str, str, str]], tokens: Sequence[NearToken], record: dict[str, Any]
) -> str:
    pictures = "".join(
        f'<figure><img src="{file}" alt="{escape(f"{title}: {words}")}"><figcaption>{escape(title)}: '
        f"{escape(words)}</figcaption></figure>"
        for file, title, words in figures
    )
    rows: dict[tuple[str, int], list[NearToken]] = {}
    for token in tokens:
        rows.setdefault((token.prompt, token.slot), []).append(token)
    cells = "".join(
        f"<tr><td>{escape(prompt)}</td><td>{slot}</td><td>{near[0].norm:.3f}</td><td>"
        + ", ".join(f"{escape(t.token) or '(none)'} {t.cosine:.2f}" for t in near)
        + "</td></tr>"
        for (prompt, slot), near in rows.items()
    )
    text = asset("explanation.html").replace("<!--STYLE-->", asset("page.css"))
    parts = {"NAME": escape(name), "RESTS_ON": escape(record["rests_on"]), "FIGURES": pictures, "ROWS": cells}
    for key, part in parts.items():
        text = text.replace(f"<!--{key}-->", part)
    return text


def _write(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
