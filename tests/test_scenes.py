"""Procedural scenes: repeatable, with whole labels, every kind visible, ready for training."""

import numpy as np
import pytest
from small import shown

from vpucourse.scenes import SMALLEST, SceneSamples, scene
from vpuformer.errors import DataError


@pytest.mark.parametrize("seed", range(30))
def test_labels_are_consecutive_and_nothing_is_hidden(seed):
    image, labels = scene(seed, (80, 120))
    assert image.shape == (80, 120, 3) and image.dtype == labels.dtype == np.uint8
    ids, counts = np.unique(labels, return_counts=True)
    assert ids.tolist() == list(range(len(ids))) and len(ids) >= 2
    assert counts.min() >= SMALLEST


def test_seed_and_size_decide_the_scene():
    a, b, c = scene(3), scene(3), scene(4)
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert not np.array_equal(a[0], c[0])
    assert scene(3, (64, 100))[1].shape == (64, 100)


@pytest.mark.parametrize("kind", ["coin", "leaf", "blob", "tile"])
def test_each_kind_differs_from_the_ground(kind):
    for seed in range(6):
        image, labels = scene(seed, (90, 130), (kind,))
        ground = image[labels == 0].mean(0)
        for i in range(1, labels.max() + 1):
            assert np.linalg.norm(image[labels == i].mean(0) - ground) > 20


def test_coins_are_round_and_tiles_have_bands():
    tiles, coins = ([scene(s, (120, 160), (k,)) for s in range(8)] for k in ("tile", "coin"))
    banded, plain = (
        np.mean([image[labels == 1].mean(-1).std() for image, labels in scenes])
        for scenes in (tiles, coins)
    )
    assert banded > 1.3 * plain
    for _, labels in coins:
        mask = labels == labels.max()  # the last one drawn is not covered
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        touches = {0, mask.shape[0] - 1} & {rows[0], rows[-1]}
        touches |= {0, mask.shape[1] - 1} & {columns[0], columns[-1]}
        if not touches:
            filled = mask.sum() / (len(rows) * len(columns))
            assert 0.65 < filled < 0.88  # a circle fills pi / 4 of its box, a turned ellipse less


def test_position_decides_the_sample():
    data = SceneSamples()
    a, b, c = (shown(data.sample(0, p, 64), 64) for p in (5, 5, 6))
    assert np.array_equal(a.image, b.image) and np.array_equal(a.target, b.target)
    assert not np.array_equal(a.image, c.image)
    assert not np.array_equal(a.image, shown(data.sample(1, 5, 64), 64).image)
    assert a.image.shape == (64, 64, 3) and a.target.any() and a.valid.all()


def test_impossible_scenes_are_refused():
    with pytest.raises(DataError, match="at least 48"):
        scene(0, (20, 100))
    with pytest.raises(DataError, match="Unknown: cat"):
        scene(0, (80, 120), ("coin", "cat"))
    with pytest.raises(DataError, match="expected some of"):
        scene(0, (80, 120), ())
