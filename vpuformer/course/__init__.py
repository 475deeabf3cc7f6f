"""What the notebooks need to show, to check and to report; nothing here is new to the model."""

from vpuformer.course import attending, clicks, features, outcomes, robots, start, strokes
from vpuformer.course.checking import Same, checks, same
from vpuformer.course.pictures import CUP, LEAF, explore, photo, show, toy
from vpuformer.course.report import Clock, scores, shapes, versions

__all__ = [
    "CUP",
    "LEAF",
    "Clock",
    "Same",
    "attending",
    "checks",
    "clicks",
    "explore",
    "features",
    "outcomes",
    "photo",
    "robots",
    "same",
    "scores",
    "shapes",
    "show",
    "start",
    "strokes",
    "toy",
    "versions",
]
