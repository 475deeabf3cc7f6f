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
# The three exercises of notebook 09, each judged by the same check as in the notebook; one runs
# a small cell, the others read the stored runs.

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
from vpuformer import experiments

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
# **B.** One cell. What is not named stays as `toy.ipynb` has it, and it has no visual distance;
# naming it all the same says what the row is about.


# %%
def missing_row(toy, out_dir, **more):
    cell = {"row": "bell cut at σ", "visual": "none", "cut": 1.0, **more}
    return experiments.run(toy, [cell], out_dir)[0]


toy = home.parent / "notebooks" / "experiments" / "toy.ipynb"
verdict = course.checks.ex("09.B", missing_row, toy=toy)
assert verdict.endswith("right."), verdict
print("stored:", ours("bell cut at σ"), "with visual distance:", ours("product distance"))
verdict

# %% [markdown]
# **E.** What P2CL asks of a prompt: the object (ours) or the error that the prompt is to mend (the
# authors' code, Reading R14). The paper never compares the two. What else could explain a
# difference: an error region is small, so most of its labels are 0, and λ = 2 then means another
# thing in the two rows.


# %%
def rule(better, worse):
    if max(better) < min(worse):
        return "reproduced"
    return "not reproduced" if min(better) > max(worse) else "not decidable"


def your_ablation():
    return "ours", "P2CL on errors", said


def problems(make):
    better, worse, said = make()
    theirs = [(a, b) for _, _, a, b in claims]
    return float((better, worse) in theirs or rule(ours(better), ours(worse)) != said)


said = rule(ours("ours"), ours("P2CL on errors"))
print("ours", ours("ours"), "on errors", ours("P2CL on errors"), said)
verdict = course.checks.ex("09.E", your_ablation, trial=problems, beat=0.5)
assert verdict.endswith("right."), verdict
verdict
