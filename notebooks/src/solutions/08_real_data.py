# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '08'
#     solutions: true
# ---

# %% [markdown]
# # 08 · How good is it on real photos? Solutions
#
# The three exercises of notebook 08, each judged by the same check as in the notebook.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here
seed = 0  # nothing is drawn but resamples
out_dir = "out/08"  # nothing is written
results = "results/val_lite0_click.jsonl"  # the stored run of ours; others lie beside it

# %%
from pathlib import Path

import numpy as np

import vpucourse as course
import vpuformer as vpu
from vpuformer import evaluation, metrics

# %%
near = [Path(up, results) for up in (".", "..", "../..", Path(vpu.__file__).parents[1])]
stored = next(path for path in near if path.is_file())
room = stored.parent
runs = {(row["set"], row["image"], row["instance"]): row["ious"]
        for row in evaluation.read_results(stored)[1] if row["ious"]}  # fmt: skip

# %% [markdown]
# **P.** Compare each VPUFormer row with the best of the others above it, column by column.
# Where nobody else gave a number there is nothing to win.

# %%
lines = (room / "paper_tables.csv").read_text().splitlines()[1:]
table = {
    tuple(c[:3]): [float(v or "inf") for v in c[3:]] for c in (x.split(",") for x in lines)
}
lost, cells = [], 0
for (number, backbone, method), row in table.items():
    if method == "VPUFormer":
        rivals = [r for k, r in table.items() if k[:2] == (number, backbone) and k[2] != method]
        best = np.min(rivals, 0)  # infinite where nobody gave a number
        cells += int(np.isfinite(best).sum())
        names = [
            f"{name} @{t}" for name in ("GrabCut", "Berkeley", "SBD", "DAVIS") for t in (85, 90)
        ]
        lost += [
            f"{backbone} ({number}) {n}"
            for n, b, m in zip(names, best, row, strict=True)
            if b < m
        ]
print(cells, "cells; not the best in:", *lost, sep="\n")

# %% [markdown]
# The row is RITM's, on HRNet-18s. Its numbers on GrabCut and Berkeley belong to RITM's HRNet-18s
# trained with earlier masks; those on SBD and DAVIS to its larger HRNet-18, trained without. Its
# authors' list says of the first model 4.04 and 6.48 on SBD.

# %%
verdict = course.checks.ex("08.P", (8, "RITM"), best=(len(lost), "RITM"))
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **B.** Compare in float32, as the runs were stored: 0.9 is no number that a computer can hold,
# and a run that stops at its nearest float32 would count as failed.


# %%
def noc_and_nof_by_hand(runs, target):
    nocs, failed = [], 0
    for run in runs:
        reached = [k for k, iou in enumerate(run, 1) if np.float32(iou) >= np.float32(target)]
        nocs.append(min(reached, default=20))
        failed += not reached
    return np.mean(nocs), failed


def off(by_hand, target=0.9):
    games = [*runs.values()]
    nocs = [metrics.noc(run, target) for run in games]
    wanted = np.mean(nocs), metrics.nof(games, target).never
    return float(np.abs(np.subtract(by_hand(games, target), wanted)).max())


verdict = course.checks.ex("08.B", noc_and_nof_by_hand, trial=off, beat=1e-3)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** Draw `n` of the values with replacement, take the mean, 2,000 times; half the distance
# between the 2.5 % and the 97.5 % quantile.


# %%
def half_width(values, n):
    draws = np.random.default_rng(0).integers(len(values), size=(2000, n))
    return np.ptp(np.quantile(np.asarray(values)[draws].mean(1), (0.025, 0.975))) / 2


def far(of):
    formula = [1.96 * values.std() / 10 for values in (spread, mended)]
    return max(abs(of(v, 100) / f - 1) for v, f in zip((spread, mended), formula, strict=True))


ours, goal = (table["II", "ViT-B", name][3] for name in ("VPUFormer", "SimpleClick"))
spread = np.array([metrics.noc(run, 0.9) for key, run in runs.items() if key[0] == "grabcut"])
mended = next(m for cap in range(20, 0, -1) if (m := spread.clip(max=cap)).mean() <= goal)

# %%
verdict = course.checks.ex("08.E", half_width, trial=far, beat=0.1)
assert verdict.endswith("right."), verdict
for name, values in {"as ours": spread, "as good as theirs": mended}.items():
    half, side = half_width(values, 100), "inside"
    if goal - ours > half:
        side = "outside"
    print(
        f"{name}: mean {values.mean():.2f}, ± {half:.2f}; the gap of {goal - ours:.2f} is {side}"
    )
verdict

# %% [markdown]
# So the answer hangs on the spread, which no table prints. Failures make it: one object that
# costs 20 clicks weighs as much as nineteen that cost two in place of one. And this is the
# interval of *one* mean; a gap lies between two. Were both methods' clicks known object by
# object, a paired interval (section 4 of the notebook) would settle it. That is why ours lie in
# `results/`. And a hundred objects drawn from fifty stand for a Berkeley as varied as GrabCut.
