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
import vpucourse as course
import vpuformer as vpu

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
# **E.** The same idea goes further: what remains after a box is at its corners, and a
# negative there is worth more than another positive inside.


# %%
def fewest_prompts():
    return [*three_prompts(), vpu.Click(180, 260, positive=False)]


print([round(score, 3) for score in course.scores(predictor, fewest_prompts(), truth)])
verdict = course.checks.ex("00.E", fewest_prompts, predictor=predictor, truth=truth)
assert verdict.endswith("right."), verdict
verdict
