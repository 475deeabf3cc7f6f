"""What the notebooks need to show, to check and to report; nothing here is new to the model."""

import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from vpuformer.drawing.curves import encoded
from vpuformer.errors import ConfigError
from vpuformer.metrics import iou
from vpuformer.model import VPUFormer
from vpuformer.predictor import Predictor
from vpuformer.prompts import Prompt
from vpuformer.pue import PromptBatch

# Drawn by hand around the cup of scikit-image's photo "coffee" (CC0), pixel centres, at 5 times
# its size: rim, body, handle and foot; the spoon is not the cup. x,y of each vertex.
CUP = """
    172,112 172.3,103 173.5,95.5 175.7,87.5 180,75.5 185.5,65.5 194.5,54.5 200.1,48.5
    209.5,40.9 220.1,33.9 230.1,28.9 240,24.7 250.1,21.3 262.5,18.7 274.5,17.5 284.5,17.1
    296.5,18.1 308.5,19.5 320.5,21.9 332.5,25.3 343.5,29.5 354.5,34.9 364.5,40.7 374.5,48.5
    384.5,58.1 392.5,67.5 398.5,77.9 403.5,89.5 406.9,101.5 408.3,113.5 408.5,130 407.3,140
    405.6,150 403.3,160 400.5,170 397,180 392.8,189 390,196 384.5,203.3 381.4,208.3
    378.3,212.6 374.5,218.3 370,222.6 365.8,226 358,233.5 352,241 346,247.5 337,254.5
    331,260.5 327.5,266 323,270 317,274.5 309.5,279 302,282 294.5,284.2 284.5,285.4
    274.5,285.3 264.5,283.4 257.5,281.5 255.8,277 250.8,284.5 245.1,291 239.5,296
    234.5,299.5 230.8,302.6 227,306.4 223.9,308.6 219.5,308.3 213.3,306.4 207,303.3
    201.4,298.9 197.6,293.3 195.8,287.6 195.4,280.8 196.4,273.3 198.3,267 201.4,260.8
    205.1,253.9 209.5,247 213.9,241.4 217,235.2 210.8,230.3 204.5,225.2 199.3,220 195,214.5
    191.4,210 186.2,200 182.6,191 179.1,181 176,170 174.3,160 173,148 172.3,135 171.8,122
"""


def photo(name: str = "coffee") -> tuple[np.ndarray, np.ndarray]:
    """A public-domain photo that comes with scikit-image, and its reference mask.

    Returns:
        The image uint8 `[H, W, 3]` and the object bool `[H, W]`.
    """
    if name != "coffee":
        raise ConfigError(f'No reference for the photo {name!r}. Expected "coffee".')
    from skimage import data

    image = data.coffee()
    canvas = Image.new("1", (image.shape[1], image.shape[0]))
    corners = [float(number) for number in CUP.replace(",", " ").split()]
    ImageDraw.Draw(canvas).polygon(corners, fill=1)
    return image, np.asarray(canvas, bool)


def show(figure: Any, alt: str) -> None:
    """Display a figure as a small picture, and under it in words what it shows."""
    from IPython.display import Markdown, display

    kind, picture = encoded(figure)
    display({kind: picture, "text/plain": alt}, raw=True, metadata={kind: {"alt": alt}})
    display(Markdown(f"*{alt}*"))


@dataclass(frozen=True, slots=True)
class Same:
    """How well two results agree."""

    exact: bool
    close: bool
    difference: float

    def __repr__(self) -> str:
        words = {True: "yes", False: "no"}
        return (
            f"exact {words[self.exact]} | close {words[self.close]} | "
            f"largest difference {self.difference:.2g}"
        )


def same(ours: Any, package: Any, *, tolerance: float = 1e-6) -> Same:
    """Whether what we wrote by hand equals what the package says; raises when it is not close.

    Args:
        ours: a number, array or tensor.
        package: the same from the package.
        tolerance: largest absolute difference that counts as close.
    """
    a, b = (
        np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
        for value in (ours, package)
    )
    assert a.shape == b.shape, f"Ours has the shape {a.shape}, the package's is {b.shape}."
    difference = float(np.abs(a.astype(float) - b.astype(float)).max(initial=0.0))
    result = Same(bool((a == b).all()), difference <= tolerance, difference)
    assert result.close, f"Not the same: {result}"
    return result


class _Checks:
    """The exercises that check themselves, by number."""

    def __init__(self) -> None:
        self._known: dict[str, Callable[..., str]] = {}

    def add(self, name: str) -> Callable[[Callable[..., str]], Callable[..., str]]:
        def keep(check: Callable[..., str]) -> Callable[..., str]:
            self._known[name] = check
            return check

        return keep

    def ex(self, name: str, answer: Any, **given: Any) -> str:
        """One line on an answer: not done yet, right, or which property breaks. Never raises.

        Args:
            name: the exercise, such as "00.B".
            answer: a value, or the function to be written; None or a function that raises
                NotImplementedError is not done yet.
            given: what the check needs to judge it, as the notebook's cell says.
        """
        if name not in self._known:
            return f"{name}: no such exercise. There are {', '.join(sorted(self._known))}."
        if answer is None:
            return f"{name}: not done yet."
        try:
            problem = self._known[name](answer, **given)
        except NotImplementedError:
            return f"{name}: not done yet."
        except Exception as error:  # noqa: BLE001 - a reader's code may raise anything
            return f"{name}: your code raised {type(error).__name__}: {error}"
        return f"{name}: not yet. {problem}" if problem else f"{name}: right."


checks = _Checks()


@checks.add("00.P")
def _edge_or_centre(answer: str, *, scores: dict[str, float]) -> str:
    if answer not in scores:
        return f"Answer one of {', '.join(scores)}, got {answer!r}."
    best = max(scores, key=lambda name: scores[name])
    rows = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
    return "" if answer == best else f"The IoUs are {rows}."


@checks.add("00.B")
def _three_prompts(
    session: Callable[[], Sequence[Prompt]],
    *,
    predictor: Predictor,
    truth: np.ndarray,
    most: int = 3,
    goal: float = 0.85,
) -> str:
    prompts = list(session())
    if not 1 <= len(prompts) <= most:
        return f"Give one to {most} prompts, got {len(prompts)}."
    reached = scores(predictor, prompts, truth)[-1]
    return "" if reached >= goal else f"IoU {reached:.3f}, wanted at least {goal}."


@checks.add("00.E")
def _fewest_prompts(
    session: Callable[[], Sequence[Prompt]], *, predictor: Predictor, truth: np.ndarray
) -> str:
    return _three_prompts(session, predictor=predictor, truth=truth, most=4, goal=0.90)


def scores(predictor: Predictor, prompts: Iterable[Prompt], truth: np.ndarray) -> list[float]:
    """IoU with the reference after each prompt, one a round, from a fresh start."""
    predictor.reset()
    found = []
    for prompt in prompts:
        answer = predictor.add(prompt)
        assert answer is not None
        found.append(float(iou(truth, answer.mask)))
    return found


def shapes(
    model: VPUFormer, image: np.ndarray, prompts: Sequence[Prompt]
) -> dict[str, tuple[int, ...]]:
    """The size of every tensor on the way from a photo and prompts to logits, by running it.

    Keys: "image", "x4", "x8", "x16", "vectors" (N, P), "tokens" (N, D), "places" (L,), "logits".
    """
    side = (model.config.size, model.config.size)
    small = Image.fromarray(image).resize(side, Image.Resampling.BILINEAR)
    frame = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].float() / 255
    batch = PromptBatch.of([[p.rescaled(image.shape[:2], side) for p in prompts]])
    seen: dict[str, tuple[int, ...]] = {"image": tuple(frame.shape[1:])}
    embedding = model.prompt_embedding

    def note(_: Any, given: tuple[torch.Tensor, ...], tokens: torch.Tensor) -> None:
        seen["vectors"], seen["tokens"] = tuple(given[0].shape[1:]), tuple(tokens.shape[1:])

    handle = embedding.register_forward_hook(note)
    device = next(model.parameters()).device
    with torch.inference_mode():
        features = model.encode_image(frame.to(device))
        logits = model.decode(features, batch.to(device)).logits
    handle.remove()
    maps = {name: getattr(features, name) for name in ("x4", "x8", "x16")}
    seen |= {name: tuple(value.shape[1:]) for name, value in maps.items() if value is not None}
    seen["places"] = (features.x16[0, 0].numel(),)
    return seen | {"logits": tuple(logits.shape[1:])}


@dataclass(slots=True)
class Clock:
    """Wall time of a notebook's sections: call it with a name where a section ends."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def __call__(self, section: str) -> None:
        now = time.perf_counter()
        self.laps[section] = self.laps.get(section, 0.0) + now - self._last
        self._last = now

    def __repr__(self) -> str:
        rows = [f"{name:<24}{seconds:6.1f} s" for name, seconds in self.laps.items()]
        return "\n".join([*rows, f"{'all':<24}{sum(self.laps.values()):6.1f} s"])


def versions(model: VPUFormer | None = None) -> str:
    """What these results were made with, as lines of text."""
    rows = [("python", platform.python_version())]
    rows += [(name, _version(name)) for name in ("vpuformer", "torch", "numpy", "pillow")]
    rows.append(("threads", str(torch.get_num_threads())))
    if model is not None:
        rows.append(("device", next(model.parameters()).device.type))
        rows.append(("weights", str(getattr(model, "weights_hash", "none"))[:12]))
    return "\n".join(f"{name:<12}{value}" for name, value in rows)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed, used from its folder"
