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
profile = "cpu"  # "smoke" plays on four drawn scenes only | "cpu" | "gpu" | "paper"
seed = 0  # draws the small example
out_dir = "out/04"  # nothing is written

# %%
import numpy as np
import torch
from torch.nn import functional as F

import vpucourse as course
from vpucourse import looking
from vpuformer import metrics, pue
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
shapes = ((2, 3, 8, 12), (5, 3, 4, 4), (5,))
given = tuple(torch.rand(s, dtype=torch.float64, requires_grad=True) for s in shapes)
package = lambda x, weight, bias: F.conv2d(x, weight, bias, stride=4)  # noqa: E731
verdict = course.checks.ex("04.B", patches_by_hand, package=package, given=given)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** Two ideas. The scenes are 96 × 128 pixels, so a frame of 64 × 96 loses little of them and
# has three eighths of the places of 128 × 128. That alone does not bring the time down to three
# eighths, because at this size each layer costs something for being called at all. So, second,
# fewer layers: the norm after the second convolution of the last three stages may go. First the
# notebook's game, as it stands there.


# %%
def framed(picture, frame):
    x = torch.tensor(picture).permute(2, 0, 1)[None] / 255  # B 3 H W
    return F.interpolate(x, frame, mode="bilinear", antialias=True)


def talk(net, picture, wanted, frame=(128, 128)):
    size, x, mask = wanted.shape, framed(picture, frame), np.zeros_like(wanted)
    prev, clicks, found = None, [], []
    with torch.inference_mode():
        features = net.encode_image(x)
        for _ in range(5):
            clicks.append(next_click(wanted, mask, clicks))
            at_frame = pue.PromptBatch.of([[c.rescaled(size, frame) for c in clicks]])
            prev = net.decode(features, at_frame, prev).logits.sigmoid()
            mask = F.interpolate(prev, size, mode="bilinear")[0, 0].numpy() > 0.5
            found.append(float(metrics.iou(wanted, mask)))
    return found


# %%
exam, toy = course.examination(4 if profile == "smoke" else 48), course.toy_model()
kept = np.mean([talk(toy, s.image, s.gt) for s in exam])


def measured(design):
    """Time over the toy encoder's, and the IoU that is lost."""
    net, frame = design(course.toy_model())
    a, b = framed(exam[0].image, (128, 128)), framed(exam[0].image, frame)
    pair = [lambda: toy.encoder(a), lambda: net.encoder(b)]
    ours, theirs = looking.seconds(*pair, repeats=200, threads=1)
    return theirs / ours, kept - np.mean([talk(net, s.image, s.gt, frame) for s in exam])


def lost(design):
    ratio, loss = measured(design)
    return loss if ratio <= 2 / 3 else 1.0


# %%
def smaller(net):
    return net, (64, 96)


def thinner(net):
    for stage in net.encoder.stages[1:]:
        stage[4] = torch.nn.Identity()
    return net, (128, 128)


def both(net):
    return thinner(net)[0], (64, 96)


def shorter(net):
    for layer in (3, 4, 5):
        net.encoder.stages[3][layer] = torch.nn.Identity()
    return both(net)


for design in (smaller, thinner, both, shorter):
    ratio, loss = measured(design)
    print(f"{design.__name__:<8} time {ratio:.2f} of the toy's, IoU lost {loss:+.3f}")

# %% [markdown]
# A smaller frame saves most, and costs next to nothing: the toy was trained on crops of 64 pixels.
# The norms are a small part of the time, and the model hardly misses them. To leave out a whole
# convolution as well (`shorter`) costs more IoU, but stays below the limit, and is the furthest
# from the limit in time: so this one is handed in.

# %%
verdict = course.checks.ex("04.E", shorter, trial=lost, beat=0.02)
assert verdict.endswith("right.") or profile == "smoke", verdict
verdict
