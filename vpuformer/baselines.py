"""Classical methods behind the predictor's interface: cv2.grabCut and the random walker."""

from typing import Any

import numpy as np
from PIL import Image

from vpuformer.errors import ConfigError, ImageError, PromptError
from vpuformer.imaging import read
from vpuformer.prompts import Box, Click, Prediction, Prompt, Scribble, check_inside, of_sign

SEED_RADIUS = 5  # pixels of the small picture, around clicks and strokes


class _Classical:
    """One conversation about a small copy of an image; a subclass cuts the copy."""

    def __init__(self, longest: int) -> None:
        if longest < 16:
            raise ConfigError(f"longest is {longest}, expected at least 16 pixels.")
        self.longest = longest
        self._small: np.ndarray | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the answers, for a results file's header."""
        return {"longest": self.longest}

    def set_image(self, image: Any, mask: np.ndarray | None = None) -> None:
        """Begin a conversation about an image.

        Args:
            image: what `imaging.read` takes.
            mask: a mask to start from, bool `[H, W]`.
        """
        pixels = read(image)
        if mask is not None and np.shape(mask) != pixels.shape[:2]:
            raise ImageError(
                f"The start mask is {np.shape(mask)}, the image {pixels.shape[:2]}. Give one size."
            )
        height, width = self._size = pixels.shape[:2]
        scale = min(1.0, self.longest / max(height, width))
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = Image.fromarray(pixels).resize(small, Image.Resampling.BILINEAR)
        self._small = np.ascontiguousarray(picture)
        self._start = None
        if mask is not None:
            grey = Image.fromarray(np.asarray(mask, dtype=np.uint8) * 255)
            self._start = np.asarray(grey.resize(small, Image.Resampling.BILINEAR)) > 127
        self.reset()

    def reset(self) -> None:
        """Forget all prompts, keep the image."""
        self._prompts: tuple[Prompt, ...] = ()

    def add(self, *prompts: Prompt) -> Prediction:
        """One round: the mask that all prompts so far and the start mask give."""
        if self._small is None:
            raise PromptError("No image yet. Call set_image(image) before add(...).")
        if not prompts:
            raise PromptError("add() got no prompt. Give at least one Click, Box or Scribble.")
        for prompt in prompts:
            check_inside(prompt, self._size)
        size = self._small.shape[:2]
        scaled = tuple(p.rescaled(self._size, size) for p in prompts)
        prob = self._cut(self._small, self._prompts + scaled, self._start)
        self._prompts += scaled
        large = Image.fromarray(prob.astype(np.float32)).resize(
            self._size[::-1], Image.Resampling.BILINEAR
        )
        return Prediction(np.clip(np.asarray(large), 0, 1))

    def _cut(
        self, image: np.ndarray, prompts: tuple[Prompt, ...], start: np.ndarray | None
    ) -> np.ndarray:
        raise NotImplementedError


class GrabCut(_Classical):
    """cv2.grabCut: colours of both sides as Gaussian mixtures, then a graph cut.

    Rother, Kolmogorov, Blake, GrabCut, SIGGRAPH 2004. Clicks and strokes are seeds; inside a
    positive box is probably the object, inside a negative one probably not; a first click opens
    a circle of a quarter of the picture's short side as probable object. Each round begins anew
    with all prompts, which gives better masks than going on from the last one.

    Args:
        longest: the picture is shrunk to this longest side.
        iterations: of cutting and refitting, each round.
    """

    def __init__(self, longest: int = 400, iterations: int = 3) -> None:
        super().__init__(longest)
        self.iterations = iterations

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the answers, for a results file's header."""
        return {"longest": self.longest, "iterations": self.iterations}

    def _cut(
        self, image: np.ndarray, prompts: tuple[Prompt, ...], start: np.ndarray | None
    ) -> np.ndarray:
        import cv2

        size = image.shape[:2]
        probably = np.zeros(size, bool) if start is None else start.copy()
        first = prompts[0] if prompts else None
        if start is None and isinstance(first, Click) and first.positive:
            probably |= _disc(size, (first.x, first.y), min(size) / 4)
        for box in (p for p in prompts if isinstance(p, Box)):
            probably[_inside(size, box)] = box.positive
        labels = np.where(probably, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        labels[_seeds(size, of_sign(prompts, False))] = cv2.GC_BGD
        labels[_seeds(size, of_sign(prompts, True))] = cv2.GC_FGD
        is_object = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
        if is_object.all() or not is_object.any():
            return is_object.astype(np.float32)
        cv2.setRNGSeed(0)
        models = np.zeros((2, 1, 65))
        cv2.grabCut(
            np.ascontiguousarray(image[..., ::-1]),
            labels,
            None,  # pyright: ignore[reportArgumentType, reportCallIssue]
            models[0],
            models[1],
            self.iterations,
            cv2.GC_INIT_WITH_MASK,
        )
        return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


class RandomWalker(_Classical):
    """Random walker: the chance that a walk from a pixel meets an object seed first.

    Grady, Random walks for image segmentation, TPAMI 2006, by scikit-image. The picture's border
    is background as long as there is no other negative seed; a positive box sets everything
    outside itself to background and its middle to object, a negative one its middle.

    Args:
        longest: the picture is shrunk to this longest side.
        beta: how strongly an edge stops the walk.
    """

    def __init__(self, longest: int = 200, beta: float = 130.0) -> None:
        super().__init__(longest)
        self.beta = beta

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the answers, for a results file's header."""
        return {"longest": self.longest, "beta": self.beta}

    def _cut(
        self, image: np.ndarray, prompts: tuple[Prompt, ...], start: np.ndarray | None
    ) -> np.ndarray:
        try:
            from skimage.segmentation import random_walker
        except ModuleNotFoundError:
            raise ConfigError(
                "RandomWalker needs scikit-image, which is not installed. "
                "Run: pip install 'vpuformer[notebooks]'"
            ) from None
        size = image.shape[:2]
        positive = _seeds(size, of_sign(prompts, True)) | _middles(size, prompts, True)
        negative = _seeds(size, of_sign(prompts, False)) | _middles(size, prompts, False)
        if prompts and isinstance(prompts[0], Box) and prompts[0].positive:
            negative |= ~_inside(size, prompts[0])
        if start is not None and not positive.any():
            positive = start.copy()
        if not positive.any():
            return np.zeros(size, np.float32)
        if not (negative & ~positive).any():
            negative[[0, -1]] = negative[:, [0, -1]] = True
        seeds = np.where(positive, 1, np.where(negative, 2, 0))
        if (seeds > 0).all() or not (seeds == 2).any():
            return (seeds == 1).astype(np.float32)
        prob = random_walker(
            image, seeds, beta=self.beta, mode="bf", return_full_prob=True, channel_axis=-1
        )
        return prob[0].astype(np.float32)


def _disc(size: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    """Pixels within `radius` of a point (x, y), bool `[H, W]`."""
    y, x = np.ogrid[: size[0], : size[1]]
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2


def _seeds(size: tuple[int, int], prompts: list[Prompt]) -> np.ndarray:
    """Pixels near clicks and strokes, bool `[H, W]`."""
    import cv2

    seeds = np.zeros(size, np.uint8)
    for prompt in prompts:
        if isinstance(prompt, Click):
            seeds |= _disc(size, (prompt.x, prompt.y), SEED_RADIUS)
        if isinstance(prompt, Scribble):
            points = np.floor(np.array(prompt.points) + 0.5).astype(np.int32)
            cv2.polylines(seeds, [points], False, 1, 2 * SEED_RADIUS + 1)
    return seeds > 0


def _inside(size: tuple[int, int], box: Box) -> np.ndarray:
    """Pixels whose centre lies in a box, bool `[H, W]`."""
    y, x = np.ogrid[: size[0], : size[1]]
    return (abs(x - box.cx) <= box.w / 2) & (abs(y - box.cy) <= box.h / 2)


def _middles(size: tuple[int, int], prompts: tuple[Prompt, ...], positive: bool) -> np.ndarray:
    """The middle fifth of each box of a sign, bool `[H, W]`."""
    middles = np.zeros(size, bool)
    for box in of_sign(prompts, positive):
        if isinstance(box, Box):
            middles |= _inside(size, Box(box.cx, box.cy, max(box.w / 5, 1), max(box.h / 5, 1)))
    return middles
