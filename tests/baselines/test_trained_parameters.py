"""What a baseline says it trained is what its optimisers were given."""

import pytest
import torch

from fusionmedclip.baselines import create

SETTINGS = {
    "simplenet": {"layers": ["layer1"], "steps": 1, "hidden": 16},
    "squid": {"image_size": 32, "width": 8, "queue_slots": 8, "matrix_slots": 8, "train_batch": 4,
              "steps": 1},
    "anoddpm": {"image_size": 32, "channels": [8, 16], "attention": [False, True], "residual_blocks": 1,
                "norm_groups": 8, "steps": 1},
    "cutpaste": {"image_size": 32, "steps": 1, "train_batch": 2},
    "regad": {"image_size": 64, "meta_steps": 1, "meta_batch": 2, "meta_shots": 1, "meta_source": "support"},
}  # fmt: skip


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_count_is_what_optimisers_were_given(kind, resnet, phantoms, monkeypatch):
    given: dict[int, int] = {}
    add = torch.optim.Optimizer.add_param_group

    def watched(self, group):
        add(self, group)
        given.update({id(p): p.numel() for p in self.param_groups[-1]["params"]})

    monkeypatch.setattr(torch.optim.Optimizer, "add_param_group", watched)
    backbone = {} if kind in ("squid", "anoddpm") else {"backbone": resnet}
    detector = create(kind, **backbone, **SETTINGS[kind]).fit(phantoms[0][:4])
    assert sum(detector.trained_parameters().values()) == sum(given.values()) > 0


def test_a_method_without_training_counts_none(resnet, phantoms):
    detector = create("patchcore", backbone=resnet, layers=["layer1"]).fit(phantoms[0][:2])
    assert detector.trained_parameters() == {}
