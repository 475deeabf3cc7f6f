"""Any picture in, frames for the network, masks out. The only place that converts coordinates."""

import io
import logging
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from vpuformer.config import ZoomConfig
from vpuformer.errors import ImageError, written_whole
from vpuformer.prompts import Prompt, Scribble, Size, rescale

log = logging.getLogger("vpuformer.imaging")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
MAX_PIXELS = 120_000_000
WHOLE_ABOVE = 0.8  # a crop that spans more than this of both sides is not worth it
Crop = tuple[int, int, int, int]  # left, top, right, bottom; the last two excluded
Span = tuple[float, float, float, float]  # edges x0, y0, x1, y1


def read(image: Any) -> np.ndarray:
    """A picture as uint8 RGB `[H, W, 3]`, upright.

    Args:
        image: a path, the bytes of a file, a PIL image, or an array `[H, W]`, `[H, W, 1]`,
            `[H, W, 3]` or `[H, W, 4]` of any number type. Transparency is laid on white. uint8
            stays as it is; floats in 0..1 are scaled by 255; any other range (16 bit, say) is
            stretched between its 0.5th and 99.5th percentile, and the log says so.

    Raises:
        ImageError: not a picture, too large, or of a form no picture has.
    """
    if isinstance(image, (str, os.PathLike)):
        path = Path(os.fspath(cast("str", image)))
        if not path.is_file():
            raise ImageError(f"There is no image file {path}. Check the path.")
        return _open(path, str(path))
    if isinstance(image, (bytes, bytearray)):
        return _open(io.BytesIO(bytes(image)), "the file given")
    return _from_pil(image) if isinstance(image, Image.Image) else _from_array(np.asarray(image))


def _open(source: Any, name: str) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            file = Image.open(source, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{name} is too large: {error} Shrink it first.") from None
    except (OSError, SyntaxError, ValueError) as error:
        why = "its format is unknown" if isinstance(error, UnidentifiedImageError) else error
        raise ImageError(f"{name} is no image: {why}. Expected {', '.join(FORMATS[:6])}.") from None
    with file:
        return _from_pil(file)


def _check_pixels(size: tuple[int, ...]) -> None:
    if 0 in size or size[0] * size[1] > MAX_PIXELS:
        raise ImageError(
            f"The image is {size[1]} x {size[0]}, expected at least one pixel and at most "
            f"{MAX_PIXELS:,}. Shrink or tile it."
        )


def _from_pil(image: Image.Image) -> np.ndarray:
    _check_pixels((image.height, image.width))
    try:
        image = ImageOps.exif_transpose(image)
        image.load()
    except Exception as error:
        raise ImageError(f"The picture cannot be read: {error}. Save it anew.") from error
    if image.mode in ("I", "F", "I;16", "I;16B", "I;16L"):
        return _from_array(np.asarray(image))
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def _from_array(array: np.ndarray) -> np.ndarray:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ImageError(f"The image has shape {array.shape}, expected [H, W] or [H, W, 3 or 4].")
    _check_pixels(array.shape)
    if array.dtype == bool:
        array = np.uint8(255) * array
    if array.dtype.kind not in "uif":
        raise ImageError(f"The image array holds {array.dtype}, expected numbers.")
    if array.dtype != np.uint8 and array.ndim == 3 and array.shape[2] == 4:
        array = np.dstack([_stretched(array[..., :3]), _opacity(array[..., 3])])
    elif array.dtype != np.uint8:
        array = _stretched(array)
    return _from_pil(Image.fromarray(array))


def _opacity(alpha: np.ndarray) -> np.ndarray:
    """Alpha as uint8: opaque is 1 in floats, the type's largest value in 16 bit, else 255."""
    top = 1.0
    if alpha.dtype.kind != "f":
        top = 255 if alpha.dtype.itemsize > 2 else np.iinfo(alpha.dtype).max
    unit = np.clip(np.nan_to_num(alpha.astype(np.float64)) / top, 0, 1)
    return np.round(unit * 255).astype(np.uint8)


def _stretched(array: np.ndarray) -> np.ndarray:
    values = np.array(array, np.float64)
    if not np.isfinite(values).all():
        raise ImageError("The image array holds nan or infinite values. Replace them first.")
    if array.dtype.kind == "f" and values.min() >= 0 and values.max() <= 1:
        return np.round(values * 255).astype(np.uint8)
    low, high = np.percentile(values, [0.5, 99.5])
    log.info("%s image stretched from %g..%g to 0..255", array.dtype, low, high)
    scaled = (values - low) / max(high - low, 1e-12)
    return np.asarray(np.round(np.clip(scaled, 0, 1) * 255), np.uint8)


@dataclass(frozen=True, slots=True)
class Frame:
    """The square that the network sees: a crop of an image squashed to `side` x `side` pixels.

    Args:
        size: (H, W) of the image.
        side: pixels of the square.
        crop: which part of the image it shows; the whole image by default.
    """

    size: Size
    side: int
    crop: Crop | None = None

    @property
    def window(self) -> Crop:
        """The part of the image it shows: left, top, right, bottom (excluded)."""
        return self.crop or (0, 0, self.size[1], self.size[0])

    @property
    def window_size(self) -> Size:
        """(H, W) of that part."""
        left, top, right, bottom = self.window
        return bottom - top, right - left

    def picture(self, image: np.ndarray) -> np.ndarray:
        """The image uint8 `[H, W, 3]` in the frame, uint8 `[side, side, 3]`."""
        size, bilinear = (self.side, self.side), Image.Resampling.BILINEAR
        return np.asarray(Image.fromarray(image).resize(size, bilinear, box=self.window))

    def shrink(self, prob: np.ndarray) -> np.ndarray:
        """A map `[H, W]` of the image in the frame, float32 `[side, side]`."""
        return self.picture(np.asarray(prob, np.float32))

    def spread(self, logits: np.ndarray, threshold: float | None = None) -> np.ndarray:
        """Logits `[side, side]` as probabilities on the image, float32 `[H, W]`; 0 outside.

        The logits are resized, not the mask. With a threshold, where the probability is above it
        but for rounding, bool: on a large photo that is much less work.
        """
        left, top, right, bottom = self.window
        whole = np.zeros(self.size, np.float32 if threshold is None else bool)
        level = 0.0 if threshold is None else float(torch.tensor(threshold).logit())
        for part, values in _resized(logits, torch.as_tensor(whole)[top:bottom, left:right]):
            if threshold is None:
                part.copy_(values.sigmoid())
            else:  # three times as fast as torch's comparison
                np.greater(values.numpy(), level, out=part.numpy())
        return whole

    def prompts(self, prompts: list[Prompt]) -> list[Prompt]:
        """Prompts of the image in the frame's pixels; those outside are left out."""
        left, top, right, bottom = self.window
        inside: list[Prompt] = []
        for prompt in prompts:
            x0, y0, x1, y1 = prompt.bounds
            is_in = x1 >= left - 0.5 and y1 >= top - 0.5 and x0 < right - 0.5 and y0 < bottom - 0.5
            if is_in and (not isinstance(prompt, Scribble) or prompt.enters(self.window)):
                moved = prompt.moved(-left, -top)
                inside.append(moved.rescaled(self.window_size, (self.side, self.side)))
        return inside

    def bounds_of(self, mask: np.ndarray) -> Span | None:
        """Edges (x0, y0, x1, y1) in the image of a mask bool `[side, side]`; None when empty."""
        if (box := tight_box(mask)) is None:
            return None
        left, top = self.window[0] - 0.5, self.window[1] - 0.5
        sy, sx = (length / self.side for length in self.window_size)
        return left + box[0] * sx, top + box[1] * sy, left + box[2] * sx, top + box[3] * sy


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits, without overflow."""
    return 1 / (1 + np.exp(-np.clip(logits, -40, 40)))


def _resized(logits: np.ndarray, window: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Parts of a window, from the top down, and the logits resized to them as Pillow does it.

    Bilinear, some rows at a time: what lies between stays in the processor's cache.
    """
    pixels, (height, width) = torch.as_tensor(np.array(logits, np.float32)), window.shape
    lines = len(pixels) if height > 2 * len(pixels) else height
    wide = F.interpolate(pixels[None, None], (lines, width), mode="bilinear", antialias=True)[0, 0]
    if lines == height:
        yield window, wide
        return
    y = rescale(torch.arange(height).double(), height, lines).clamp(0, lines - 1)
    above = y.long().clamp(max=lines - 2)
    ends, shares = above.bincount().cumsum(0)[:-1], (y - above).float()[:, None]
    rows = wide.unbind()
    parts = zip(window.tensor_split(ends), shares.tensor_split(ends), rows, rows[1:], strict=False)
    yield from ((part, torch.lerp(a, b, share)) for part, share, a, b in parts)


def tight_box(mask: np.ndarray) -> Crop | None:
    """The smallest crop that holds a mask bool `[H, W]`; None when it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def parts_of(mask: np.ndarray, connectivity: int = 8) -> np.ndarray:
    """The (8-)connected parts of a mask bool `[H, W]`, numbered from 1, int `[H, W]`."""
    import cv2

    return cv2.connectedComponents(np.asarray(mask, np.uint8), connectivity=connectivity)[1]


def zoom_crop(spans: list[Span], size: Size, zoom: ZoomConfig) -> Crop | None:
    """A crop around all spans (x0, y0, x1, y1), enlarged and clipped; None: the whole image."""
    edges: list[tuple[int, int, float]] = []
    for axis, length in ((0, size[1]), (1, size[0])):
        low, high = min(s[axis] for s in spans), max(s[axis + 2] for s in spans)
        least = min(high - low + zoom.margin, zoom.min_side)
        middle, reach = (low + high) / 2, max((high - low) * zoom.expand, least) / 2
        start = max(0, round(middle - reach + 0.5))
        stop = min(length, round(middle + reach + 0.5))
        edges.append((start, stop, (stop - start) / length))
    (left, right, wide), (top, bottom, tall) = edges
    if min(wide, tall) > WHOLE_ABOVE or right - left < 2 or bottom - top < 2:
        return None
    return left, top, right, bottom


def covers(crop: Crop, spans: list[Span]) -> bool:
    """Whether a crop holds all spans (x0, y0, x1, y1)."""
    left, top, right, bottom = (edge - 0.5 for edge in crop)
    return all(left <= a and top <= b and c <= right and d <= bottom for a, b, c, d in spans)


def box_iou(a: Crop, b: Crop) -> float:
    """Intersection over union of two crops."""
    w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    both = max(w, 0) * max(h, 0)
    return both / (sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)) - both)


def cutout(image: Any, mask: np.ndarray, crop: bool = False) -> np.ndarray:
    """The object alone, uint8 RGBA `[H, W, 4]`, transparent elsewhere; `crop` trims it."""
    pixels, mask = read(image), np.asarray(mask) > 0.5
    if mask.shape != pixels.shape[:2]:
        raise ImageError(f"The mask is {mask.shape}, the image {pixels.shape[:2]}.")
    picture = np.dstack([pixels, mask.astype(np.uint8) * 255])
    left, top, right, bottom = (crop and tight_box(mask)) or (0, 0, *mask.shape[::-1])
    return picture[top:bottom, left:right]


def save_image(path: str | Path, pixels: np.ndarray) -> Path:
    """Write a PNG, whole or not at all (a temporary file beside it, then a rename)."""
    path, picture = Path(path), Image.fromarray(pixels)
    with written_whole(path, ImageError, "Choose another place.") as temporary:
        picture.save(temporary, "PNG")
    return path


def save_mask(path: str | Path, mask: np.ndarray) -> Path:
    """Write a mask as a PNG of 0 and 255, whole or not at all."""
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.dtype.kind not in ("b", "u", "i"):
        raise ImageError(
            f"The mask is {mask.dtype} {mask.shape}, expected bool [H, W]. A probability becomes "
            "one by prob > 0.5."
        )
    return save_image(path, mask.astype(bool).astype(np.uint8) * 255)
