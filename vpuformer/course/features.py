"""The checks of notebooks 04 and 06."""

from typing import Any

from torch.autograd import gradcheck

from vpuformer.course.checking import checks


@checks.add("04.P")
def _attention_or_mlps(answer: str) -> str:
    return "" if answer == "mlps" else "A token costs 4 D² in attention, 8 D² in the MLP."


@checks.add("06.P")
def _right_angle(answer: tuple[float, float]) -> str:
    return "" if tuple(answer) == (0.5, 0.69) else "The cosine is 0, and both cases are -log ρ."


@checks.add("04.B")
@checks.add("06.B")
def _same_function(by_hand: Any, *, package: Any, given: tuple[Any, ...]) -> str:
    ours, wanted = by_hand(*given), package(*given)
    if ours.shape != wanted.shape:
        return f"Expected the shape {tuple(wanted.shape)}, got {tuple(ours.shape)}."
    if (gap := (ours - wanted).abs().max().item()) > 1e-9:
        return f"Off by up to {gap:.3f}."
    return "" if gradcheck(by_hand, given, raise_exception=False) else "Its gradient is off."


@checks.add("04.E")
@checks.add("06.E")
def _beats(yours: Any, *, measure: Any, beat: float) -> str:
    value = measure(yours)
    return "" if value > beat else f"You reach {value:.3f}, to beat: {beat:.3f}."
