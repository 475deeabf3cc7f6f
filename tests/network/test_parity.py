"""Encoders against transformers and a plain second HRNet, by copied weights.

Each test writes random weights in the published layout, runs the reference, loads the file's keys.
"""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vpuformer.errors import CheckpointError
from vpuformer.network.encoders.hrnet import HRNet18s
from vpuformer.network.encoders.mit import MiTB0
from vpuformer.network.encoders.published import normalise
from vpuformer.network.encoders.resnet import ResNet50
from vpuformer.network.encoders.vit import ViT

SIZE = (64, 96)


def image(size=SIZE):
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))


def stir(module):
    """Random weights everywhere, BatchNorm statistics too; signals keep their scale."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif tensor.ndim > 1:
            fan = tensor[0].numel()
            tensor.normal_(0, fan**-0.5, generator=generator)
        elif tensor.is_floating_point():
            centre = 1.0 if name.endswith("weight") else 0.0
            tensor.normal_(centre, 0.1, generator=generator)
    return module.eval()


def close(ours, theirs):
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4 * theirs.abs().max())


def mae_layout(backbone):
    """A VitDet backbone's weights under MAE's names, beside keys that only a MAE file has."""
    weights = {"mask_token": torch.zeros(1, 1, 4), "norm.weight": torch.zeros(4)}
    weights |= {"cls_token": torch.zeros(1, 1, 4), "decoder_pred.weight": torch.zeros(4, 4)}
    for name, value in backbone.state_dict().items():
        name = re.sub(r"^embeddings\.position_embeddings", "pos_embed", name)
        name = re.sub(r"^embeddings\.projection", "patch_embed.proj", name)
        name = re.sub(r"^encoder\.layer", "blocks", name).replace(".attention.", ".attn.")
        weights[name] = value
    return weights


def vitdet(window_blocks):
    from transformers import VitDetBackbone, VitDetConfig

    config = VitDetConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        image_size=96,
        pretrain_image_size=96,
        window_size=2,
        window_block_indices=window_blocks,
        use_relative_position_embeddings=False,
        out_indices=[4],
    )
    return stir(VitDetBackbone(config))


@pytest.mark.parametrize("global_blocks", [(0, 1, 2, 3), (1, 3), ()])
def test_vit_equals_transformers(global_blocks):
    theirs = vitdet([i for i in range(4) if i not in global_blocks])
    ours = ViT(32, 4, 4, window=2, global_blocks=global_blocks, grid=6).eval()
    ours.load_published(mae_layout(theirs))
    with torch.no_grad():
        expected = theirs(normalise(image())).feature_maps[-1]
        close(ours(image())[0], expected)
        other = ViT(32, 4, 4, window=2, global_blocks=(0,), grid=6).eval()
        other.load_published(mae_layout(theirs))
        assert not torch.allclose(other(image())[0], expected, atol=1e-3)


def test_vit_block_equals_transformers_vit_layer():
    from transformers import ViTConfig
    from transformers.models.vit.modeling_vit import ViTLayer

    config = ViTConfig(
        hidden_size=32,
        num_attention_heads=4,
        intermediate_size=128,
        layer_norm_eps=1e-6,
        attn_implementation="eager",
    )
    theirs, ours = stir(ViTLayer(config)), ViT(32, 1, 4, global_blocks=(0,)).eval().blocks[0]
    found = {k.split(".")[-2] + "." + k.split(".")[-1]: v for k, v in theirs.state_dict().items()}
    names = list(theirs.state_dict())
    with torch.no_grad():
        for part in ("weight", "bias"):
            qkv = [
                next(k for k in names if re.search(rf"({n})(_proj)?\.{part}$", k))
                for n in ("query|q", "key|k", "value|v")
            ]
            getattr(ours.attn.qkv, part).copy_(torch.cat([theirs.state_dict()[k] for k in qkv]))
            for own, pattern in (
                (ours.attn.proj, r"attention\.(output\.dense|o_proj)"),
                (ours.mlp.fc1, r"(intermediate\.dense|mlp\.fc1)"),
                (ours.mlp.fc2, r"(^output\.dense|mlp\.fc2)"),
                (ours.norm1, r"layernorm_before"),
                (ours.norm2, r"layernorm_after"),
            ):
                key = next(k for k in names if re.search(pattern + rf"\.{part}$", k))
                getattr(own, part).copy_(theirs.state_dict()[key])
    assert found
    tokens = torch.randn(2, 24, 32)
    with torch.no_grad():
        expected = theirs(tokens)
        expected = expected[0] if isinstance(expected, tuple) else expected
        close(ours(tokens.unflatten(1, (4, 6))).flatten(1, 2), expected)


def test_vit_positions_are_resampled():
    vit = ViT(32, 1, 4, window=2, global_blocks=(), grid=6)
    weights = mae_layout(vitdet([0]))
    weights = {k: v for k, v in weights.items() if not re.match(r"blocks\.[123]", k)}
    vit.load_published(weights)
    square = weights["pos_embed"][:, 1:].transpose(1, 2).unflatten(-1, (6, 6))
    assert torch.equal(vit.pos_embed, square)
    finer = ViT(32, 1, 4, window=2, global_blocks=(), grid=8)
    finer.load_published(weights)
    assert torch.equal(finer.pos_embed, F.interpolate(square, (8, 8), mode="bicubic"))


MIT_NAMES = (
    ("attention.q_proj", "attn.q"),
    ("attention.o_proj", "attn.proj"),
    ("attention.sequence_reduction.sequence_reduction", "attn.sr"),
    ("attention.sequence_reduction.layer_norm", "attn.norm"),
    ("layernorm_before", "norm1"),
    ("layernorm_after", "norm2"),
    ("layer_norm", "norm"),
)


def mit_layout(model):
    """A SegFormer encoder's weights under the names of the authors' `mit_b0.pth`."""
    theirs, weights = model.state_dict(), {"head.weight": torch.zeros(10, 256)}
    for name, value in theirs.items():
        if ".v_proj" in name:
            continue
        new = name
        for old, word in MIT_NAMES:
            new = new.replace(old, word)
        if ".k_proj" in name:  # keys and values in one layer
            value = torch.cat([value, theirs[name.replace("k_proj", "v_proj")]])
            new = new.replace("attention.k_proj", "attn.kv")
        _, s, rest = new.split(".", 2)
        stage = int(s) + 1
        for old, word in (
            ("patch_embeddings", "patch_embed"),
            ("blocks", "block"),
            ("norm", "norm"),
        ):
            if rest.startswith(old + "."):
                weights[f"{word}{stage}{rest.removeprefix(old)}"] = value
                break
    return weights


def test_mit_equals_transformers():
    from transformers import SegformerConfig, SegformerModel

    theirs = stir(SegformerModel(SegformerConfig()))
    for name, module in theirs.named_modules():  # the authors' own epsilon
        if re.search(r"layernorm_(before|after)$|stages\.\d\.layer_norm$", name):
            module.eps = 1e-6
    ours = MiTB0().eval()
    ours.load_published(mit_layout(theirs))
    with torch.no_grad():
        expected = theirs(normalise(image()), output_hidden_states=True).hidden_states
        for a, b in zip(ours(image()), expected, strict=True):
            close(a, b)


def resnet_layout(model):
    """A ResNet's weights under torchvision's names."""
    weights = {"fc.weight": torch.zeros(10, 2048), "fc.bias": torch.zeros(10)}
    for name, value in model.state_dict().items():
        kind = name.split(".")[-1]
        is_conv = ".convolution." in name
        if name.startswith("embedder"):
            weights[f"{'conv1' if is_conv else 'bn1'}.{kind}"] = value
            continue
        s, r = (int(n) for n in re.search(r"stages\.(\d+)\.layers\.(\d+)", name).groups())
        at = f"layer{s + 1}.{r}"
        if "shortcut" in name:
            weights[f"{at}.downsample.{0 if is_conv else 1}.{kind}"] = value
        else:
            n = int(re.search(r"\.layer\.(\d)", name).group(1)) + 1
            weights[f"{at}.{'conv' if is_conv else 'bn'}{n}.{kind}"] = value
    return weights


def test_resnet_equals_transformers():
    """The dilated last stage agrees with the strided one at every other pixel."""
    from transformers import ResNetConfig, ResNetModel

    theirs, ours = stir(ResNetModel(ResNetConfig())), ResNet50().eval()
    ours.load_published(resnet_layout(theirs))
    with torch.no_grad():
        states = theirs(normalise(image()), output_hidden_states=True).hidden_states[1:]
        maps = ours.trunk(image())
        for a, b in zip(maps[:3], states[:3], strict=True):
            close(a, b)
        close(maps[3][..., ::2, ::2], states[3])
        assert [tuple(m.shape[-2:]) for m in ours(image())] == [
            (16, 24),
            (8, 12),
            (4, 6),
            (4, 6),
        ]


def conv_bn(inp, out, k, stride=1):
    return nn.Sequential(nn.Conv2d(inp, out, k, stride, k // 2, bias=False), nn.BatchNorm2d(out))


class PlainHRNet(nn.Module):
    """The published network written out in its own names, BatchNorm kept."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = conv_bn(3, 64, 3, 2)
        self.conv2, self.bn2 = conv_bn(64, 64, 3, 2)
        self.layer1 = nn.ModuleList([self.residual([(64, 64, 1), (64, 64, 3), (64, 256, 1)], True)])
        self.layer1.append(self.residual([(256, 64, 1), (64, 64, 3), (64, 256, 1)], False))
        w = (18, 36, 72, 144)
        self.transition1 = nn.ModuleList(
            [conv_bn(256, 18, 3), nn.ModuleList([conv_bn(256, 36, 3, 2)])]
        )
        self.transition2 = nn.ModuleDict({"2": nn.ModuleList([conv_bn(36, 72, 3, 2)])})
        self.transition3 = nn.ModuleDict({"3": nn.ModuleList([conv_bn(72, 144, 3, 2)])})
        for stage, count in ((2, 1), (3, 3), (4, 2)):
            modules = nn.ModuleList()
            for _ in range(count):
                module = nn.Module()
                module.branches = nn.ModuleList(
                    nn.ModuleList(self.residual([(w[b], w[b], 3)] * 2, False) for _ in range(2))
                    for b in range(stage)
                )
                module.fuse_layers = nn.ModuleList(
                    nn.ModuleDict({str(j): self.path(w, j, i) for j in range(stage) if j != i})
                    for i in range(stage)
                )
                modules.append(module)
            setattr(self, f"stage{stage}", modules)
        self.classifier = nn.Linear(8, 10)

    @staticmethod
    def residual(shapes, widens):
        block = nn.Module()
        for n, (inp, out, k) in enumerate(shapes, 1):
            conv, bn = conv_bn(inp, out, k)
            setattr(block, f"conv{n}", conv), setattr(block, f"bn{n}", bn)
        if widens:
            block.downsample = conv_bn(shapes[0][0], shapes[-1][1], 1)
        return block

    @staticmethod
    def path(w, j, i):
        if j > i:
            return conv_bn(w[j], w[i], 1)
        steps = [conv_bn(w[j], w[i] if k == i - 1 else w[j], 3, 2) for k in range(j, i)]
        return nn.ModuleList(steps)

    @staticmethod
    def run(block, x):
        n, y = sum(1 for k in block._modules if k.startswith("conv")), x
        for k in range(1, n + 1):
            y = getattr(block, f"bn{k}")(getattr(block, f"conv{k}")(y))
            y = F.relu(y) if k < n else y
        return F.relu(y + (block.downsample(x) if hasattr(block, "downsample") else x))

    def exchange(self, module, xs):
        for b, branch in enumerate(module.branches):
            for block in branch:
                xs[b] = self.run(block, xs[b])
        outputs = []
        for i, paths in enumerate(module.fuse_layers):
            total = xs[i]
            for j, path in paths.items():
                y = xs[int(j)]
                if int(j) > i:
                    y = F.interpolate(path(y), scale_factor=2 ** (int(j) - i), mode="bilinear")
                else:
                    for k, step in enumerate(path):
                        y = F.relu(step(y)) if k < len(path) - 1 else step(y)
                total = total + y
            outputs.append(F.relu(total))
        return outputs

    def forward(self, x):
        x = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        for block in self.layer1:
            x = self.run(block, x)
        xs = [F.relu(self.transition1[0](x)), F.relu(self.transition1[1][0](x))]
        xs = self.exchange(self.stage2[0], xs)
        xs.append(F.relu(self.transition2["2"][0](xs[-1])))
        for module in self.stage3:
            xs = self.exchange(module, xs)
        xs.append(F.relu(self.transition3["3"][0](xs[-1])))
        for module in self.stage4:
            xs = self.exchange(module, xs)
        return xs


def test_hrnet_equals_the_plain_one():
    theirs, ours = stir(PlainHRNet()), HRNet18s().eval()
    ours.load_published(theirs.state_dict())
    with torch.no_grad():
        for a, b in zip(ours(image()), theirs(normalise(image())), strict=True):
            close(a, b)


def test_missing_and_left_over_keys_are_told_together():
    weights = PlainHRNet().state_dict()
    del weights["stage3.1.branches.0.0.bn2.bias"], weights["transition1.0.0.weight"]
    weights["stage5.0.weight"] = torch.zeros(1)
    ours = HRNet18s()
    before = ours.stem.weight.clone()
    with pytest.raises(CheckpointError) as caught:
        ours.load_published(weights)
    for word in ("stage3.1.branches.0.0.bn2.bias", "transition1.0.0.weight", "stage5.0.weight"):
        assert word in str(caught.value)
    assert torch.equal(ours.stem.weight, before)  # nothing was written
