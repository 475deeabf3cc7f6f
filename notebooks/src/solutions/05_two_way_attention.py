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
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here
seed = 0  # nothing below is random
out_dir = "out/05"  # nothing is written

# %%
import torch

import vpucourse as course
import vpuformer as vpu

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
# **E.** Compare each place's maximum with the others before the sigmoid: then half of the
# places lie below one half, whatever the level.


# %%
def other_phi(tokens):
    peak = tokens.amax(-1)
    return ((peak - peak.mean()) / peak.std()).sigmoid()


photo, truth = course.photo("coffee")
clicks = [vpu.Click(290, 150), vpu.Click(560, 150, positive=False)]
tokens = course.attending.states(vpu.load("lite0"), photo, clicks)[-1].pixels[0]
assert torch.isfinite(tokens).all()
verdict = course.checks.ex("05.E", other_phi, tokens=tokens)
assert verdict.endswith("right."), verdict
verdict
