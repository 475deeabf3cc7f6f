"""What the model says about an object of a session: one object in, the same with its answer out."""

import hashlib
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image

from vpuformer.conversation import nth
from vpuformer.errors import DataError
from vpuformer.imaging import Frame
from vpuformer.model import VPUFormer
from vpuformer.predictor import Predictor, load_once
from vpuformer.prompts import Prompt, prompt_from_json
from vpuformer.pue import PromptBatch, encode_batch
from vpuformer.weights import Precision, weights_hash
from vpuformer.widget.things import MOST, Thing

SCHEMA = 1  # of a session's file
KEPT = 16  # rounds of an object whose logits stay in memory; removal plays earlier ones again


class Answers:
    """A model that looks at one image and remembers nothing but its last answer.

    Args:
        image: uint8 `[H, W, 3]`.
        model: a VPUFormer; the shipped weights by default.
        precision: "auto" takes bfloat16 where the processor is fast at it.
    """

    def __init__(self, image: np.ndarray, model: VPUFormer | None, precision: Precision) -> None:
        self.image, self.model = image, model or load_once("lite0")
        self.predictor = Predictor(self.model, precision=precision)
        if self.predictor.precision == "bfloat16":
            self.predictor.step = 8  # each new number of slots costs 9 ms and 8 MB for good
        self.predictor.set_image(image)
        self._last: tuple[Thing, Any, Thing] | None = None

    def said(self, thing: Thing, prompts: tuple[Prompt, ...]) -> Thing:
        """The thing after one more round; the same question again costs nothing."""
        if self._last is None or self._last[:2] != (thing, prompts):
            self.predictor.resume(thing.rounds, thing.start)
            self.predictor.add(*prompts)
            self._last = thing, prompts, self._now(thing)
        return self._last[2]

    def prepare(self, thing: Thing) -> None:
        """Encode ahead for the thing's next prompt."""
        self.predictor.resume(thing.rounds, thing.start)
        self.predictor.prepare()

    def without(self, thing: Thing, index: int) -> Thing:
        """The thing without one of its prompts; the rounds from its own on are played again."""
        self.predictor.resume(thing.rounds, thing.start)
        self.predictor.remove(index)
        strokes = tuple(replace(s, after=s.after - int(index < s.after)) for s in thing.strokes)
        return self._now(replace(thing, strokes=strokes))

    def restored(self, record: dict[str, Any]) -> Thing:
        """The thing that a `Thing.to_json` dict describes, its rounds played again."""
        thing = Thing.from_json(record, self.predictor.size)
        self.predictor.resume((), thing.start)
        for turn in record["rounds"]:
            self.predictor.add(*map(prompt_from_json, turn))
        return self._now(thing)

    def _now(self, thing: Thing) -> Thing:
        rounds, gone = self.predictor.rounds, np.empty((0, 0), np.float32)
        old = (replace(turn, logits=gone) for turn in rounds[:-KEPT])
        return replace(thing, rounds=(*old, *rounds[-KEPT:]))

    def vectors(self, thing: Thing, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The vector of a prompt of the thing on the whole image: q_h `[L]`, q_v `[L]`, q_b."""
        config, length = self.model.config, self.model.config.pue.length
        frame, prompt = Frame(self.predictor.size, config.size), nth(thing.rounds, index)
        picture = torch.from_numpy(np.array(frame.picture(self.image))).permute(2, 0, 1)
        batch, size = PromptBatch.of([frame.prompts([prompt])]), (config.size, config.size)
        q = encode_batch(batch, size, config.pue, picture[None].float() / 255)[0, 0].numpy()
        return q[:length], q[length : 2 * length], q[2 * length :]

    def rho(self, thing: Thing, index: int) -> np.ndarray:
        """How alike each pixel is to a prompt of the thing, float32 `[H, W]` in 0..1."""
        self.predictor.resume(thing.rounds, thing.start)
        rho, (height, width) = self.predictor.similarity(index), self.predictor.size
        return np.asarray(Image.fromarray(rho).resize((width, height), Image.Resampling.BILINEAR))

    @cached_property
    def identity(self) -> dict[str, Any]:
        """The file's schema and what decides the answers: hashes, precision, threads."""
        size = list(self.predictor.size)
        image = hashlib.sha256(f"{size}".encode() + self.image.tobytes()).hexdigest()
        weights = self.model.weights_hash or weights_hash(self.model.state_dict())
        machine = {"precision": self.predictor.precision, "threads": torch.get_num_threads()}
        return {"schema": SCHEMA, "image": image, "size": size, "weights": weights, **machine}

    def check(self, data: dict[str, Any], any_weights: bool) -> None:
        """Raise DataError for a dict about another image, other weights, or a number twice."""
        own = self.identity
        if data["schema"] != SCHEMA:
            raise DataError(f"The session has schema {data['schema']}, expected {SCHEMA}.")
        if data["image"] != own["image"]:
            of, key = ("size", "size") if data["size"] != own["size"] else ("pixels' hash", "image")
            raise DataError(
                f"The session is about another image ({of} {data[key]!s:.16}, this one "
                f"{own[key]!s:.16}). Open the image it was made with."
            )
        if not len({int(o["number"]) for o in data["objects"]}) == len(data["objects"]) <= MOST:
            raise DataError(f"Each object needs its own number; there may be {MOST}. Mend them.")
        if data["weights"] != own["weights"] and not any_weights:
            raise DataError(
                f"The session was made with weights {data['weights'][:12]}, these are "
                f"{own['weights'][:12]}. Load those, or say any_weights=True for other masks."
            )
