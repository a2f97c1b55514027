"""WinCLIP+ put together by hand from its windows, patches and phrases."""

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create
from fusionmedclip.baselines.text_states import state_embeddings
from fusionmedclip.baselines.winclip.windows import window_embeddings

TAU, SIDE, GRID = 0.07, 3, 8


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def says_abnormal(embedding: np.ndarray, states: np.ndarray) -> float:
    normal, abnormal = np.exp(unit(embedding) @ states.T / TAU)
    return abnormal / (normal + abnormal)


def spread(windows: np.ndarray) -> np.ndarray:
    """Harmonic mean of windows over each patch."""
    per_row = GRID - SIDE + 1
    result = np.zeros((GRID, GRID))
    for y, x in np.ndindex(GRID, GRID):
        over = [
            windows[a * per_row + b]
            for a, b in np.ndindex(per_row, per_row)
            if a <= y < a + SIDE and b <= x < b + SIDE
        ]
        result[y, x] = len(over) / np.sum(1 / np.array(over))
    return result


@torch.inference_mode()
def views(backbone, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Raw patches (N, 64, C), windows (N, V, D) and image embeddings (N, D), in float64."""
    pixels = backbone.pixels(images)
    patches = backbone.feature_maps(pixels, [backbone.depth()])[0].flatten(2).transpose(1, 2)
    windows = window_embeddings(backbone, pixels, SIDE)
    return tuple(
        part.double().numpy() for part in (patches, windows, backbone.clip_model.encode_image(pixels))
    )


@pytest.mark.parametrize("language", [True, False])
def test_scores_and_maps_by_hand(tiny_clip, phantoms, language):
    support, tested = phantoms[0][:3], phantoms[1][:2]
    detector = create("winclip", backbone=tiny_clip, scales=[SIDE], prompts="plain", language=language)
    result = detector.fit(support).score(tested)

    states = state_embeddings(tiny_clip, "plain", "medical image").double().numpy()
    memory_patches, memory_windows, _ = (
        unit(part).reshape(-1, part.shape[-1]) for part in views(tiny_clip, support)
    )
    for i, (patches, windows, image) in enumerate(zip(*views(tiny_clip, tested), strict=True)):
        near = [np.min((1 - unit(p) @ memory_patches.T) / 2) for p in patches]
        far = [np.min((1 - unit(w) @ memory_windows.T) / 2) for w in windows]
        grid = (np.reshape(near, (GRID, GRID)) + spread(np.array(far))) / 2
        score = grid.max()
        if language:
            whole = says_abnormal(image, states)
            score = (whole + score) / 2
            text = 2 / (1 / whole + 1 / spread(np.array([says_abnormal(w, states) for w in windows])))
            grid = (text + grid) / 2
        assert result.scores[i] == pytest.approx(score, rel=1e-4)
        # bilinear upsampling by 8 keeps the mean of four neighbours halfway between their centres
        middle = [
            result.maps[i, 8 * y + 7 : 8 * y + 9, 8 * x + 7 : 8 * x + 9].mean() for y, x in np.ndindex(7, 7)
        ]
        expected = [grid[y : y + 2, x : x + 2].mean() for y, x in np.ndindex(7, 7)]
        np.testing.assert_allclose(middle, expected, rtol=1e-4)
