"""What the notebooks need to show, to check and to report; nothing here is new to the model."""

from dataclasses import replace

from vpucourse import (
    attending,
    calibration,
    clicks,
    curves,
    exercises,
    looking,
    planes,
    prompting,
    robots,
    slices,
    strokes,
)
from vpucourse.checking import Same, checks, same
from vpucourse.exams import examination, examine, games, play, toy_model
from vpucourse.exercises import excess
from vpucourse.pictures import (
    CUP,
    LEAF,
    bars,
    chart,
    explore,
    on_checkers,
    photo,
    show,
    table,
    toy,
)
from vpucourse.report import Clock, folded, logged, means, scores, shapes, stored, versions
from vpuformer.drawing import overlay, palette
from vpuformer.widget import replay as records
from vpuformer.widget.session import Session
