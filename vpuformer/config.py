"""Configuration as frozen dataclasses: the paper's numbers as defaults, each gap a named option."""

import json
import math
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from vpuformer.errors import ConfigError

T = TypeVar("T")


Encoder = Literal["lite0", "lite1", "lite2", "tiny", "vit_b", "mit_b0", "hrnet18s", "resnet50"]
PRESETS: tuple[Encoder, ...] = get_args(Encoder)


@dataclass(frozen=True, kw_only=True, slots=True)
class PueConfig:
    """How a prompt becomes a vector (Sec. III-B)."""

    length: int = 448  # Sec. IV-B: the grid every prompt is encoded on; P = 2 * length + 2
    sigma: float = 3.0  # Sec. IV-B, in grid cells
    cut: float = 3.0  # Reading R3: in sigmas; 1.0 is literal
    visual: Literal["none", "product", "bilateral"] = "none"  # Readings R1, R2, R8
    visual_sigma: float = 20.0  # grey levels, 0-255, for "bilateral"
    sign: Literal["onehot", "bit", "code3"] = "onehot"  # Reading R4
    box: Literal["sixth", "fixed", "plateau"] = "sixth"  # Reading R5
    scribble: Literal["bbox", "fixed"] = "bbox"  # Reading R6
    scribble_point: Literal["median", "random"] = "median"  # Reading R7
    encoding: Literal["pue", "distance", "learned"] = "pue"  # Table IV

    @property
    def vector_length(self) -> int:
        """P: entries of one prompt vector on the square grid."""
        return self.place_length + {"onehot": 2, "bit": 1, "code3": 3}[self.sign]

    @property
    def place_length(self) -> int:
        """Entries that say where a prompt is; q_h and q_v unless a rival of PuE is chosen."""
        own, side = 2 * self.length, self.length // 16
        return {"pue": own, "distance": side * side, "learned": own + 3}[self.encoding]


@dataclass(frozen=True, kw_only=True, slots=True)
class DmaConfig:
    """Dual-cross Merging Attention (Sec. III-C)."""

    form: Literal["recommended", "literal", "code"] = "recommended"  # Readings R10, R11, R12
    depth: int = 3  # Sec. III-C
    embed_dim: int = 128
    num_heads: int = 4
    mlp_ratio: float = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """A whole model: encoder, fusion, PuE, DMA and decoder."""

    encoder: Encoder = "lite0"
    size: int = 448  # Sec. IV-B: side of the square frame the network sees
    fusion: Literal["early", "late"] = "late"  # Reading R9
    prompt_maps: Literal["none", "restored", "disk"] = "restored"
    pue: PueConfig = field(default_factory=PueConfig)
    dma: DmaConfig = field(default_factory=DmaConfig)
    decoder_dim: int = 64
    decoder_depth: int = 2  # of "light": separable blocks on the joined map before the head
    decoder: Literal["light", "code", "literal"] = "light"  # Reading R13

    @property
    def image_sides(self) -> int:
        """A frame's side must be a multiple of this."""
        encoder = 224 if self.encoder == "vit_b" else 32  # windows of 14 patches of 16
        return math.lcm(encoder, 64) if self.decoder == "literal" else encoder


@dataclass(frozen=True, kw_only=True, slots=True)
class LossConfig:
    """NFL + Dice + weight * P2CL, Eq. (18)."""

    alpha: float = 0.5  # NFL
    gamma: float = 2.0  # NFL
    dice: float = 1.0
    p2cl: float = 2.0  # lambda, Sec. IV-C, Table VI
    p2cl_target: Literal["mask", "error"] = "mask"  # Reading R14


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoomConfig:
    """Zoom-in at inference: where the crop lies and when it is renewed."""

    mode: Literal["none", "frame", "ritm"] = "frame"  # ritm: the peers' arithmetic, one look
    expand: float = 1.4  # crop side over the object's side
    min_side: int = 200  # pixels of the image; in "frame" a small object's crop may be smaller:
    margin: int = 60  # it shows so many pixels beside the object
    renew_below: float = 0.5  # a new crop when the box IoU with the wanted one is lower


def preset(name: str) -> ModelConfig:
    """The configuration of a named model.

    "lite0", "lite1", "lite2" (shipped kind), "tiny" (the course), and the paper's four: "vit_b",
    "mit_b0", "hrnet18s", "resnet50". Sec. IV-B.
    """
    if name not in PRESETS:
        raise ConfigError(f"No preset {name!r}. Expected one of {', '.join(PRESETS)}.")
    if name.startswith("lite"):
        return ModelConfig(encoder=name)
    if name == "tiny":
        small = ModelConfig(encoder=name, size=128, decoder_dim=32, decoder_depth=1)
        return replace(small, pue=PueConfig(length=128), dma=DmaConfig(embed_dim=64))
    paper = ModelConfig(encoder=name, fusion="early", prompt_maps="none", decoder_dim=128)
    if name == "vit_b":
        dma = DmaConfig(form="code", embed_dim=768, num_heads=8, mlp_ratio=4 / 3)
        return replace(paper, dma=dma, decoder_dim=256, decoder="code")
    return replace(paper, dma=DmaConfig(embed_dim=256, num_heads=8))


def literal(encoder: str = "vit_b") -> ModelConfig:
    """The paper as it is printed, slips included, where there is an option, on one of its encoders.

    Readings R2, R3, R5, R6, R9, R10, R12, R13: the literal option. R7: the draw at random, without
    the removal of points. R8: boxes have no visual distance here either. R1, R4 and R11, which the
    paper leaves open, are as by default; R14 belongs to the loss, which is the recipe "paper"'s.
    """
    own = preset(encoder)
    pue = PueConfig(
        cut=1.0, visual="product", box="fixed", scribble="fixed", scribble_point="random"
    )
    own = replace(own, fusion="early", prompt_maps="none", decoder_dim=256, decoder="literal")
    return replace(own, pue=pue, dma=replace(own.dma, form="literal"))


def to_json(config: Any) -> dict[str, Any]:
    """A plain dict of a config dataclass; `from_json` reads it back to an equal config."""
    return asdict(config)


def from_json(cls: type[T], record: dict[str, Any]) -> T:
    """A config of class `cls` from a `to_json` dict, unknown or impossible values refused."""
    hints = get_type_hints(cls)
    if unknown := sorted(set(record) - set(hints)):
        raise ConfigError(
            f"{cls.__name__} has no field {', '.join(unknown)}. It has {', '.join(sorted(hints))}."
        )
    values = {}
    for name, value in record.items():
        hint = hints[name]
        if is_dataclass(hint) and isinstance(hint, type):
            value = from_json(hint, value)
        elif isinstance(value, list):
            value = _tuples(cast("list[Any]", value))
        check_literal(f"{cls.__name__}.{name}", value, hint)
        values[name] = value
    return cls(**values)


def _tuples(value: list[Any]) -> tuple[Any, ...]:
    return tuple(_tuples(cast("list[Any]", v)) if isinstance(v, list) else v for v in value)


def check_literal(name: str, value: Any, hint: Any) -> None:
    """Raise ConfigError when `hint` is a Literal that does not list `value`."""
    if get_origin(hint) is Literal and value not in get_args(hint):
        raise ConfigError(f"{name} is {value!r}, expected one of {str(get_args(hint))[1:-1]}.")


def dumps(config: Any) -> str:
    """The config as one line of JSON with sorted keys."""
    return json.dumps(to_json(config), sort_keys=True)
