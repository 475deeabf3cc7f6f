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
n = 40  # slices of each kind, as in the notebook

# %%
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps
from skimage.exposure import match_histograms

import vpucourse as course
import vpuformer as vpu
from vpucourse import slices
from vpuformer import evaluation, metrics
from vpuformer.prompts import Prediction

# %%
model = vpu.load("lite0")
predictor = vpu.Predictor(model, precision="float32")
draw = {"EM-like": slices.em_like, "MR-like": slices.mr_like}
drawn = {name: [make(i, seed) for i in range(n)] for name, make in draw.items()}


def score(truth, probs):
    return [float(metrics.iou(truth, prob > 0.49)) for prob in probs]


# %% [markdown]
# **P.** Two clicks on every slice, and the stored runs of the photos. Where the first click left
# more to do, the second has more to mend, if the model sees the object's edge; where it takes the
# whole brain for the lesion, the second click only begins to cut it.

# %%
gains = {}
for name, pairs in drawn.items():
    found = [score(t, course.play(predictor, p, t, 2)[1]) for p, t in pairs]
    gains[name] = float(np.diff(found).mean())
stored = Path(vpu.__file__).parents[1] / "results" / "val_lite0_click.jsonl"
rows = [r for r in evaluation.read_results(stored)[1] if r["set"] != "coco" and r["ious"]]
photos = [metrics.iou_at(r["ious"], 2) - metrics.iou_at(r["ious"], 1) for r in rows]
for name, gain in (gains | {"photos": np.mean(photos)}).items():
    print(f"gain of the second click, {name:<8} {gain:+.3f}")

# %%
more = sum(gain > np.mean(photos) for gain in gains.values())
answer = ("photos", "depends", "foreign")[more]
verdict = course.checks.ex("12.P", answer, best=answer)
assert verdict.endswith("right."), verdict
print(answer)
verdict

# %% [markdown]
# **B.** Sums instead of means: each bin's weight and its division by the count cancel out.


# %%
def ece_by_hand(prob, truth, bins=10):
    which = np.minimum((np.ravel(prob) * bins).astype(int), bins - 1)
    said = np.bincount(which, np.ravel(prob), bins)
    true = np.bincount(which, np.ravel(truth), bins)
    return np.abs(true - said).sum() / which.size


picture, truth = drawn["EM-like"][0]
said = course.play(predictor, picture, truth, 1)[1][0]
verdict = course.checks.ex("12.B", ece_by_hand, prob=said, truth=truth)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** Three tricks. *Calm*: a blur takes the noise, a stretch brings contrast back. *Matched*:
# the picture gets the brightness of a photo, the cup's, which the model knows better. *Crop*:
# what the model sees is a square around the first click, so that small things are large.


# %%
class Treated(vpu.Predictor):
    """A predictor that sees each picture through a treatment."""

    def set_image(self, image, mask=None):
        return super().set_image(self.treat(image), mask)


def calm(picture):
    smooth = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(1.5))
    return np.asarray(ImageOps.autocontrast(smooth, cutoff=1))


def matched(picture):
    return match_histograms(picture, course.photo("coffee")[0], channel_axis=-1).astype(
        np.uint8
    )


def treated(treat):
    who = Treated(model, precision="float32")
    who.treat = treat
    return who


# %%
class Crop:
    """A predictor that sees a square around the first click, and calls all else background."""

    def __init__(self, side=96):
        self.who, self.side = vpu.Predictor(model, precision="float32"), side

    def set_image(self, picture):
        self.picture, self.corner = picture, None

    def reset(self):
        self.corner = None

    def add(self, click):
        if self.corner is None:
            sides = zip((click.x, click.y), self.picture.shape[1::-1], strict=True)
            self.corner = [int(np.clip(at - self.side // 2, 0, max(0, whole - self.side)))
                           for at, whole in sides]  # fmt: skip
            x, y = self.corner
            self.who.set_image(self.picture[y : y + self.side, x : x + self.side].copy())
        (x, y), (height, width) = self.corner, self.picture.shape[:2]
        u, v = (
            min(max(at - low, 0), self.side - 1) for at, low in ((click.x, x), (click.y, y))
        )
        prob = np.zeros((height, width), np.float32)
        inside = prob[y : y + self.side, x : x + self.side]
        inside[:] = self.who.add(vpu.Click(u, v, click.positive)).prob
        return Prediction(prob)


# %%
def clicks_of(who):
    kinds = {name: pairs[:6] for name, pairs in drawn.items()}
    kinds["photo"] = [course.photo("coffee")]
    kinds["drawn scenes"] = [(sample.image, sample.gt) for sample in course.examination(6)]
    return {name: np.mean([metrics.noc(score(t, course.play(who, p, t, 6)[1]), 0.85, 6)
                           for p, t in pairs]) for name, pairs in kinds.items()}  # fmt: skip


before = clicks_of(predictor)
tricks = {"calm": treated(calm), "matched": treated(matched), "crop": Crop()}
table = {name: {kind: float(before[kind] - after) for kind, after in clicks_of(who).items()}
         for name, who in tricks.items()}  # fmt: skip
print("clicks before", {kind: round(float(clicks), 2) for kind, clicks in before.items()})
for name, saved in table.items():
    print(f"{name:<8} saves", {kind: round(clicks, 2) for kind, clicks in saved.items()})

# %%
verdict = course.checks.ex("12.E", lambda: "crop", trial=table.get)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# The crop loses on the cup: it is larger than the square, and what lies outside is lost for good.
# Where it wins, look again at what failed. A mitochondrion that was one small thing among many
# fills the frame; a lesion no longer lies in one whole brain on black, ready to be taken for it.
# So that was neither the question nor all ignorance: it was *what else is in the frame*. A trick
# that wins on one kind says what was wrong with that kind. And six slices are few; which trick
# is best among them, this table cannot say.
