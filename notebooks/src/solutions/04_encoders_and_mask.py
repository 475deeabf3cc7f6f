# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '04'
#     solutions: true
# ---

# %% [markdown]
# # 04 · What does the network see? Solutions
#
# The three exercises of notebook 04, each judged by the same check as in the notebook.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" plays on two drawn scenes only | "cpu" | "gpu" | "paper"
seed = 0  # draws the small examples and the scenes
out_dir = "out/04"  # nothing is written

# %%
import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import vpucourse as course
import vpuformer as vpu
from vpuformer import metrics, pue
from vpuformer.data.scenes import scene
from vpuformer.robot.next_prompt import next_click

# %% [markdown]
# **P.** For a token of width D the attention has four matrices of D × D (query, key, value and
# the one after it). The MLP has two of D × 4D. The scores between tokens come on top of the
# attention, but its windows keep them few.

# %%
verdict = course.checks.ex("04.P", "mlps")
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **B.** Cut both axes in two, bring the two small axes behind the channels, and flatten: a patch
# is now a row of 3 · 4 · 4 numbers, in the order of the weight's.


# %%
def patches_by_hand(x, weight, bias):
    b, c, h, w = x.shape
    d, p = weight.shape[0], weight.shape[-1]
    cut = x.reshape(b, c, h // p, p, w // p, p)  # B C h p w p
    rows = cut.permute(0, 2, 4, 1, 3, 5).reshape(b, h // p * (w // p), c * p * p)
    tokens = rows @ weight.reshape(d, -1).T + bias  # B L D
    return tokens.transpose(1, 2).reshape(b, d, h // p, w // p)


torch.manual_seed(seed)
shapes = ((1, 3, 8, 12), (5, 3, 4, 4), (5,))
given = tuple(torch.rand(s, dtype=torch.float64, requires_grad=True) for s in shapes)
package = lambda x, weight, bias: F.conv2d(x, weight, bias, stride=4)  # noqa: E731
verdict = course.checks.ex("04.B", patches_by_hand, package=package, given=given)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** Work grows with the number of places, so three quarters of the side leave nine
# sixteenths of it, and nothing was taken from the net. Or a smaller step, to seven eighths, and
# the last block of two stages left out: a block adds to what was there, so its neighbours go on
# working, if less well. Which is better depends on weights and pictures; both are tried. First
# the notebook's game, as it stands there.


# %%
def framed(picture, side):
    x = torch.tensor(picture).permute(2, 0, 1)[None] / 255  # B 3 H W
    return F.interpolate(x, (side, side), mode="bilinear", antialias=True)


def talk(picture, wanted, side, net):
    x, prev, clicks, found = framed(picture, side), None, [], []
    gt = F.interpolate(torch.tensor(wanted / 1)[None, None], (side, side))[0, 0].numpy() > 0.5
    mask = np.zeros_like(gt)
    with torch.inference_mode():
        features = net.encode_image(x)
        for _ in range(4):
            clicks.append(next_click(gt, mask, clicks))
            prev = net.decode(features, pue.PromptBatch.of([clicks]), prev).logits.sigmoid()
            mask = prev[0, 0].numpy() > 0.5
            found.append(float(metrics.iou(gt, mask)))
    return found


def work(net, side):
    with torch.inference_mode(), FlopCounterMode(display=False) as count:
        net.encode_image(framed(pictures[0][0], side))
    return count.get_total_flops() / 2e9


# %%
drawn = [scene(seed + i, (192, 256)) for i in range(2 if profile == "smoke" else 10)]
pictures = [course.photo("coffee"), *((image, label == label.max()) for image, label in drawn)]
model = vpu.load("lite0")
kept, most = np.mean([talk(*pair, 256, model) for pair in pictures]), 2 / 3 * work(model, 256)


def smaller(net):
    return net, 192


def thinner(net):
    for stage in (1, 4):
        net.encoder.stages[stage][-1] = torch.nn.Identity()
    return net, 224


def lost(design):
    net, side = design(vpu.load("lite0"))
    found = np.mean([talk(*pair, side, net) for pair in pictures])
    return kept - found if work(net, side) <= most else 1.0


losses = {design: lost(design) for design in (smaller, thinner)}
print({design.__name__: round(float(loss), 3) for design, loss in losses.items()})
verdict = course.checks.ex("04.E", min(losses, key=losses.get), trial=lost, beat=0.02)
assert verdict.endswith("right.") or profile == "smoke", verdict
verdict
