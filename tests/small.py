"""One small model's configuration and one small shard, for tests that need no good ones."""

import io
import tarfile

import numpy as np
from PIL import Image

from vpuformer.config import DmaConfig, ModelConfig, PueConfig

CONFIG = ModelConfig(
    encoder="tiny",
    size=64,
    pue=PueConfig(length=64),
    dma=DmaConfig(embed_dim=32),
    decoder_dim=16,
    decoder_depth=1,
)


def write_shard(folder, size):
    """Two photos of noise with one object each, as a tar of webdataset layout."""
    rng = np.random.default_rng(0)
    labels = np.zeros(size, np.uint8)
    labels[10:40, 12:50] = 1
    with tarfile.open(folder / "human-0000.tar", "w") as archive:
        for key in ("a", "b"):
            photo = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
            parts = {"webp": Image.fromarray(photo), "png": Image.fromarray(labels)}
            for suffix, picture in parts.items():
                buffer = io.BytesIO()
                picture.save(buffer, "WEBP" if suffix == "webp" else "PNG")
                info = tarfile.TarInfo(f"{key}.{suffix}")
                info.size = len(buffer.getvalue())
                archive.addfile(info, io.BytesIO(buffer.getvalue()))
