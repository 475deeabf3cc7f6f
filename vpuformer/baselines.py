"""Classical methods behind the predictor's interface: cv2.grabCut and the random walker."""

from typing import Any

import numpy as np
from PIL import Image

from vpuformer.conversation import begun
from vpuformer.errors import ConfigError, PromptError
from vpuformer.imaging import read
from vpuformer.prompts import Box, Click, Prediction, Prompt, Scribble, check_round, of_sign

SEED_RADIUS = 5  # pixels of the small picture, around clicks and strokes


class _Classical:
    """One conversation about a small copy of an image; a subclass cuts the copy."""

    def __init__(self, longest: int) -> None:
        if longest < 16:
            raise ConfigError(f"longest is {longest}, expected at least 16 pixels.")
        self.longest = longest
        self._small: np.ndarray | None = None  # what has no underscore decides the answers

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the answers, for a results file's header: how the method was made."""
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    def set_image(self, image: Any, mask: np.ndarray | None = None) -> None:
        """Begin a conversation about an image.

        Args:
            image: what `imaging.read` takes.
            mask: a mask to start from, bool `[H, W]`.
        """
        pixels = read(image)
        start = begun(mask, pixels.shape[:2])
        height, width = self._size = pixels.shape[:2]
        scale = min(1.0, self.longest / max(height, width))
        small = (max(1, round(height * scale)), max(1, round(width * scale)))
        self._small = _resized(pixels, small)
        self._start = None if start is None else _resized(np.uint8(255) * (start > 0), small) > 127
        self.reset()

    def reset(self) -> None:
        """Forget all prompts, keep the image."""
        self._prompts: tuple[Prompt, ...] = ()

    def add(self, *prompts: Prompt) -> Prediction:
        """One round: the mask that all prompts so far and the start mask give."""
        if self._small is None:
            raise PromptError("No image yet. Call set_image(image) before add(...).")
        check_round(prompts, self._size)
        scaled = tuple(p.rescaled(self._size, self._small.shape[:2]) for p in prompts)
        prob = self._cut(self._small, self._prompts + scaled)
        self._prompts += scaled
        return Prediction(np.clip(_resized(prob.astype(np.float32), self._size), 0, 1))

    def _cut(self, image: np.ndarray, prompts: tuple[Prompt, ...]) -> np.ndarray:
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

    def _cut(self, image: np.ndarray, prompts: tuple[Prompt, ...]) -> np.ndarray:
        import cv2

        size, first = image.shape[:2], prompts[0]
        probably = np.zeros(size, bool) if self._start is None else self._start.copy()
        if self._start is None and isinstance(first, Click) and first.positive:
            probably |= _disc(size, first, min(size) / 4)
        for box in (p for p in prompts if isinstance(p, Box)):
            probably[_inside(size, box)] = box.positive
        labels = np.where(probably, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        labels[_seeds(size, of_sign(prompts, False))] = cv2.GC_BGD
        labels[_seeds(size, of_sign(prompts, True))] = cv2.GC_FGD
        if 0 < (labels & 1).mean() < 1:  # GC_FGD and GC_PR_FGD are the odd ones
            cv2.setRNGSeed(0)
            bgr, models = np.ascontiguousarray(image[..., ::-1]), np.zeros((2, 1, 65))
            rest = (None, *models, self.iterations, cv2.GC_INIT_WITH_MASK)
            cv2.grabCut(bgr, labels, *rest)  # pyright: ignore[reportArgumentType, reportCallIssue]
        return labels & 1


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

    def _cut(self, image: np.ndarray, prompts: tuple[Prompt, ...]) -> np.ndarray:
        try:
            from skimage.segmentation import random_walker
        except ModuleNotFoundError:
            raise ConfigError("No scikit-image: pip install 'vpuformer[notebooks]'") from None
        size, first = image.shape[:2], prompts[0]
        positive, negative = (_marked(size, of_sign(prompts, sign)) for sign in (True, False))
        if isinstance(first, Box) and first.positive:
            negative |= ~_inside(size, first)
        if self._start is not None and not positive.any():
            positive = self._start
        if not positive.any():
            return positive
        if not (negative & ~positive).any():
            negative[[0, -1]] = negative[:, [0, -1]] = True
        seeds = np.where(positive, 1, np.where(negative, 2, 0))
        if (seeds > 0).all() or not (seeds == 2).any():
            return seeds == 1
        return random_walker(
            image, seeds, beta=self.beta, mode="bf", return_full_prob=True, channel_axis=-1
        )[0]


def _resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pixels brought to (H, W)."""
    small = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(small)


def _disc(size: tuple[int, int], centre: Click, radius: float) -> np.ndarray:
    """Pixels within `radius` of a click, bool `[H, W]`."""
    y, x = np.ogrid[: size[0], : size[1]]
    return (x - centre.x) ** 2 + (y - centre.y) ** 2 <= radius**2


def _seeds(size: tuple[int, int], prompts: list[Prompt]) -> np.ndarray:
    """Pixels near clicks and strokes, bool `[H, W]`."""
    import cv2

    seeds = np.zeros(size, np.uint8)
    for prompt in prompts:
        if isinstance(prompt, Click):
            seeds |= _disc(size, prompt, SEED_RADIUS)
        if isinstance(prompt, Scribble):
            points = np.floor(np.array(prompt.points) + 0.5).astype(np.int32)
            cv2.polylines(seeds, [points], False, 1, 2 * SEED_RADIUS + 1)
    return seeds > 0


def _inside(size: tuple[int, int], box: Box) -> np.ndarray:
    """Pixels whose centre lies in a box, bool `[H, W]`."""
    y, x = np.ogrid[: size[0], : size[1]]
    return (abs(x - box.cx) <= box.w / 2) & (abs(y - box.cy) <= box.h / 2)


def _marked(size: tuple[int, int], prompts: list[Prompt]) -> np.ndarray:
    """Pixels near clicks and strokes, and the middle fifth of each box, bool `[H, W]`."""
    marked = _seeds(size, prompts)
    for box in (p for p in prompts if isinstance(p, Box)):
        marked |= _inside(size, Box(box.cx, box.cy, max(box.w / 5, 1), max(box.h / 5, 1)))
    return marked
