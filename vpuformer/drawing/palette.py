"""All colours, once.

Blue and vermillion stay apart under every simulated colour blindness (smallest ΔE2000 49.6; the
red and green of the field fall to 19.4). Colour never stands alone: shape or dash doubles it.
"""

from typing import Any

POSITIVE = "#0072B2"  # disc with +
NEGATIVE = "#D55E00"  # square with ×
MASK = "#F0E442"
MASK_ALPHA = 0.45
OUTLINE = "#1A1A1A"
MISSED = POSITIVE  # hatch ///
EXCESS = NEGATIVE  # hatch \\\
PAPER = "#FFFFFF"
INK = "#1A1A1A"
GREY = "#767676"
RULE = "#D9D9D9"
CHECKERS = ("#FFFFFF", "#D0D0D0")  # what shows through a cut-out

CURVES = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9")
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (10, 3)))
MARKERS = ("o", "s", "^", "D", "v")
MAP = "cividis"

# The four parts of Fig. 3, the same in every notebook.
PARTS = {"encoder": "#56B4E9", "pue": "#E69F00", "dma": "#009E73", "decoder": "#CC79A7"}


def curve(index: int) -> tuple[str, Any, str]:
    """Colour, dash and marker of a curve, by its place among the others."""
    k = index % len(CURVES)
    return CURVES[k], DASHES[k], MARKERS[k]


def rgb(colour: str) -> tuple[int, int, int]:
    """A palette colour as (red, green, blue), 0-255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def tint(colour: str, strength: float) -> str:
    """A palette colour laid over white paper at `strength` 0..1."""
    return "#" + "".join(f"{round(255 + (c - 255) * strength):02X}" for c in rgb(colour))


def of_sign(positive: bool) -> str:
    """The colour of a prompt's sign."""
    return POSITIVE if positive else NEGATIVE
