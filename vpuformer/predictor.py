"""One conversation about one image: prompts in, masks in the image's own coordinates out."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np
import torch

from vpuformer.config import ZoomConfig, check_literal, to_json
from vpuformer.conversation import Past, Round, Rounds, answered, begun, nth, prior, reply, said
from vpuformer.errors import ConfigError, ImageError, PromptError
from vpuformer.hindsight import likeliest
from vpuformer.imaging import Crop, Frame, read
from vpuformer.looking import anew, nearer, next_frame
from vpuformer.model import Decoded, Features, VPUFormer
from vpuformer.prompts import Prediction, Prompt, Size, check_round
from vpuformer.pue import PromptBatch
from vpuformer.weights import Precision, load, pick_precision

MEASURED = 32  # prompts that results were measured with


class Predictor:
    """Answers prompts on an image, each round seeing the last one; a failing call changes nothing.

    Sec. III-A at inference. In late fusion an image is encoded once, and once more for each zoom-in
    crop; other prompts only decode. A mask that asks for another crop is answered again there, a
    first one that spans the image nearer to its prompts (`looking`); a second click is answered
    from several looks (`hindsight`). The head fits itself to clicks that correct (`adaptation`);
    parts no positive prompt reaches are left out. Threads may share a model, not a predictor.

    Args:
        model: a VPUFormer, for example from `load("lite0")`.
        threshold: a pixel belongs to the mask when its probability is above this.
        precision: "auto" takes bfloat16 where the processor is fast at it.
        zoom: whether and how to zoom in after the first mask.
    """

    def __init__(
        self,
        model: VPUFormer,
        threshold: float = 0.5,
        precision: Precision = "auto",
        zoom: ZoomConfig | None = None,
    ) -> None:
        if not 0 < threshold < 1:
            raise ConfigError(f"threshold is {threshold}, expected a number between 0 and 1.")
        if isinstance(model, str):
            raise ConfigError(f"The model is a name, expected a VPUFormer: say load({model!r}).")
        check_literal("precision", precision, Precision)
        self.model, self.threshold = model, threshold
        self.zoom, self.device = zoom or ZoomConfig(), next(model.parameters()).device
        self.precision: Precision = pick_precision(precision, self.device)
        self.step = 1  # slots for prompts come in multiples of it
        self.image: np.ndarray | None = None
        self.seconds = {"encode": 0.0, "decode": 0.0}  # of the last round
        self._forget()

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the answers, for a results file's header."""
        how = {"precision": self.precision, "zoom": to_json(self.zoom), "islands": "left out"}
        how |= {"looks": [4, 6], "head": "obeys"} if self.zoom.mode == "frame" else {"looks": 1}
        return {**how, "side": self.model.config.size}

    def set_image(self, image: Any, mask: np.ndarray | None = None) -> Prediction | None:
        """Begin a conversation about an image: a path, an array, a PIL image.

        Args:
            image: what `imaging.read` takes.
            mask: a mask bool `[H, W]` to start from.
        """
        pixels = read(image)
        start, self.image = begun(mask, pixels.shape[:2]), pixels
        self._forget(start)
        return self._prediction(self._object)

    def _forget(self, start: np.ndarray | None = None) -> None:
        self._features: dict[Crop | None, Features] = {}
        self._objects: dict[int, Rounds] = {0: Rounds(start)}
        self.selected = 0

    @property
    def _object(self) -> Rounds:
        return self._objects[self.selected]

    @property
    def size(self) -> Size:
        """(H, W) of the image."""
        if self.image is None:
            raise ImageError("There is no image yet. Call set_image(...) first.")
        return self.image.shape[0], self.image.shape[1]

    @property
    def rounds(self) -> Past:
        """The selected object's rounds so far."""
        return self._object.rounds

    @property
    def prompts(self) -> list[Prompt]:
        """The selected object's prompts so far, in order."""
        return said(self.rounds)

    def add(self, *prompts: Prompt) -> Prediction:
        """One round: take the prompts, answer with a mask."""
        check_round(prompts, self.size)
        self._object.push((*self.rounds, self._answer(self.rounds, prompts)))
        return self.predict()

    def remove(self, index: int) -> Prediction | None:
        """Take back prompt `index` of `prompts`; the rounds from its own on are played again."""
        nth(self.rounds, index)
        owners = [at for at, turn in enumerate(self.rounds) for _ in turn.prompts]
        at, turns = owners[index], [list(turn.prompts) for turn in self.rounds]
        del turns[at][index - owners.index(at)]
        kept = self.rounds[:at]
        if kept and not kept[-1].logits.size:  # forgotten, to save memory
            kept = ()
        for prompts in map(tuple, turns[len(kept) :]):
            if prompts:
                kept = (*kept, self._answer(kept, prompts))
        self._object.push(kept)
        return self._prediction(self._object)

    def undo(self) -> Prediction | None:
        """Back to before the last action; nothing happens when there is none."""
        self._object.at = max(0, self._object.at - 1)
        return self._prediction(self._object)

    def redo(self) -> Prediction | None:
        """Forward again after `undo`; nothing happens when there is nothing to redo."""
        self._object.at = min(len(self._object.history) - 1, self._object.at + 1)
        return self._prediction(self._object)

    def reset(self) -> Prediction | None:
        """Forget the selected object's prompts, keep the image and a start mask."""
        self._objects[self.selected] = Rounds(self._object.start)
        return self._prediction(self._object)

    def resume(self, rounds: Past, start: np.ndarray | None = None) -> None:
        """Go on from `rounds` and `start` (probability `[H, W]`) as the only object, no undo."""
        self._objects, self.selected = {0: Rounds(start, [rounds])}, 0

    def prepare(self) -> None:
        """Encode now what the next prompt will most likely look at; the answers stay the same."""
        if self.model.config.fusion == "late":
            frame, alone = self._frame(self.rounds, ()), self._object.start is None
            crops = frame.crop, *(anew(self.rounds, (), self.zoom) if alone else ())
            with self._arithmetic():
                for crop in crops:
                    self._encoded(replace(frame, crop=crop))
            self._keep(*crops)

    def similarity(self, index: int) -> np.ndarray:
        """How alike each place is to prompt `index` of `prompts`: rho, float32 `[h, w]` in 0..1.

        At a quarter of the frame that shows the whole image, after the last round.
        """
        nth(self.rounds, index)
        *before, last = self.rounds
        frame = Frame(self.size, self.model.config.size)
        rho = self._decoded(tuple(before), last.prompts, frame, details=True).rho
        assert rho is not None
        return rho[0, index].float().cpu().numpy()

    def predict(self) -> Prediction:
        """The selected object's mask now."""
        if (answer := self._prediction(self._object)) is None:
            raise PromptError("Nothing has been marked yet. Call add(Click(x, y)) first.")
        return answer

    def add_object(self, mask: np.ndarray | None = None) -> int:
        """Begin another object on the same encoding, select it and return its number."""
        start, number = begun(mask, self.size), max(self._objects) + 1
        self._objects[number], self.selected = Rounds(start), number
        return number

    @property
    def objects(self) -> list[int]:
        """The numbers of all objects."""
        return list(self._objects)

    def select(self, number: int) -> Prediction | None:
        """Go on with an object."""
        self._check_object(number)
        self.selected = number
        return self._prediction(self._object)

    def remove_object(self, number: int) -> Prediction | None:
        """Delete an object; the last one left is emptied instead. Go on with what is selected."""
        self._check_object(number)
        left = {k: v for k, v in self._objects.items() if k != number}
        self._objects = left or {0: Rounds()}
        return self.select(self.selected if self.selected in self._objects else max(self._objects))

    def _check_object(self, number: int) -> None:
        if number not in self._objects:
            raise PromptError(f"There is no object {number}. There are {self.objects}.")

    def _prediction(self, thing: Rounds) -> Prediction | None:
        if thing.rounds:
            return answered(thing.rounds, self.threshold)
        return None if thing.start is None else Prediction(thing.start.copy(), self.threshold)

    def _answer(self, rounds: Past, prompts: tuple[Prompt, ...]) -> Round:
        """The next round: an answer; more of them where it asks for another frame, or a click."""
        began, self.seconds["encode"] = perf_counter(), 0.0
        answer = self._look(rounds, prompts, self._frame(rounds, prompts))
        if self.zoom.mode == "frame":
            answer = self._reconsidered(rounds, prompts, answer)
        self.seconds["decode"] = perf_counter() - began - self.seconds["encode"]
        self._keep(answer.frame.crop)
        return answer

    def _reconsidered(self, rounds: Past, prompts: tuple[Prompt, ...], answer: Round) -> Round:
        alone = self._object.start is None  # no mask to begin from
        if alone and not rounds and (crops := nearer(answer, self.zoom)):
            looks = [self._look((), prompts, replace(answer.frame, crop=c)) for c in crops]
            answer = likeliest((), looks, self.threshold)
        seen = (*rounds, answer)
        if (frame := self._frame(seen, ())) != answer.frame:
            answer = replace(answer, frame=frame, logits=self._look(seen, (), frame).logits)
        if alone and (crops := anew(rounds, prompts, self.zoom)):
            others = [self._look(rounds, prompts, replace(frame, crop=c), True) for c in crops]
            answer = likeliest(rounds, [answer, *others], self.threshold)
        return answer

    def _look(
        self, rounds: Past, prompts: tuple[Prompt, ...], frame: Frame, is_anew: bool = False
    ) -> Round:
        heard = ((), (*said(rounds), *prompts)) if is_anew else (rounds, prompts)
        answer = self._decoded(*heard, frame)
        logits, maps = (t[0].float().cpu().numpy() for t in (answer.logits[:, 0], answer.F_v_hat))
        learns = maps if self.zoom.mode == "frame" else None
        return reply(rounds, prompts, self._object.start, frame, logits, learns)

    def _decoded(
        self, rounds: Past, prompts: tuple[Prompt, ...], frame: Frame, **details: bool
    ) -> Decoded:
        every = frame.prompts([*said(rounds), *prompts])
        # past MEASURED one shape to a doubling (64, 128): oneDNN keeps some 8 MB for each
        step = self.step if len(every) <= MEASURED else 1 << (len(every) - 1).bit_length()
        batch = PromptBatch.of([every], self.device, step)
        prev = prior(rounds, self._object.start, frame)
        prev_mask = None if prev is None else torch.tensor(prev, device=self.device)[None, None]
        with self._arithmetic():
            began = perf_counter()
            features = self._encoded(frame, prev_mask, batch)
            self.seconds["encode"] += perf_counter() - began
            return self.model.decode(features, batch, prev_mask, **details)

    @contextmanager
    def _arithmetic(self) -> Generator[None, None, None]:
        """No gradients, in the precision that was asked for."""
        is_rough = self.precision == "bfloat16"
        rough = torch.autocast(self.device.type, torch.bfloat16) if is_rough else nullcontext()
        with torch.inference_mode(), rough:
            yield

    def _encoded(
        self, frame: Frame, prev_mask: torch.Tensor | None = None, batch: PromptBatch | None = None
    ) -> Features:
        early = self.model.config.fusion == "early"
        if not early and frame.crop in self._features:
            return self._features[frame.crop]
        assert self.image is not None
        pixels = torch.from_numpy(np.array(frame.picture(self.image))).to(self.device)
        picture = pixels.permute(2, 0, 1)[None].float() / 255  # its memory is channels_last
        if early:
            return self.model.encode_image(picture, prev_mask, batch)
        self._features[frame.crop] = self.model.encode_image(picture)
        return self._features[frame.crop]

    def _keep(self, *crops: Crop | None) -> None:
        """Forget the features of all but the whole image and these crops."""
        self._features = {k: v for k, v in self._features.items() if k in (None, *crops)}

    def _frame(self, rounds: Past, prompts: tuple[Prompt, ...]) -> Frame:
        return next_frame(rounds, prompts, Frame(self.size, self.model.config.size), self.zoom)


def segment(image: Any, prompts: Iterable[Prompt], model: VPUFormer | None = None) -> Prediction:
    """The mask of one object in one call, all prompts in one round; shipped weights by default."""
    predictor = Predictor(model or load_once("lite0"))
    predictor.set_image(image)
    return predictor.add(*([prompts] if isinstance(prompts, Prompt) else prompts))


load_once = cache(load)
