# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '01'
#     solutions: true
# ---

# %% [markdown]
# # 01 · Who is clicking? Solutions
#
# The three exercises of notebook 01, each judged by the same check as in the notebook.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here
seed = 0  # draws the strokes
out_dir = "out/01"  # nothing is written
target = 0.90  # IoU that counts as done, 0 to 1

# %%
import numpy as np

import vpucourse as course
from vpuformer.robot import mistakes, policy
from vpuformer.robot.next_prompt import next_scribble

# %% [markdown]
# **P.** The first game arrives in round 3; that it falls back does not matter. The second
# never arrives, so it counts 20.

# %%
verdict = course.checks.ex("01.P", (3, 20))
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **B.** Strictly deeper for a positive click, first pixel in reading order, `None` when
# nothing is wrong. `argmax` gives the first maximum already.


# %%
def next_click_by_hand(gt, pred):
    if (gt == pred).all():
        return None
    missed, surplus = mistakes.depth(gt & ~pred), mistakes.depth(pred & ~gt)
    positive = bool(missed.max() > surplus.max())
    field = missed if positive else surplus
    y, x = np.unravel_index(field.argmax(), field.shape)
    return int(x), int(y), positive


verdict = course.checks.ex("01.B", next_click_by_hand)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** A stroke along the middle of the error reaches more of it than any click. That is
# a fact about this partner, which is right near everything you touch.

# %%
rng = np.random.default_rng(seed)


def your_robot(truth, mask, _):
    return next_scribble(truth, mask, rng=rng)


clicks = policy.Policy("click")
games = [
    course.robots.play(t, lambda truth, mask, h: clicks(truth, mask, h, rng))
    for t in course.robots.truths(20)
]
beat = course.robots.mean_noi(games, target)
verdict = course.checks.ex("01.E", your_robot, beat=beat, target=target)
assert verdict.endswith("right."), verdict
verdict
