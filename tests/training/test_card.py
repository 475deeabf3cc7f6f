"""The card says what was trained on, how and with what curve."""

import io
import json
import tarfile

import numpy as np
from PIL import Image

from vpuformer.data.shards import Shards
from vpuformer.training.card import card, sources
from vpuformer.training.recipes import tiny


def test_card_counts_sources_and_thins_the_curve(tmp_path):
    records = [
        {"source": "a", "licence": "CC0", "labels": "human", "instances": 2},
        {"source": "a", "licence": "CC0", "labels": "human", "instances": 3},
        {"source": "b", "labels": "teacher", "instances": 1},
    ]
    picture = io.BytesIO()
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(picture, "PNG")
    with tarfile.open(tmp_path / "human-0000.tar", "w") as archive:
        for i, record in enumerate(records):
            parts = {
                "webp": b"x",
                "png": picture.getvalue(),
                "json": json.dumps(record).encode(),
            }
            for extension, content in parts.items():
                info = tarfile.TarInfo(f"k{i}.{extension}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    history = [
        {"step": s, "loss": 1.0 / s, "iou1": 0.1, "iou2": 0.2, "iou3": 0.3, "seconds": 4.0 * s}
        for s in range(1, 401)
    ]
    data = sources(Shards(tmp_path))
    result = card(data, tiny(400), history, command="vpuformer train x")
    assert json.loads(json.dumps(result))["recipe"]["crops"] == [[0.0, 128]]
    assert [(d["source"], d["licence"], d["photos"], d["masks"]) for d in result["data"]] == [
        ("a", "CC0", 2, 5),
        ("b", "unstated", 1, 1),
    ]
    assert result["samples"] == 400 * 16 and result["hours"] == round(1600 / 3600, 2)
    assert 40 <= len(result["curve"]) <= 42 and result["curve"][-1][0] == 400
    assert result["command"] == "vpuformer train x" and "research use" in result["terms"]


def test_hours_count_every_leg():
    history = [{"step": 10, "loss": 1.0, "images_per_s": 1e9, "seconds": 5400.0}]
    assert card([], tiny(10), history, command="x")["hours"] == 1.5
