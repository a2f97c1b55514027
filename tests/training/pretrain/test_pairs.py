"""Splits, numbers of captions and labels."""

import numpy as np
import pandas as pd
import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.training.pretrain.pairs import split_pairs


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "split": ["train", "validation", "train", "test", "train"],
            "image_id": list("abcde"),
            "file": [f"/x/{name}.png" for name in "abcde"],
            "caption": ["one", "two", "one", "three", "two"],
            **columns,
        }
    )


def test_numbers():
    pairs = split_pairs(table(label=["ct", "mr", np.nan, "", "mr"]), validation_share=0.1, seed=0)
    assert pairs.texts == ["one", "two", "three"]
    assert pairs.labels == ["ct", "mr"]
    train = pairs.splits["train"]
    assert train.files == ["/x/a.png", "/x/c.png", "/x/e.png"]
    assert train.captions.tolist() == [0, 0, 1]
    assert train.labels.tolist() == [0, -1, 1]
    assert pairs.splits["test"].captions.tolist() == [2]


def test_validation_is_taken_from_training_only_where_there_is_none():
    all_train = table(split=["train", "train", "train", "test", "train"])
    pairs = split_pairs(all_train, validation_share=0.25, seed=0)
    counts = {name: len(split) for name, split in pairs.splits.items()}
    assert counts == {"train": 3, "validation": 1, "test": 1}
    assert not set(pairs.splits["train"].files) & set(pairs.splits["validation"].files)
    assert len(split_pairs(table(), validation_share=0.25, seed=0).splits["train"]) == 3


def test_digest_knows_content_and_not_place():
    plain = split_pairs(table(), validation_share=0.1, seed=0).digest
    moved = split_pairs(table(file=[f"/y/{n}.png" for n in "abcde"]), validation_share=0.1, seed=0).digest
    other = split_pairs(table(caption=["one", "two", "one", "four", "two"]), validation_share=0.1, seed=0)
    assert moved == plain
    assert other.digest != plain


def test_refusals():
    with pytest.raises(InputError, match="lack columns"):
        split_pairs(table().drop(columns="caption"), validation_share=0.1, seed=0)
    with pytest.raises(InputError, match="no training pairs"):
        split_pairs(table(split=["test"] * 5), validation_share=0.1, seed=0)
