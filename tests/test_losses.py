"""Losses against plain NumPy, gradcheck, and what P2CL pushes where."""

import math

import numpy as np
import pytest
import torch

from vpuformer.config import LossConfig
from vpuformer.losses import dice_loss, normalized_focal_loss, p2cl, pair_bce, total_loss
from vpuformer.model import Decoded
from vpuformer.prompts import Click
from vpuformer.pue import PromptBatch

SHAPE = (2, 1, 12, 16)


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, SHAPE)
    target = (rng.random(SHAPE) > 0.6).astype(float)
    valid = (rng.random(SHAPE) > 0.1).astype(float)
    return logits, target, valid


def nfl_oracle(logits, target, valid, alpha=0.5, gamma=2.0):
    out = []
    for x, y, s in zip(logits, target, valid, strict=True):
        p = 1 - np.abs(y - 1 / (1 + np.exp(-x)))
        p = np.where(s > 0, p, 1.0)
        b = (1 - p) ** gamma
        m = s.sum() / (b.sum() + 1e-12)
        out.append((s * alpha * b * m * -np.log(np.minimum(p + 1e-12, 1))).sum() / s.sum())
    return np.array(out)


def test_nfl_equals_its_oracle(case):
    ours = normalized_focal_loss(*(torch.tensor(a) for a in case))
    np.testing.assert_allclose(ours, nfl_oracle(*case), rtol=1e-5)


def test_nfl_of_a_confidently_wrong_map_is_half_of_27_6():
    logits = torch.full(SHAPE, -60.0)
    loss = normalized_focal_loss(logits, torch.ones(SHAPE))
    assert loss.tolist() == pytest.approx([0.5 * -math.log(1e-12)] * 2, rel=1e-4)


def test_nfl_and_dice_without_a_pixel_that_counts_are_zero_or_finite():
    logits = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0), requires_grad=True)
    nothing = torch.zeros(SHAPE)
    loss = normalized_focal_loss(logits, torch.ones(SHAPE), nothing)
    assert loss.tolist() == [0, 0]
    assert dice_loss(logits, torch.ones(SHAPE), nothing).tolist() == [0, 0]
    loss.sum().backward()
    assert logits.grad is not None and logits.grad.abs().sum() == 0


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_half_precision_neither_overflows_nor_rounds_the_bounds_of_rho_away(edge):
    target = torch.ones(SHAPE)
    rough = torch.full((2, 1, 6, 8), edge, dtype=torch.bfloat16)
    for positive in (True, False):
        prompts = PromptBatch.of([[Click(3, 4, positive)]] * 2)
        loss = p2cl(rough, prompts, target)
        assert loss.tolist() == p2cl(rough.float(), prompts, target).tolist()
        assert loss.isfinite().all()
    logits = torch.linspace(-9, 9, 384).reshape(SHAPE).bfloat16()
    assert (
        normalized_focal_loss(logits, target) == normalized_focal_loss(logits.float(), target)
    ).all()


def test_dice_equals_its_oracle(case):
    logits, target, valid = case
    p = 1 / (1 + np.exp(-logits)) * valid
    y = target * valid
    axes = (1, 2, 3)
    expected = 1 - (2 * (p * y).sum(axes) + 1e-3) / (p.sum(axes) + y.sum(axes) + 1e-3)
    np.testing.assert_allclose(dice_loss(*(torch.tensor(a) for a in case)), expected, rtol=1e-5)


def test_nfl_and_dice_pass_gradcheck(case):
    logits, target, valid = (torch.tensor(a) for a in case)
    x = logits.requires_grad_()
    scale = torch.full((2, 1, 1, 1), 3.0, dtype=torch.float64)  # a stop-gradient: held constant

    def nfl(x):
        return normalized_focal_loss(x, target, valid, scale=scale)

    assert torch.autograd.gradcheck(nfl, (x,))
    assert torch.autograd.gradcheck(lambda x: dice_loss(x, target, valid), (x,))


def test_p2cl_equals_its_oracle_and_passes_gradcheck():
    rng = np.random.default_rng(1)
    prompts = PromptBatch.of([[Click(1, 1), Click(2, 2, False)], [Click(3, 3)]])
    rho = torch.tensor(rng.uniform(0.05, 0.95, (2, 2, 3, 4)), requires_grad=True)
    target = torch.tensor((rng.random(SHAPE) > 0.5).astype(float))
    pooled = target.numpy().reshape(2, 3, 4, 4, 4).mean((2, 4))
    r = rho.detach().numpy()

    def bce(r, y):
        return -(y * np.log(r) + (1 - y) * np.log(1 - r))

    first = np.stack([bce(r[0, 0], pooled[0]), bce(r[0, 1], 1 - pooled[0])]).mean()
    second = bce(r[1, 0], pooled[1]).mean()  # the padded slot does not count
    loss = p2cl(rho, prompts, target)
    np.testing.assert_allclose(loss.detach(), [first, second], rtol=1e-6)
    assert torch.autograd.gradcheck(lambda r: p2cl(r, prompts, target), (rho,))


def test_p2cl_is_smallest_when_pixels_follow_the_prompts():
    prompts = PromptBatch.of([[Click(1, 1), Click(2, 2, False)]])
    target = torch.zeros(1, 1, 8, 12)
    target[..., :6] = 1
    Y = torch.stack([target[0, 0], 1 - target[0, 0]])[None]
    best = p2cl(Y.clone(), prompts, target)
    grey = p2cl(torch.full_like(Y, 0.5), prompts, target)
    assert best.item() < 1e-4 and grey.item() == pytest.approx(math.log(2), rel=1e-5)
    assert p2cl(1 - Y, prompts, target) > 10


def test_p2cl_is_unchanged_when_sign_and_mask_swap_together():
    rho = torch.rand(1, 1, 4, 6, generator=torch.Generator().manual_seed(2))
    target = torch.zeros(1, 1, 8, 12)
    target[..., 3:9] = 1
    plus, minus = (PromptBatch.of([[Click(1, 1, s)]]) for s in (True, False))
    assert torch.allclose(p2cl(rho, plus, target), p2cl(rho, minus, 1 - target))


def test_p2cl_pulls_object_pixels_to_a_positive_prompt_and_pushes_the_rest():
    rho = torch.full((1, 1, 4, 4), 0.5, requires_grad=True)
    target = torch.zeros(1, 1, 8, 8)
    target[..., :4] = 1
    p2cl(rho, PromptBatch.of([[Click(1, 1)]]), target).sum().backward()
    assert rho.grad is not None
    assert (rho.grad[..., :2] < 0).all() and (rho.grad[..., 2:] > 0).all()


def test_p2cl_hears_nothing_of_void():
    """A cell of rho is as its pixels that count are."""
    target = torch.zeros(1, 1, 16, 32)
    valid = torch.ones_like(target)
    target[..., :14], valid[..., 14:19] = 1, 0
    rho = torch.full((1, 1, 4, 8), 1e-6)
    rho[..., :4] = 1 - 1e-6
    prompts = PromptBatch.of([[Click(4, 4)]])
    first = p2cl(rho, prompts, target, valid)
    assert first.item() < 1e-5
    target[..., 14:19] = 1
    assert torch.equal(p2cl(rho, prompts, target, valid), first)
    regions = target.clone()
    assert torch.equal(p2cl(rho, prompts, target, valid, regions), first)


def test_p2cl_without_prompts_is_zero_and_log_zero_is_clamped():
    rho = torch.rand(1, 1, 4, 4)
    assert p2cl(rho, PromptBatch.of([[]]), torch.ones(1, 1, 8, 8)).item() == 0
    assert pair_bce(torch.zeros(1), torch.ones(1)).item() == pytest.approx(
        -math.log(1e-6), rel=1e-4
    )


def test_total_is_the_weighted_sum_of_its_parts():
    generator = torch.Generator().manual_seed(5)
    answer = Decoded(
        torch.randn(SHAPE, generator=generator),
        torch.zeros(2, 8, 3, 4),
        torch.rand(2, 1, 3, 4, generator=generator),
    )
    prompts = PromptBatch.of([[Click(1, 1)], [Click(2, 2, False)]])
    target = (torch.rand(SHAPE, generator=generator) > 0.5).float()
    config = LossConfig(p2cl=0.7)
    loss, parts = total_loss(answer, prompts, target, config=config)
    assert torch.allclose(loss, parts["nfl"] + parts["dice"] + 0.7 * parts["p2cl"])
    region = torch.zeros(2, 1, 12, 16)
    error, _ = total_loss(
        answer, prompts, target, config=LossConfig(p2cl_target="error"), regions=region
    )
    assert not torch.allclose(error, loss)


def test_the_scale_of_nfl_is_held_constant(case):
    logits, target, valid = (torch.tensor(a) for a in case)
    p = np.abs(case[1] - 1 / (1 + np.exp(-case[0])))  # of the wrong class
    m = case[2].sum((1, 2, 3)) / (case[2] * p**2).sum((1, 2, 3))
    scale = torch.tensor(m).reshape(2, 1, 1, 1)
    grads = []
    for given in (None, scale):
        x = logits.clone().requires_grad_()
        normalized_focal_loss(x, target, valid, scale=given).sum().backward()
        grads.append(x.grad)
    torch.testing.assert_close(*grads)


def test_p2cl_weighs_a_cell_by_its_pixels_that_count():
    rho = torch.tensor([0.5, 0.25, 0.1]).reshape(1, 1, 1, 3)
    target, valid = torch.ones(1, 1, 4, 12), torch.ones(1, 1, 4, 12)
    valid[..., 4:8] = torch.tensor([1.0, 1.0, 0.0, 0.0])  # half of a cell counts
    valid[..., 8:] = 0  # nothing of one does
    loss = p2cl(rho, PromptBatch.of([[Click(1, 1)]]), target, valid)
    assert loss.item() == pytest.approx((math.log(2) + math.log(4) / 2) / 1.5)


def test_p2cl_pulls_a_negative_prompt_to_its_own_error_region():
    regions = torch.zeros(1, 1, 8, 8)
    regions[..., :4] = 1
    rho = torch.full((1, 1, 2, 2), 1e-6)
    rho[..., :1] = 1 - 1e-6
    prompts = PromptBatch.of([[Click(1, 1, False)]])
    assert p2cl(rho, prompts, torch.zeros(1, 1, 8, 8), regions=regions).item() < 1e-4


def test_total_follows_its_config(case):
    logits, target, _ = (torch.tensor(a) for a in case)
    answer = Decoded(logits, torch.zeros(2, 8, 3, 4), torch.full((2, 1, 3, 4), 0.3))
    prompts = PromptBatch.of([[Click(1, 1)], [Click(2, 2)]])
    regions = torch.zeros(SHAPE)  # far from all pixels
    config = LossConfig(alpha=0.25, gamma=1.0, dice=0.3, p2cl=0.0)
    loss, parts = total_loss(answer, prompts, target, config=config, regions=regions)
    ones = np.ones(SHAPE)
    np.testing.assert_allclose(parts["nfl"], nfl_oracle(*case[:2], ones, 0.25, 1.0), rtol=1e-5)
    assert set(parts) == {"nfl", "dice"}
    torch.testing.assert_close(loss, parts["nfl"] + 0.3 * parts["dice"])
    mask, error = (
        total_loss(answer, prompts, target, config=LossConfig(p2cl_target=t), regions=regions)[1]
        for t in ("mask", "error")
    )
    assert error["p2cl"].tolist() == pytest.approx([-math.log(0.7)] * 2)
    torch.testing.assert_close(mask["p2cl"], p2cl(answer.rho, prompts, target))
