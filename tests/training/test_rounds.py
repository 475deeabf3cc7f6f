"""What a model is shown and told in the rounds of a training step, and what its answers count."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from vpuformer.config import LossConfig, preset
from vpuformer.losses import total_loss
from vpuformer.model import Decoded, VPUFormer
from vpuformer.training.recipes import tiny
from vpuformer.training.rounds import Rounds, round_weights
from vpuformer.training.sampling import uniforms

SIDE, COUNT = 32, 3
RECIPE = replace(tiny(1), drop_prev=0.0, loss=LossConfig(p2cl=0.0))
U = uniforms(0, 0, list(range(COUNT)), RECIPE.rounds + 2, "cpu")


class Scripted(VPUFormer):
    """Answers each round with a constant logit times a weight of 1, and notes what it was given."""

    def __init__(self, script, fusion="late"):
        nn.Module.__init__(self)
        self.config = replace(preset("tiny"), fusion=fusion)
        self.weight, self.script, self.seen = nn.Parameter(torch.ones(())), list(script), []
        self.pictures = []

    def encode_image(self, pictures, prev=None, prompts=None):
        self.pictures.append((pictures, prev, prompts))
        return len(self.pictures)

    def decode(self, features, prompts, prev, *, details):
        self.seen.append((features, prompts, prev, details, torch.is_grad_enabled()))
        logit = self.script[len(self.seen) - 1]
        rho = torch.full((*prompts.kind.shape, 8, 8), 0.5) if details else None
        return answer(logit * self.weight, rho)


def answer(logit, rho=None):
    return Decoded(logit.expand(COUNT, 1, SIDE, SIDE), torch.zeros(COUNT, 4, 8, 8), rho)


def batch():
    target = torch.zeros(COUNT, 1, SIDE, SIDE)
    target[:, :, 8:24, 8:20] = 1
    return (
        torch.full((COUNT, 3, SIDE, SIDE), 51, dtype=torch.uint8),
        target,
        torch.ones_like(target),
    )


def play(model, recipe=RECIPE, weights=(0.5, 0.3, 0.2), u=U):
    return Rounds(model, recipe)(*batch(), u, torch.tensor(weights))


def test_an_image_is_encoded_once_and_seen_from_0_to_1():
    model = Scripted([-2, 2, -2])
    play(model)
    ((pictures, *_),) = model.pictures
    assert torch.allclose(pictures, torch.tensor(0.2)) and [s[0] for s in model.seen] == [1, 1, 1]


def test_early_fusion_encodes_each_round_with_what_it_is_shown():
    model = Scripted([-2, 2, -2], "early")
    play(model, replace(RECIPE, drop_prev=0.5))
    for (_, prev, prompts), seen in zip(model.pictures, model.seen, strict=True):
        assert prev is seen[2] and prompts is seen[1]
    assert [s[0] for s in model.seen] == [1, 2, 3]


def test_a_round_sees_the_answer_before_it_without_its_gradient():
    model = Scripted([-2, 2, -2])
    play(model)
    for (_, _, prev, _, _), logit in zip(model.seen, (None, -2, 2), strict=True):
        expected = 0 if logit is None else torch.tensor(float(logit)).sigmoid()
        assert torch.allclose(prev, torch.as_tensor(expected, dtype=prev.dtype))
        assert not prev.requires_grad


def test_the_answer_before_is_withheld_as_often_as_said():
    model = Scripted([2, 2, 2])
    play(model, replace(RECIPE, drop_prev=0.4))
    for r, (_, _, prev, _, _) in enumerate(model.seen[1:], 1):
        assert torch.equal(prev.amax((1, 2, 3)) > 0, U[:, 2 + r, -2] >= 0.4)


@pytest.mark.parametrize(("logit", "positive"), [(-5, True), (5, False)])
def test_the_next_prompt_points_at_what_is_wrong(logit, positive):
    model, (_, target, _) = Scripted([logit] * 3), batch()
    play(model, replace(RECIPE, shares=(1.0, 0.0, 0.0)))
    prompts = model.seen[-1][1]
    for at in (-2, -1):  # the second and third round's
        assert prompts.valid[:, at].all() and (prompts.positive[:, at] == positive).all()
        x, y = prompts.xywh[:, at, :2].long().unbind(-1)
        assert (target[torch.arange(COUNT), 0, y, x] == positive).all()


def test_a_later_prompt_is_of_the_first_ones_kind():
    model = Scripted([-5] * 3)
    play(model, replace(RECIPE, same_kind=1.0, shares=(1.0, 1.0, 1.0)))
    kinds = model.seen[-1][1].kind
    assert (kinds[:, -2:] == kinds[:, :1]).all() and len(kinds[:, 0].unique()) > 1


def test_the_loss_is_the_weighted_sum_and_other_rounds_cost_no_gradient():
    model, (_, target, valid) = Scripted([-2, 2, 1]), batch()
    loss, parts = play(model, weights=(0.75, 0.0, 0.25))
    assert [s[4] for s in model.seen] == [True, False, True]
    expected = 0.0
    for at, weight in ((0, 0.75), (2, 0.25)):
        said = answer(torch.tensor(float(model.script[at])))
        own, _ = total_loss(said, model.seen[at][1], target, valid, config=RECIPE.loss)
        expected += weight * own.mean()
    assert loss.item() == pytest.approx(expected.item())
    assert {"nfl1", "dice1", "nfl3", "dice3"} <= set(parts) and "nfl2" not in parts
    loss.backward()
    assert model.weight.grad is not None and model.weight.grad != 0


@pytest.mark.parametrize("p2cl", [0.0, 2.0])
def test_details_are_asked_for_where_p2cl_needs_them(p2cl):
    model = Scripted([-2, 2, -2])
    play(model, replace(RECIPE, loss=LossConfig(p2cl=p2cl)))
    assert [s[3] for s in model.seen] == [p2cl > 0] * 3


def test_iou_counts_what_is_above_49_percent_and_valid():
    model, (images, target, valid) = Scripted([-0.02, -0.06, 3]), batch()  # 0.495, 0.485
    valid[:, :, :8] = 0
    _, parts = Rounds(model, RECIPE)(images, target, valid, U, torch.ones(3) / 3)
    share = 16 * 12 / (24 * 32)
    found = [parts[f"iou{r}"].item() for r in (1, 2, 3)]
    assert found == pytest.approx([share, 0, share])


def test_rounds_of_weight_0_take_no_place():
    recipe = replace(RECIPE, round_weights=(1.0, 0.0, 3.0), graded=2)
    assert {tuple(round_weights(recipe, step).tolist()) for step in range(9)} == {(0.25, 0, 0.75)}


def test_a_step_has_from_the_fewest_to_all_rounds():
    recipe = replace(RECIPE, fewest=1, round_weights=(1.0, 2.0, 3.0))
    assert {len(round_weights(recipe, step)) for step in range(30)} == {1, 2, 3}
