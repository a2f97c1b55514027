"""PatchCore against the official code's figures, and what must not change its scores."""

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create


@pytest.fixture
def feature_maps(frozen_normal):
    """Two layers of five images, as in the official run below."""
    state = np.random.RandomState(0)
    fine = np.maximum(state.standard_normal((5, 40, 12, 12)), 0).astype("f4")
    coarse = np.maximum(state.standard_normal((5, 24, 6, 6)), 0).astype("f4")
    return [fine, coarse]


def fitted(resnet, maps, **settings):
    detector = create("patchcore", backbone=resnet, pretrain_dim=32, target_dim=48, **settings)
    detector.features = lambda images: [m[: len(images)] for m in maps]
    return detector.fit(np.zeros((3, 48, 48), np.float32))


def test_figures_of_the_official_code(resnet, feature_maps):
    # amazon-science/patchcore-inspection, commit fcaa92f: PatchCore with pretrain_embed_dimension 32 and
    # target_embed_dimension 48 on these feature maps; three images in memory, two scored at 48 x 48.
    result = fitted(resnet, feature_maps).score_features([m[3:] for m in feature_maps], (48, 48))
    np.testing.assert_allclose(result.scores, [1.2492945194244385, 1.1597524881362915], rtol=1e-5)
    corner, centre, edge = result.maps[0, 0, 0], result.maps[0, 24, 24], result.maps[1, 47, 10]
    np.testing.assert_allclose([corner, centre, edge], [0.8494596, 0.99430805, 0.57029146], rtol=1e-5)
    np.testing.assert_allclose(result.maps.sum(), 3602.0352, rtol=1e-5)


def test_bits_do_not_depend_on_the_batch(resnet, feature_maps):
    detector = fitted(resnet, feature_maps)
    together = detector.score_features(feature_maps, (48, 48))
    alone = [detector.score_features([m[i : i + 1] for m in feature_maps], (48, 48)) for i in range(5)]
    assert np.array_equal(together.scores, np.concatenate([a.scores for a in alone]))
    assert np.array_equal(together.maps, np.concatenate([a.maps for a in alone]))


def test_memory_images_score_zero(resnet, feature_maps):
    result = fitted(resnet, feature_maps).score_features([m[:3] for m in feature_maps], (48, 48))
    np.testing.assert_allclose(result.scores, 0, atol=1e-8)


def test_root_of_the_distances(resnet, feature_maps):
    test = [m[3:] for m in feature_maps]
    squared = fitted(resnet, feature_maps).score_features(test, (48, 48))
    plain = fitted(resnet, feature_maps, squared=False).score_features(test, (48, 48))
    np.testing.assert_allclose(plain.scores**2, squared.scores, rtol=1e-6)


def test_coreset_only_above_its_limit(resnet, feature_maps, tmp_path):
    def rows(**settings):
        fitted(resnet, feature_maps, **settings).save(tmp_path)
        from safetensors.numpy import load_file

        return len(load_file(tmp_path / "weights.safetensors")["memory"])

    patches = 3 * 12 * 12
    assert rows() == patches
    assert rows(coreset_above=patches) == patches
    assert rows(coreset_above=patches - 1) == int(0.1 * patches)
    assert rows(coreset_above=0, coreset_fraction=0.5) == patches // 2


def test_score_takes_the_features_of_the_backbone(resnet, phantoms):
    normal, lesion = phantoms
    detector = create("patchcore", backbone=resnet, layers=["layer2", "layer3"]).fit(normal[:3])
    direct = detector.score(lesion)
    pixels = torch.from_numpy(lesion)[:, None].expand(-1, 3, -1, -1)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.inference_mode():
        net = resnet.trunk
        x = net.layer1(net.maxpool(net.act1(net.bn1(net.conv1((pixels - mean) / std)))))
        second = net.layer2(x)
        maps = [second.numpy(), net.layer3(second).numpy()]
    np.testing.assert_allclose(detector.score_features(maps, (64, 64)).scores, direct.scores, rtol=1e-4)
