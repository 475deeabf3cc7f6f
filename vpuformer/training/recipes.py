"""Recipes: how a model is trained, as values; a variation is `replace(recipe(), ...)`."""

from dataclasses import dataclass, field, replace
from typing import Literal

from vpuformer.config import LossConfig
from vpuformer.data.augmentation import Choice
from vpuformer.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """All numbers of a training run beside the model's own."""

    steps: int
    batch_size: int = 8  # samples per update, over all ranks
    accumulate: int = 1  # parts in which a rank takes its share of a batch
    crops: tuple[tuple[float, int], ...] = ((0.0, 256),)  # (from this share of the run, pixels)
    choice: Choice = field(default_factory=Choice)  # of objects and crops; this: the data's own
    rounds: int = 3  # prompts per encoded image
    fewest: int = 0  # rounds of a step: drawn from this many to `rounds`; 0: always `rounds`
    graded: int = 3  # rounds with a loss, drawn anew each step; the others only prompt
    round_weights: tuple[float, ...] = (1.0, 1.0, 1.0)
    shares: tuple[float, float, float] = (6.0, 2.0, 2.0)  # clicks, boxes, scribbles
    same_kind: float = 0.0  # how often a later prompt is of the first one's kind
    drop_prev: float = 0.1  # how often a round does not see the previous mask
    lr: float = 1e-3
    schedule: Literal["cosine", "step"] = "cosine"
    drops: tuple[float, ...] = ()  # "step": shares of the run at which the rate falls tenfold
    encoder_lr_scale: float = 0.2
    frozen_stages: int = 2  # of the pretrained encoder
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.999)
    warmup: int = 100
    clip: float = 1.0
    ema: float = 0.999
    loss: LossConfig = field(default_factory=LossConfig)
    seed: int = 0
    precision: str = "auto"  # Fabric's words; "auto": "bf16-mixed" on a GPU, else "32-true"
    save_every: int = 100
    log_every: int = 10

    def __post_init__(self) -> None:
        if self.steps < 1 or self.seed < 0 or not self.crops or self.crops[0][0] > 0:
            how = f"{self.steps} steps, seed {self.seed}, crops {self.crops}"
            raise ConfigError(f"{how}: expected >= 1 and >= 0, crops from 0.0 on.")

    def crop_at(self, step: int) -> int:
        """Side of the training crop at a step, in pixels."""
        return [side for share, side in self.crops if step >= share * self.steps][-1]


def shipped(steps: int = 2800) -> Recipe:
    """The shipped `lite0`, first leg: from ImageNet weights, three rounds."""
    loss = LossConfig(p2cl=0.5)
    return Recipe(steps=steps, crops=((0.0, 256), (0.8, 320)), loss=loss, warmup=150)


def onward(steps: int = 2000) -> Recipe:
    """A further leg from trained weights: longer conversations, larger crops, lower rate."""
    return Recipe(
        steps=steps,
        crops=((0.0, 320), (0.4, 448)),
        rounds=6,
        round_weights=(1.0,) * 6,
        shares=(5.0, 2.5, 2.5),
        same_kind=0.5,
        lr=6e-4,
        encoder_lr_scale=0.3,
        loss=LossConfig(p2cl=0.5),
        seed=1,
    )


def finetune(steps: int = 300, side: int = 256) -> Recipe:
    """Trained weights on some dozens of new photos: few steps, a low rate, frequent checkpoints."""
    return Recipe(
        steps=steps,
        crops=((0.0, side),),
        lr=3e-4,
        encoder_lr_scale=0.3,
        warmup=20,
        ema=0.97,
        loss=LossConfig(p2cl=0.5),
        save_every=50,
    )


def tiny(steps: int = 1500) -> Recipe:
    """The course's model, from nothing on procedural scenes (notebook 07)."""
    crops = ((0.0, 128),)
    return Recipe(steps=steps, batch_size=16, crops=crops, frozen_stages=0, encoder_lr_scale=1.0)


def paper(encoder: str = "mit_b0", steps: int = 55 * 8498 // 32) -> Recipe:
    """The paper's numbers where they differ from ours, for its four encoders.

    Sec. IV-B: batch 32, 448 px, Adam (0.9, 0.999) at 5e-5 for `vit_b` and 5e-4 for the others, a
    tenth of it after 50 of 55 epochs of SBD, NFL + Dice + 2 P2CL, the three prompts at random.
    Photos are scaled by 0.75 to 1.25, flipped, turned, cropped anywhere, and changed in brightness
    and contrast. Paper: how far is not said; quarter turns and 3 degrees are those of RITM's SBD
    training, which has these scales, brightness and contrast those of the authors' code.
    Paper: says nothing of clipping or averaging weights; here the gradient is clipped at 1 and
    the weights are averaged. AdamW without decay is Adam.
    """
    return Recipe(
        steps=steps,
        batch_size=32,
        crops=((0.0, 448),),
        choice=Choice(parts=0.0, power=0.0, scale=(0.75, 1.25), turn=3.0),
        shares=(1.0, 1.0, 1.0),
        lr=5e-5 if encoder == "vit_b" else 5e-4,
        schedule="step",
        drops=(50 / 55,),
        warmup=0,
        encoder_lr_scale=1.0,
        frozen_stages=0,
        weight_decay=0.0,
        loss=LossConfig(p2cl=2.0),
    )


def official(steps: int = 230 * 30_000 // 32) -> Recipe:
    """The authors' released code where it differs from their paper (Sec. IV-B).

    230 epochs of 30,000 samples, Adam 5e-5, a tenth after 190 and again after 210; one to three
    rounds that count 1, 2, 3; clicks and boxes only; scale 0.75 to 1.40, each channel moved by up
    to 10 grey levels, nothing turned; objects pasted and photos mixed, each half the time; in 30 %
    of the samples stuff may be asked for too, where the shards hold it (`data_scripts/coco_lvis.py`
    with COCO-Stuff).
    Paper vs. here: the code draws one kind of prompt for a whole batch, here each sample draws its
    own; a step's weights here sum to 1.
    """
    return replace(
        paper("vit_b", steps),
        drops=(190 / 230, 210 / 230),
        choice=Choice(parts=0.0, power=0.0, scale=(0.75, 1.4), shift=10.0, mixing=0.5, stuff=0.3),
        fewest=1,
        round_weights=(1.0, 2.0, 3.0),
        shares=(1.0, 1.0, 0.0),
        drop_prev=0.0,
        loss=LossConfig(p2cl=2.0, p2cl_target="error"),
    )
