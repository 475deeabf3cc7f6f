"""One small model's configuration, for tests that need a model and not a good one."""

from vpuformer.config import DmaConfig, ModelConfig, PueConfig

CONFIG = ModelConfig(
    encoder="tiny",
    size=64,
    pue=PueConfig(length=64),
    dma=DmaConfig(embed_dim=32),
    decoder_dim=16,
    decoder_depth=1,
)
