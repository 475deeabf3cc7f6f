# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '05'
#     solutions: true
# ---

# %% [markdown]
# # 05 · How do prompts and picture talk? Solutions
#
# The three exercises of notebook 05, each judged by the same check as in the notebook.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" plays on two drawn scenes only | "cpu" | "gpu" | "paper"
seed = 0  # nothing below is random
out_dir = "out/05"  # nothing is written

# %%
from unittest import mock

import numpy as np
import torch

import vpucourse as course
import vpuformer as vpu
from vpuformer import config
from vpuformer.network import dma

# %% [markdown]
# **P.** A row depends on its own query and on the keys, not on the other rows.

# %%
verdict = course.checks.ex("05.P", "equal")
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **B.** Scores, shares, mixture: one line each.


# %%
def attention_by_hand(q, k, v):
    scores = q @ k.T / q.shape[-1] ** 0.5
    shares = scores.softmax(-1)
    return shares @ v


verdict = course.checks.ex("05.B", attention_by_hand)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** Five of them: the mean of all channels, of the three largest, a soft maximum (the logarithm
# of the sum of exponentials), a comparison of places with each other, and no choice at all, a gate
# that is always open. First the notebook's game, as it stands there.

# %%
plainly = {"threshold": 0.49, "precision": "float32", "zoom": config.ZoomConfig(mode="none")}
toy = vpu.Predictor(course.toy_model(), **plainly)
exam = course.examination(2 if profile == "smoke" else 24)


def noc_with(phi):
    with mock.patch.object(dma, "pixel_gate", phi):
        return course.examine(toy, exam)["NoC@90"]


def compared(tokens):
    peak = tokens.amax(-1)
    return ((peak - peak.mean(-1, keepdim=True)) / peak.std(-1, keepdim=True)).sigmoid()


def soft(tokens):
    return tokens.logsumexp(-1).sigmoid()


# %%
phis = {
    "maximum": dma.pixel_gate,
    "mean": lambda f: f.mean(-1).sigmoid(),
    "top-3": lambda f: f.topk(3, -1).values.mean(-1).sigmoid(),
    "compared": compared,
    "soft maximum": soft,
    "always open": lambda f: torch.ones(f.shape[:2]),
}
found = {name: noc_with(phi) for name, phi in phis.items()}
assert profile == "smoke" or found["maximum"] <= found["always open"] < found["mean"]
for name, noc in found.items():
    print(f"{name:<13}NoC@90 {noc:.2f}")

# %%
verdict = course.checks.ex(
    "05.E", soft, tokens=torch.randn(1, 6, 8), trial=noc_with, beat=found["mean"]
)
assert verdict.endswith("right.") or profile == "smoke", verdict
verdict

# %% [markdown]
# None does better than the maximum, with which these weights were trained. Yet a gate that is
# *always open* costs an eighth of a click: the gate's choice of places is worth next to nothing
# here. A φ that lets the gate vary (`mean`, `compared`) costs clicks, since the rest of the model
# has learnt to live with an open gate. That is all this can tell: it is a φ put into weights that
# were trained with another one, and 24 games. How many of them changed at all?

# %%
games = {}
for name in ("maximum", "soft maximum"):
    with mock.patch.object(dma, "pixel_gate", phis[name]):
        games[name] = course.games(toy, exam)
lengths = {name: np.array([len(game) for game in played]) for name, played in games.items()}
gap = lengths["soft maximum"] - lengths["maximum"]
print(f"{len(exam)} games: {(gap < 0).sum()} shorter, {(gap > 0).sum()} longer than before")
