"""What notebook 06 draws: prompts among their pixels, a loss over steps and lambda, its slider."""

import pytest
import torch

pytest.importorskip("matplotlib")
pytest.importorskip("skimage")
pytest.importorskip("IPython")

import vpucourse as course
from vpucourse import planes
from vpuformer.model import build, preset
from vpuformer.prompts import Click
from vpuformer.pue import PromptBatch


def test_rho_between_prompts_is_one_with_itself():
    model = build(preset("tiny")).eval()
    batch = PromptBatch.of([[Click(9, 9), Click(40, 30, positive=False)]])
    image = torch.rand(1, 3, 64, 96)
    ask = lambda net: net.decode(net.encode_image(image), batch, details=True)  # noqa: E731
    found = planes.between_prompts(model, ask)
    assert found.shape == (1, 2, 2) and not model.alignment.prompt._forward_hooks
    assert torch.allclose(found[0].diagonal(), torch.ones(2), atol=1e-6)
    assert found[0, 0, 1] == found[0, 1, 0] < 0.999


def test_stars_lie_at_one_on_their_own_axis():
    rho = torch.tensor([[[0.9, 0.1, 0.2]], [[0.1, 0.8, 0.7]]])  # N h w
    figure = planes.plane({"a": (rho, torch.tensor(0.25))}, torch.tensor([[True, False, False]]))
    crosses, discs, plus, minus = (c.get_offsets().tolist() for c in figure.axes[0].collections)
    assert len(crosses) == 2 and discs[0] == pytest.approx([0.9, 0.1])
    assert plus == [[1, 0.25]] and minus == [[0.25, 1]]


def test_a_surface_has_a_tick_for_each_run():
    figure = planes.surface({2.0: [1, 0.5, 0.2], 0.0: [1, 1, 1]}, "finding", "loss")
    ax, bar = figure.axes
    assert ax.get_yticks().tolist() == [0, 2] and bar.get_ylabel() == "loss"


def test_a_long_tuple_is_a_slider_over_its_values(monkeypatch):
    import ipywidgets

    made = {}
    monkeypatch.setattr(ipywidgets, "interactive", lambda draw, **controls: made.update(controls))
    course.explore(lambda lam=2.0, side=8: None, "alt", lam=(0.0, 0.5, 2.0, 5.0), side=(4, 9))
    assert made["lam"].options == (0.0, 0.5, 2.0, 5.0) and made["lam"].value == 2.0
    assert made["side"] == (4, 9)
