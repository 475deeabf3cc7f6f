# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '00'
#     solutions: true
# ---

# %% [markdown]
# # 00 · Quick start: solutions
#
# The three exercises of notebook 00, each judged by the same check as in the notebook.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here
seed = 0  # nothing below is random
out_dir = "out/00"  # nothing is written
photo = "coffee"  # a photo of scikit-image that has a reference mask here

# %%
import numpy as np

import vpucourse as course
import vpuformer as vpu
from vpuformer import metrics
from vpuformer.robot.next_prompt import next_click

model = vpu.load("lite0")
image, truth = course.photo(photo)
predictor = vpu.Predictor(model, precision="float32")
predictor.set_image(image)

# %% [markdown]
# **P.** Measured, not guessed: the click with the higher IoU is the right answer.

# %%
two = {"centre": vpu.Click(290, 150), "edge": vpu.Click(290, 22)}
by_place = {name: course.scores(predictor, [click], truth)[0] for name, click in two.items()}
answer = max(by_place, key=by_place.get)
print({name: round(score, 3) for name, score in by_place.items()})
verdict = course.checks.ex("00.P", answer, scores=by_place)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **B.** A box says where the object ends; two negatives take away the spoon and the shade
# under the cup.


# %%
def three_prompts():
    return [
        vpu.Box.from_corners(168, 13, 412, 312),
        vpu.Scribble([(375, 300), (360, 270), (345, 305)], positive=False),
        vpu.Click(270, 300, positive=False),
    ]


verdict = course.checks.ex("00.B", three_prompts, predictor=predictor, truth=truth)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** The leaf is a calm thing on a calm ground, but a click does not say where it ends: the
# robot first gets the coins as well, and has to take them away one by one. A box says it at
# once.


# %%
def fewest_prompts():
    return [course.LEAF["box"]]


scene, labels = course.toy()
on_leaf, leaf = vpu.Predictor(model, precision="float32"), labels == 4
on_leaf.set_image(scene)
mask, used, ious = np.zeros_like(leaf), [], []
while len(used) < 8 and (mask != leaf).any():
    used.append(next_click(leaf, mask, used))
    mask = on_leaf.add(used[-1]).mask
    ious.append(metrics.iou(leaf, mask))
beat = metrics.noc(ious, 0.90, 8)
print("robot:", [round(float(score), 3) for score in ious], "to beat:", beat)
print("box:", [round(score, 3) for score in course.scores(on_leaf, fewest_prompts(), leaf)])
verdict = course.checks.ex("00.E", fewest_prompts, predictor=on_leaf, truth=leaf, beat=beat)
assert verdict.endswith("right."), verdict
verdict
