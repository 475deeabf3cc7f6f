"""Where the network looks: the whole photo at first, then crops around what was found or said."""

from dataclasses import replace
from math import hypot, inf

import numpy as np

from vpuformer.config import ZoomConfig
from vpuformer.conversation import Past, Round, said
from vpuformer.imaging import Crop, Frame, Span, box_iou, covers, tight_box, zoom_crop
from vpuformer.prompts import Click, Prompt, Size, of_sign
from vpuformer.zoom import ritm_frame

SPANS = 0.95  # of both sides: a first mask that wide is looked at again, nearer
SHARES = (1 / 2, 1 / 4, 1 / 8)  # of the photo around a first click
APART = 8.0  # and so many times as far as a second click is from it,
LEAST = 24.0  # never fewer pixels than these


def next_frame(rounds: Past, prompts: tuple[Prompt, ...], whole: Frame, zoom: ZoomConfig) -> Frame:
    """The whole photo at first, then a crop around the mask and the positive prompts."""
    last = rounds[-1] if rounds else None
    if zoom.mode == "ritm":
        mask = last.frame.spread(last.logits, 0.5) if last else np.zeros(whole.size, bool)
        every, frame = [*said(rounds), *prompts], last.frame if last else None
        return ritm_frame(frame, mask, every, whole.side, zoom)
    mask = last.frame.bounds_of(last.logits > 0) if last else None
    if last is None or mask is None or zoom.mode == "none":
        return whole
    pointed = [*of_sign(said(rounds), True), *prompts]
    spans = [_clipped(s, whole.size) for s in (mask, *(p.bounds for p in pointed))]
    crop, kept = zoom_crop(spans, whole.size, zoom), last.frame.crop
    if crop and kept and covers(kept, spans):
        crop = kept if box_iou(kept, crop) >= zoom.renew_below else crop
    return replace(whole, crop=crop)


def _clipped(span: Span, size: Size) -> Span:
    """The part of a span that lies in the image: a crop can hold no more."""
    right, bottom = size[1] - 0.5, size[0] - 0.5
    return max(span[0], -0.5), max(span[1], -0.5), min(span[2], right), min(span[3], bottom)


def nearer(turn: Round, zoom: ZoomConfig) -> list[Crop]:
    """Half and a quarter of the photo around positive prompts, if a first mask spans all of it.

    Few objects reach from side to side both ways; mostly such a mask is the ground of one.
    """
    box = tight_box(turn.logits > 0)
    is_wide = box is not None and min(np.subtract(box[2:], box[:2])) > SPANS * turn.frame.side
    crops = (_around(turn, share * max(turn.frame.size), zoom) for share in SHARES[:2])
    return [*dict.fromkeys(filter(None, crops))] if is_wide and of_sign(turn.prompts, True) else []


def anew(rounds: Past, prompts: tuple[Prompt, ...], zoom: ZoomConfig) -> list[Crop | None]:
    """Where to look anew when a second click corrects what a first one gave: around the first.

    None is the whole photo. Without the second prompt: what is known of these before it.
    """
    clicks = [p for p in (*said(rounds), *prompts) if isinstance(p, Click)]
    is_pair = [len(turn.prompts) for turn in rounds] == [1] and len(clicks) == 1 + len(prompts) < 3
    if zoom.mode != "frame" or not is_pair or not clicks[0].positive:
        return []
    (turn,), (first, *others) = rounds, clicks
    sides = [share * max(turn.frame.size) for share in SHARES]
    for click in others:
        there = [p.pixel for p in turn.frame.prompts([click]) if isinstance(p, Click)]
        if any(turn.logits[y, x] > 0 for x, y in there) is click.positive:
            return []
        sides.append(APART * hypot(click.x - first.x, click.y - first.y))
    return [*dict.fromkeys(_around(turn, max(side, LEAST), zoom) for side in sides)]


def _around(turn: Round, side: float, zoom: ZoomConfig) -> Crop | None:
    """A crop around a round's positive prompts, so many pixels long; None: all of the photo."""
    spans = [p.bounds for p in of_sign(turn.prompts, True)]
    return zoom_crop(spans, turn.frame.size, replace(zoom, min_side=side, margin=inf))
