"""One small model's configuration and one small shard, for tests that need no good ones."""

import io
import tarfile
from types import SimpleNamespace

import numpy as np
from PIL import Image

from vpuformer.config import DmaConfig, ModelConfig, PueConfig
from vpuformer.data.augmentation import PLAIN, Sample
from vpuformer.training.crops import cut

CONFIG = ModelConfig(
    encoder="tiny",
    size=64,
    pue=PueConfig(length=64),
    dma=DmaConfig(embed_dim=32),
    decoder_dim=16,
    decoder_depth=1,
)


def as_it_is(image, target, void):
    """A training sample whose crop shows a picture uint8 `[S, S, 3]` and two masks unchanged."""
    planes = np.dstack([image, *(np.uint8(255) * mask for mask in (target, void))])
    return Sample(planes, np.eye(2, 3, dtype=np.float32), PLAIN.astype(np.float32))


def shown(sample, side):
    """A training sample as its crop shows it: uint8 `[S, S, 3]`, target and valid bool `[S, S]`."""
    planes = cut([sample], side)[0].permute(1, 2, 0).numpy()
    target, valid = planes[..., 3] > 0, planes[..., 4] == 0
    return SimpleNamespace(image=planes[..., :3], target=target, valid=valid)


def write_shard(folder, size, keys="ab"):
    """Photos of noise with one object each, as a tar of webdataset layout."""
    rng = np.random.default_rng(0)
    labels = np.zeros(size, np.uint8)
    labels[10:40, 12:50] = 1
    with tarfile.open(folder / "human-0000.tar", "w") as archive:
        for key in keys:
            photo = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
            parts = {"webp": Image.fromarray(photo), "png": Image.fromarray(labels)}
            for suffix, picture in parts.items():
                buffer = io.BytesIO()
                picture.save(buffer, "WEBP" if suffix == "webp" else "PNG")
                info = tarfile.TarInfo(f"{key}.{suffix}")
                info.size = len(buffer.getvalue())
                archive.addfile(info, io.BytesIO(buffer.getvalue()))
