"""EfficientNet-Lite against a plain second construction with real BatchNorm and SAME padding."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vpuformer.errors import CheckpointError
from vpuformer.network.encoders.lite import STAGES, EfficientNetLite


def published_layout(seed=0):
    """Random weights under the published names, and the same network run step by step."""
    generator = torch.Generator().manual_seed(seed)
    weights, plan, chans, n = {}, [], 32, 0

    def conv(name, bn, out, inp, k):
        weights[f"{name}.weight"] = torch.randn(out, inp, k, k, generator=generator) / (
            k * inp**0.5
        )
        weights[f"{bn}.weight"] = torch.rand(out, generator=generator) + 0.5
        weights[f"{bn}.bias"] = torch.randn(out, generator=generator) * 0.1
        weights[f"{bn}.running_mean"] = torch.randn(out, generator=generator) * 0.1
        weights[f"{bn}.running_var"] = torch.rand(out, generator=generator) + 0.5
        weights[f"{bn}.num_batches_tracked"] = torch.tensor(7)

    conv("_conv_stem", "_bn0", 32, 3, 3)
    for expansion, kernel, stride, out, repeats in STAGES:
        for r in range(repeats):
            hidden = chans * expansion
            prefix = f"_blocks.{n}."
            if expansion > 1:
                conv(prefix + "_expand_conv", prefix + "_bn0", hidden, chans, 1)
            conv(prefix + "_depthwise_conv", prefix + "_bn1", hidden, 1, kernel)
            conv(prefix + "_project_conv", prefix + "_bn2", out, hidden, 1)
            plan.append((prefix, expansion, stride if r == 0 else 1, chans, out, hidden))
            chans, n = out, n + 1
    conv("_conv_head", "_bn1", 1280, chans, 1)
    weights["_fc.weight"], weights["_fc.bias"] = torch.zeros(10, 1280), torch.zeros(10)
    return weights, plan


def plain_forward(image, weights, plan):
    def bn(x, name):
        parts = [weights[f"{name}.{p}"] for p in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *parts, eps=1e-3)

    def same(x, name, stride=1, groups=1):
        k = weights[f"{name}.weight"].shape[-1]
        pad = max((-(-x.shape[-1] // stride) - 1) * stride + k - x.shape[-1], 0)
        padded = F.pad(x, (pad // 2, pad - pad // 2) * 2)
        return F.conv2d(padded, weights[f"{name}.weight"], stride=stride, groups=groups)

    x = F.relu6(bn(same((image * 255 - 127) / 128, "_conv_stem", 2), "_bn0"))
    outputs = []
    for prefix, expansion, stride, inp, out, hidden in plan:
        y = x
        if expansion > 1:
            y = F.relu6(bn(same(y, prefix + "_expand_conv"), prefix + "_bn0"))
        y = F.relu6(bn(same(y, prefix + "_depthwise_conv", stride, hidden), prefix + "_bn1"))
        y = bn(same(y, prefix + "_project_conv"), prefix + "_bn2")
        x = x + y if stride == 1 and inp == out else y
        outputs.append(x)
    return [outputs[i] for i in (2, 4, 10, 15)]


@pytest.mark.parametrize("learning", [True, False])
def test_folded_trunk_equals_the_plain_one(learning):
    weights, plan = published_layout()
    encoder = EfficientNetLite("lite0")
    encoder.load_published(weights)
    image = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.set_grad_enabled(learning):
        ours, theirs = encoder(image), plain_forward(image, weights, plan)
    assert [tuple(x.shape[1:]) for x in ours] == [
        (24, 16, 24),
        (40, 8, 12),
        (112, 4, 6),
        (320, 2, 3),
    ]
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-4 * b.abs().max())


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("lite0", (24, 40, 112, 320)),
        ("lite1", (24, 40, 112, 320)),
        ("lite2", (24, 48, 120, 352)),
    ],
)
def test_widths_of_the_three_variants(name, channels):
    assert EfficientNetLite(name).channels == channels


def test_wrong_files_are_named():
    weights, _ = published_layout()
    with pytest.raises(CheckpointError, match=r"hold, beyond what this trunk has,"):
        EfficientNetLite("lite0").load_published({**weights, "extra.weight": torch.zeros(1)})
    del weights["_blocks.3._bn1.bias"]
    with pytest.raises(CheckpointError, match=r"_blocks.3._bn1.bias"):
        EfficientNetLite("lite0").load_published(weights)
    weights, _ = published_layout()
    with pytest.raises(CheckpointError, match="another variant"):
        EfficientNetLite("lite2").load_published(weights)


def test_frozen_stages_have_no_gradient():
    encoder = EfficientNetLite("lite0")
    encoder.freeze_stages(2)
    sum(x.sum() for x in encoder(torch.rand(1, 3, 32, 64))).backward()
    grads = {
        n.split(".")[0] + n.split(".")[1]
        for n, p in encoder.named_parameters()
        if p.grad is not None
    }
    assert not {"stages0", "stages1", "stemweight"} & grads and "stages2" in grads
    assert isinstance(encoder.stem, nn.Conv2d)
