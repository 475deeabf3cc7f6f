"""The real data, where they are: shards for training and folders for choosing."""

import os
from pathlib import Path

import numpy as np
import pytest
from small import shown

from vpuformer.baselines import GrabCut
from vpuformer.data.samples import folder_samples
from vpuformer.data.shards import Shards, ShardSamples
from vpuformer.evaluation import EvaluationConfig, evaluate
from vpuformer.predictor import Predictor
from vpuformer.weights import load

ROOT = Path(os.environ.get("VPU_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
pytestmark = pytest.mark.skipif(
    not ROOT.is_dir(), reason=f"no data at {ROOT}: set VPU_DATA to the folder that holds train/"
)


def test_shards_hold_what_their_readme_says():
    shards = Shards(ROOT / "train")
    names = [path.name for path, _ in shards.entries]
    assert sum(n.startswith("human") for n in names) == 3701
    assert shards.record(0)["labels"] in ("human", "teacher")
    sample = shown(ShardSamples(shards).sample(0, 5, 128), 128)
    assert sample.image.shape == (128, 128, 3) and sample.target.any() and sample.valid.any()


def test_validation_folders_hold_what_their_readme_says():
    sizes = {"grabcut": (50, 50), "voc": (44, 115)}
    for name, (images, instances) in sizes.items():
        samples = list(folder_samples(ROOT / "val" / name))
        assert len(samples) == instances
        assert len({s.image_name for s in samples}) == images
        assert all(s.gt.any() for s in samples)
        assert all(not (s.gt & s.ignore).any() for s in samples if s.ignore is not None)


@pytest.mark.slow
def test_shipped_weights_beat_grabcut_on_the_first_clicks(tmp_path):
    """Ten GrabCut photos, one robot, three clicks: far inside the measured gap."""
    config = EvaluationConfig(max_rounds=3)
    scores = []
    for name, segmenter in (
        ("ours", Predictor(load("lite0", device="cpu"), precision="float32")),
        ("grabcut", GrabCut()),
    ):
        samples = list(folder_samples(ROOT / "val" / "grabcut", limit=10))
        result = evaluate(segmenter, samples, out=tmp_path / f"{name}.jsonl", config=config)
        scores.append(result["grabcut"]["IoU@3"][0])
    assert scores[0] > scores[1] and np.isfinite(scores).all()
