# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '09'
#     solutions: true
# ---

# %% [markdown]
# # 09 · Which idea pays? Solutions
#
# The three exercises of notebook 09, each judged by the same check as in the notebook, from the
# stored runs.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here
seed = 0  # nothing is drawn
out_dir = "out/09"  # nothing is written

# %%
import csv
import json
from itertools import combinations
from pathlib import Path

import numpy as np

import vpucourse as course
import vpuformer as vpu

# %%
here = Path.cwd().resolve()
places = (here, *here.parents, Path(vpu.__file__).resolve().parents[1])
home = next(p for p in places if (p / "results" / "toy_ablations.csv").is_file()) / "results"
with (home / "toy_ablations.csv").open(encoding="utf-8", newline="") as file:
    runs = list(csv.DictReader(file))
claims = json.loads((home / "paper_ablations.json").read_text("utf-8"))["claims"]


def ours(name, policy="click"):
    return [float(r["NoC@85"]) for r in runs if (r["row"], r["policy"]) == (name, policy)]


# %% [markdown]
# **P.** None of the pairs differs. For the four numbers of the finished model:

# %%
tables = np.array([[1.38, 1.71, 3.48, 4.82]] * 4)  # Tables II, IV, VI, VII as printed
differ = sum(int(a != b) for column in tables.T for a, b in combinations(column, 2))
verdict = course.checks.ex("09.P", 0, best=differ)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **B.** Both rows must stand in the order of their seeds, which `zip` takes on trust.


# %%
def paired_by_hand(better, worse):
    signs = {np.sign(w - b) for b, w in zip(better, worse, strict=True)}
    return {1: "reproduced", -1: "not reproduced"}[signs.pop()] if signs in ({1}, {-1}) else (
        "not decidable"
    )  # fmt: skip


given = [[ours("ours", n) if table == "VII" else ours(n) for n in names]
         for table, _, *names in claims]  # fmt: skip
saved = [np.subtract(worse, better) for better, worse in given]
sides = ["reproduced" if (g > 0).all() else "not reproduced" if (g < 0).all() else "not decidable"
         for g in saved]  # fmt: skip
trial = {"trial": lambda rule: sum(rule(*g) != s for g, s in zip(given, sides, strict=True))}
verdict = course.checks.ex("09.B", paired_by_hand, **trial, beat=0.5)
assert verdict.endswith("right."), verdict
print({side: sides.count(side) for side in dict.fromkeys(sides)})
verdict

# %% [markdown]
# **E.** No exchange at all, with discs, beats the learned vector. What else could explain it: the
# learned vector starts at random and has 120 steps, discs need no learning to say where they are.
# The claim is about the start of training, and says nothing of its end.


# %%
def your_claim():
    return "neither", "learned vector"


def overlap(make):
    better, worse = (ours(name) for name in make())
    return max(better) - min(worse)


print(f"the ranges lie {-overlap(your_claim):.2f} prompts apart")
verdict = course.checks.ex("09.E", your_claim, trial=overlap, beat=-1.5)
assert verdict.endswith("right."), verdict
verdict
