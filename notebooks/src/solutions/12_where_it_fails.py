# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '12'
#     solutions: true
# ---

# %% [markdown]
# # 12 · Where does it fail? Solutions
#
# The three exercises of notebook 12, each judged by the same check as in the notebook.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here
seed = 0  # draws the slices
out_dir = "out/12"  # nothing is written

# %%
import numpy as np
from PIL import Image, ImageFilter, ImageOps

import vpucourse as course
import vpuformer as vpu
from vpuformer import metrics
from vpuformer.robot.next_prompt import next_click

# %% [markdown]
# **P.** The measured gains decide; they stand above the exercise in the notebook. Where the
# first click left more to do, the second has more to mend; where the model cannot see the
# object at all, no click mends much. These numbers are an example.

# %%
second = {"foreign": 0.07, "photos": 0.11}
verdict = course.checks.ex("12.P", "photos", best=max(second, key=second.get))
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **B.** Sums instead of means: each bin's weight and its division by the count cancel out.


# %%
def ece_by_hand(prob, truth, bins=10):
    which = np.minimum((np.ravel(prob) * bins).astype(int), bins - 1)
    said = np.bincount(which, np.ravel(prob), bins)
    true = np.bincount(which, np.ravel(truth), bins)
    return np.abs(true - said).sum() / which.size


verdict = course.checks.ex("12.B", ece_by_hand)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** First the noise goes (a blur), then the contrast comes back (a stretch). The slices
# and the robot are those of the notebook.

# %%
predictor = vpu.Predictor(vpu.load("lite0"), precision="float32")
y, x = np.indices((192, 256), float)


def clouds(rng, strength, cells=9):
    noise = Image.fromarray(rng.normal(0, strength, (cells, cells + 3)).astype(np.float32))
    return np.asarray(noise.resize(x.shape[::-1], Image.Resampling.BICUBIC), float)


def as_picture(grey):
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, -1)


# %%
def em_like(i):
    rng = np.random.default_rng([seed, 1, i])
    at = rng.uniform((0, 0), x.shape, (14, 2))
    away = np.sort(np.hypot(y[..., None] - at[:, 0], x[..., None] - at[:, 1]), -1)
    grey = 165 - 95 * np.exp(-(((away[..., 1] - away[..., 0]) / 5) ** 2)) + clouds(rng, 14, 20)
    for cy, cx in rng.uniform((40, 45), (150, 210), (3, 2)):
        long, wide, turn = *rng.uniform((20, 11), (34, 17)), rng.uniform(0, np.pi)
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        r = np.hypot(u / long, v / wide)
        grey = np.where(r < 1, 112 + 20 * np.sin(u) - 45 * (r > 0.85), grey)
    return as_picture(grey + rng.normal(0, 9, x.shape)), r < 1  # the last one is on top


# %%
def play(picture, truth, rounds=3):
    predictor.set_image(picture)
    clicks, answers = [], [np.zeros(truth.shape)]
    for _ in range(rounds):
        clicks.append(next_click(truth, answers[-1] > 0.49, clicks))
        answers.append(predictor.add(clicks[-1]).prob)
    return clicks, answers[1:]


def score(truth, answers):
    return [float(metrics.iou(truth, prob > 0.49)) for prob in answers]


# %%
def faded(picture, contrast, noise=6):
    rng = np.random.default_rng(seed)
    grey = picture.mean() + contrast * (picture.astype(float) - picture.mean())
    return (grey + rng.normal(0, noise, x.shape)[..., None]).clip(0, 255).astype(np.uint8)


def before_the_model(picture):
    calm = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(1.5))
    return np.asarray(ImageOps.autocontrast(calm, cutoff=1))


# %%
some = [em_like(i) for i in range(6)]


def trial(change):
    pairs = [(change(faded(picture, 0.12)), truth) for picture, truth in some]
    return 1 - float(np.mean([score(truth, play(p, truth)[1])[-1] for p, truth in pairs]))


beat = trial(lambda picture: picture) - 0.05
verdict = course.checks.ex("12.E", before_the_model, trial=trial, beat=beat)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# Where does it do harm? The same six slices at full contrast, one by one. Look for negative
# numbers: there the blur took away an edge that the model had been using. And note the others;
# the trick may help where nobody asked for it, because calm pictures look more like photos.

# %%
plain = [score(t, play(p, t)[1])[-1] for p, t in some]
blurred = [score(t, play(before_the_model(p), t)[1])[-1] for p, t in some]
gains = np.subtract(blurred, plain)
print("change of IoU, slice by slice:", gains.round(2))
