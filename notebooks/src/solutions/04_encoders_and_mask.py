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
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here
seed = 0  # draws the small examples
out_dir = "out/04"  # nothing is written
size = 448  # pixels, side of the square frame

# %%
import numpy as np
import torch
from torch.nn import functional as F

import vpucourse as course

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
# **E.** Kernels are cheap where the map is small and see far where the strides before them are
# many: save on the fine maps, and look wide on the coarse ones.


# %%
def design():
    return [(3, 2, 16), (3, 2, 24), (3, 2, 48), (3, 1, 48), (3, 2, 64), (5, 1, 64)]


def field_of(layers):
    seen, step = 1, 1
    for kernel, stride, _ in layers:
        seen += (kernel - 1) * step
        step *= stride
    return seen


def products(layers):
    side, count, before = size, 0, 3
    for kernel, stride, channels in layers:
        side //= stride
        count, before = count + kernel**2 * before * channels * side**2, channels
    return count if (side, before) == (size // 16, 64) else np.inf


# %%
ours = [(3, 2, 16), *((3, s, c) for c in (32, 48, 64) for s in (2, 1))]
print(f"work {products(design()) / products(ours):.0%}")
print(f"receptive field {field_of(ours)} → {field_of(design())} pixels")
measure = lambda of: field_of(of()) * (products(of()) <= products(ours))  # noqa: E731
verdict = course.checks.ex("04.E", design, measure=measure, beat=field_of(ours))
assert verdict.endswith("right."), verdict
verdict
