# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '03'
#     solutions: true
# ---

# %% [markdown]
# # 03 · Boxes and scribbles: solutions
#
# The three exercises of notebook 03, each judged by the same check as in the notebook.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here
seed = 0  # nothing below is random
out_dir = "out/03"  # nothing is written

# %%
import math

import vpucourse as course
import vpuformer as vpu

# %% [markdown]
# **P.** The length belongs to the grid, not to the gesture.

# %%
verdict = course.checks.ex("03.P", "entries")
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **B.** Inside the box a bell, outside nothing.


# %%
def box_by_hand(x0, w, length):
    s = max(w / 6, 1)
    d = [abs(x - x0) for x in range(length)]
    return [math.exp(-v * v / (2 * s * s)) if v <= max(w / 2, 0.5) else 0.0 for v in d]


verdict = course.checks.ex("03.B", box_by_hand)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** Both strokes show the vector the same upper left corner and return behind it, one far
# away, one close by.


# %%
def twins():
    corner = ((20, 80), (21, 16), (100, 15))
    far = vpu.Scribble((*corner, (99.5, 79.5), (20.2, 80)))
    near = vpu.Scribble((*corner, (34.5, 28.5), (20.2, 80)))
    return far, near


verdict = course.checks.ex("03.E", twins)
assert verdict.endswith("right."), verdict
verdict
