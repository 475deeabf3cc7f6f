"""What the notebooks need to show, to check and to report; nothing here is new to the model."""

from vpuformer.course import attending, clicks, exercises, robots, strokes
from vpuformer.course.checking import Same, checks, same
from vpuformer.course.pictures import CUP, LEAF, explore, photo, show, toy
from vpuformer.course.report import Clock, scores, shapes, versions
