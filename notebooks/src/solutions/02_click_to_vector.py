# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '02'
#     solutions: true
# ---

# %% [markdown]
# # 02 · How does a click become a vector? Solutions
#
# The three exercises of notebook 02, each judged by the same check as in the notebook.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here
seed = 0  # nothing below is random
out_dir = "out/02"  # nothing is written

# %%
import math

import numpy as np

import vpucourse as course

# %% [markdown]
# **P.** Cut at σ: the distances 0 to 3 on both sides, so 2 · 3 + 1. Cut at 3σ: 0 to 9, so
# 2 · 9 + 1.

# %%
answer = (2 * 3 + 1, 2 * 9 + 1)
verdict = course.checks.ex("02.P", answer)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **B.** The cut is one more condition, and `None` takes it away.


# %%
def quasi_gaussian_with_cut(distances, sigma, cut):
    bell = [math.exp(-d * d / (2 * sigma**2)) for d in distances]
    if cut is None:
        return bell
    return [q if d <= cut * sigma else 0.0 for q, d in zip(bell, distances, strict=True)]


verdict = course.checks.ex("02.B", quasi_gaussian_with_cut)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** The cells that were shown lie eight apart, so the bumps of two neighbours must overlap
# for anything to be known between them. A tent of half-width 16 always covers four of them,
# and its straight sides add up to straight lines: a tent is linear interpolation.


# %%
def your_bump(d):
    return np.clip(1 - d / 16, 0, None)


to_beat = course.clicks.read_out_error(course.clicks.our_bump)
print(f"ours {to_beat:.2f} cells, the tent {course.clicks.read_out_error(your_bump):.2f}")
verdict = course.checks.ex("02.E", your_bump, beat=to_beat)
assert verdict.endswith("right."), verdict
verdict
