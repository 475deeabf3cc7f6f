"""The whole model: shapes, padding, order, fusion, encode once, and that it can learn."""

from dataclasses import replace

import pytest
import torch
from small import CONFIG

from vpuformer.config import DmaConfig, LossConfig
from vpuformer.errors import ConfigError, PromptError
from vpuformer.losses import total_loss
from vpuformer.model import build, preset
from vpuformer.network.alignment import Alignment
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.pue import PromptBatch

LISTS = [
    [Click(20, 30), Box(60, 40, 30, 20, False), Scribble([(5, 5), (40, 30)])],
    [Click(70, 50)],
]
SIZE = (64, 96)


def small(**changes):
    return replace(CONFIG, **changes)


@pytest.fixture
def image():
    return torch.rand(2, 3, *SIZE, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("fusion", ["early", "late"])
@pytest.mark.parametrize("prompt_maps", ["none", "restored", "disk"])
@pytest.mark.parametrize("form", ["recommended", "literal", "code"])
def test_every_combination_answers(image, fusion, prompt_maps, form):
    dma = DmaConfig(embed_dim=32, form=form)
    model = build(small(fusion=fusion, prompt_maps=prompt_maps, dma=dma)).eval()
    prompts = PromptBatch.of(LISTS)
    prev = torch.rand(2, 1, *SIZE)
    with torch.no_grad():
        answer = model.decode(model.encode_image(image, prev, prompts), prompts, prev, details=True)
    assert answer.logits.shape == (2, 1, *SIZE) and answer.logits.isfinite().all()
    assert answer.rho.shape == (2, 3, 16, 24)
    assert answer.rho.min() >= 0 and answer.rho.max() <= 1
    assert len(answer.attention) == len(answer.gates) == 3
    assert answer.attention[0]["qv"].shape == (2, 4, 3, 24)


def test_padding_and_order_leave_the_mask(image):
    model = build(small()).eval()
    features = model.encode_image(image)
    with torch.no_grad():
        plain = model.decode(features, PromptBatch.of(LISTS)).logits
        turned = model.decode(features, PromptBatch.of([LISTS[0][::-1], LISTS[1]])).logits
        alone = model.decode(model.encode_image(image[1:]), PromptBatch.of(LISTS[1:])).logits
    assert torch.allclose(plain, turned, atol=1e-5)
    assert torch.allclose(plain[1:], alone, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_one_encoding_serves_many_objects(image, batch):
    model = build(small()).eval()
    lists = [[Click(10 * i, 20)] for i in range(batch)]
    with torch.no_grad():
        features = model.encode_image(image[:1])
        together = model.decode(features, PromptBatch.of(lists)).logits
        single = [model.decode(features, PromptBatch.of([ps])).logits for ps in lists]
    assert torch.allclose(together, torch.cat(single), atol=1e-5)


def test_no_prompt_is_an_answer_too(image):
    model = build(small()).eval()
    with torch.no_grad():
        assert (
            model.decode(model.encode_image(image), PromptBatch.of([[], []]))
            .logits.isfinite()
            .all()
        )


def test_late_fusion_encodes_without_mask_and_early_needs_it(image):
    prev = torch.rand(2, 1, *SIZE)
    for fusion, same in (("late", True), ("early", False)):
        model = build(small(fusion=fusion, prompt_maps="none")).eval()
        with torch.no_grad():
            a, b = model.encode_image(image).x16, model.encode_image(image, prev).x16
        assert torch.equal(a, b) is same


def test_wrong_sides_and_names_are_explained():
    with pytest.raises(ConfigError, match="multiples of 32"):
        build(small()).encode_image(torch.zeros(1, 3, 60, 96))
    with pytest.raises(ConfigError, match="No preset"):
        preset("huge")


def test_a_decoder_of_three_layers_gets_three():
    for decoder in ("code", "literal"):
        wrong = small(decoder=decoder, dma=DmaConfig(embed_dim=32, depth=2))
        with pytest.raises(ConfigError, match=r"dma\.depth=3"):
            build(wrong)


def test_several_images_take_a_list_of_prompts_each(image):
    model = build(small()).eval()
    features = model.encode_image(image)
    with pytest.raises(PromptError, match="4 prompt lists for 2 images"):
        model.decode(features, PromptBatch.of(LISTS * 2))


def test_half_precision_leaves_rho_fine():
    alignment = Alignment(8, 8)
    torch.nn.init.eye_(alignment.prompt.weight), torch.nn.init.zeros_(alignment.prompt.bias)
    tokens = torch.randn(1, 5, 8, generator=torch.Generator().manual_seed(0)).bfloat16().float()
    pixels = tokens.transpose(1, 2)[..., None] + 0.02  # nearly the prompts themselves
    exact = alignment(pixels, tokens)
    with torch.autocast("cpu", torch.bfloat16):
        rough = alignment(pixels, tokens)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=1e-5, rtol=0)  # bfloat16: steps of 0.004


def test_same_seed_same_weights():
    a, b, c = (build(small(), seed=s).state_dict() for s in (1, 1, 2))
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert not all(torch.equal(a[k], c[k]) for k in a)


def test_one_image_is_learnt():
    """One image, one prompt: IoU above 0.95 within 150 steps."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, *SIZE, generator=generator) * 0.3
    target = torch.zeros(1, 1, *SIZE)
    target[..., 16:44, 30:70] = 1
    image = image + 0.5 * target
    prompts = PromptBatch.of([[Click(50, 30)]])
    model = build(small())
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    iou = 0.0
    for _ in range(150):
        answer = model.decode(model.encode_image(image), prompts, details=True)
        loss = total_loss(answer, prompts, target, config=LossConfig())[0].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        pred, truth = answer.logits > 0, target > 0
        iou = ((pred & truth).sum() / (pred | truth).sum()).item()
        if iou > 0.95:
            break
    assert iou > 0.95
