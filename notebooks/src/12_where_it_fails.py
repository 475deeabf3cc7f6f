# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '12'
#     minutes_cpu: 4
#     houses:
#       equations: []
#       algorithms: []
#       figures: [8]
#       tables: [III]
#       sections: [IV-C.1 medical, IV-D, V]
# ---

# %% [markdown]
# # 12 · Where does it fail? Other domains and limits
#
# The shipped model learned from photos. Here it meets pictures of a kind it has never seen,
# clicks that mean three things at once, and clicks that mean nothing. You will measure how much
# it loses, and whether it knows.
#
# ![You are here: foreign photos, mask and score.](here/12.png)
#
# | | |
# |---|---|
# | takes | four minutes on two CPU cores, less on a GPU |
# | needs | nothing: drawn slices, a photo of scikit-image, the shipped weights |
# | paper | Table III, Fig. 8, Sec. IV-C.1 (medical), IV-D and V live here |
# | before, after | [11 "Fine-tune on your own folder"][11] · the end |
#
# [11]: 11_your_own_folder.ipynb

# %% [markdown]
# ## Before you start
#
# After this you can
#
# 1. measure a domain gap, and say what the measurement leaves out;
# 2. tell *ambiguity* (the click means several things) from *ignorance* (the model cannot see);
# 3. check whether a probability deserves its name, and write a model's limits down.
#
# **Predict.** On some foreign pictures the first mask is worse. Does the *second* click then help
# more than it does on photos, less, or is there no rule? The answer stands at the end.
#
# ## Parameters
#
# Everything below follows from this cell.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": smoke looks at few pictures
seed = 0  # draws the slices
out_dir = "out/12"  # folder for the first figure
domain = "synthetic_em"  # whose contrast section 5 takes: "synthetic_em" | "synthetic_mr"
shift = 0.0  # share of the contrast that every slice loses from the start, 0 (as drawn) to 1
n = 40  # slices of each kind

# %%
from pathlib import Path

import numpy as np

import vpucourse as course
import vpuformer as vpu
from vpucourse import calibration, curves, overlay, slices
from vpuformer import evaluation, metrics
from vpuformer.robot.next_prompt import next_click

# %%
clock, model = course.Clock(), vpu.load("lite0")
n = 2 if profile == "smoke" else n
predictor = vpu.Predictor(model, precision="float32")
draw = {"EM-like": slices.em_like, "MR-like": slices.mr_like}
domain = dict(zip(("synthetic_em", "synthetic_mr"), draw, strict=True))[domain]


def make(name, i):
    picture, truth = draw[name](i, seed)
    return (slices.faded(picture, 1 - shift) if shift else picture), truth


drawn = {name: [make(name, i) for i in range(n)] for name in draw}
print(f"{n} slices of each kind; the model's frame: {model.config.size} px")

# %% [markdown]
# ## The picture first
#
# In the manner of the paper's Fig. 8: a drawn picture of cells, a drawn slice of a brain, and the
# cup of notebook 00, each after one click and after three. The clicks are the robot's, each into
# the largest error (notebook 01). **IoU** is the area that mask and truth share, over the area that
# either covers. (A pixel counts as object above 0.49, not 0.5, because the field's evaluation
# code has it so.)


# %%
def score(truth, probs):
    return [float(metrics.iou(truth, prob > 0.49)) for prob in probs]


shown = {name: drawn[name][0] for name in draw} | {"photo": course.photo("coffee")}
games = {name: course.play(predictor, *pair) for name, pair in shown.items()}
marks = {name: score(shown[name][1], games[name][1]) for name in shown}

# %%
pictures, captions = [], []
for k in (1, 3):
    for name, (picture, truth) in shown.items():
        clicks, probs = games[name]
        scale = 256 / truth.shape[1]
        pictures.append(overlay.overlay(picture, probs[k - 1] > 0.49, prompts=clicks[:k],
                                        gt_mask=truth, scale=scale))  # fmt: skip
        captions.append(f"{name}, click {k}: IoU {marks[name][k - 1]:.2f}")
gains = {name: mark[-1] - mark[0] for name, mark in marks.items()}
title = "Two more clicks: " + ", ".join(f"{name} {gain:+.2f}" for name, gain in gains.items())
assert np.mean([*gains.values()]) > 0
course.show(
    curves.strip(pictures, captions, columns=3, title=title),
    "Two rows of three: a cell picture, a brain slice and the cup, above after one click, below "
    "after three, with mask, dashed truth and clicks.",
    keep=f"{out_dir}/fig8.png",
)
clock("picture first")

# %% [markdown]
# ## 1 Two kinds of slices, and the gap
#
# Medical pictures may seldom be passed on, so two kinds are drawn, and we say *like*. They
# are grey, they have no light and no shadow, and their objects look alike: three things that
# photos are not. `vpucourse/slices.py` draws them.
#
# **EM-like**: what an electron microscope shows of cells, wall to wall, with dark membranes
# between. To be found: one mitochondrion (a cell's power station), a dark striped oval.
#
# **MR-like**: a brain as magnetic resonance shows it, the skull taken away: folds at the rim, two
# dark hollows in the middle, uneven light, grain. To be found: a *lesion*, a damaged place, a
# little brighter than what surrounds it.

# %% [markdown]
# A **domain** is a kind of picture; the **gap** is what a model loses when it goes from the
# kind it learned to another. Below: mean IoU after one to five clicks (IoU@1 to IoU@5).
#
# The third line comes from `lite0` on the photos of GrabCut and Pascal VOC, two public sets with
# outlined objects; it is stored in `results/` and not re-run here. (The objects of COCO, a
# third set in that file, are mostly tiny: another difficulty.) The printed range is a
# *bootstrap*: draw the objects again, with repetition, many times, and see where the mean falls
# 95 times of 100.

# %%
probs = {
    k: [course.play(predictor, *pair, 5)[1] for pair in pairs] for k, pairs in drawn.items()
}
ious = {
    name: np.array([score(t, p) for (_, t), p in zip(pairs, probs[name], strict=True)])
    for name, pairs in drawn.items()
}
stored = Path(vpu.__file__).parents[1] / "results" / "val_lite0_click.jsonl"
rows = evaluation.read_results(stored)[1] if stored.exists() else []
rows = [row for row in rows if row["set"] != "coco" and row["ious"]]
photos = [[metrics.iou_at(row["ious"], k) for k in range(1, 6)] for row in rows]
if photos:
    ious["photos"] = np.array(photos)

# %%
for name, values in ious.items():
    low, high = metrics.bootstrap(values[:, 0])[1:]
    print(f"{name:<8} {len(values):>4} objects, IoU@1 between {low:.2f} and {high:.2f} (95 %)")
rises = {name: np.diff(values.mean(0)).round(3).tolist() for name, values in ious.items()}
print("gain of clicks two to five:", rises)
first = {name: values[:, 0].mean() for name, values in ious.items()}
assert first["MR-like"] < first.get("photos", 1) - 0.2
answers = zip(drawn["MR-like"], probs["MR-like"], strict=True)
whole = np.mean([metrics.iou(p[..., 0] > p.mean(), q[0] > 0.49) for (p, _), q in answers])
print(f"MR-like, the first mask: IoU {first['MR-like']:.2f} with the lesion, "
      f"{whole:.2f} with all that is brighter than the mean, the brain")  # fmt: skip

# %%
means = {name: values.mean(0).tolist() for name, values in ious.items()}
title = "MR-like pictures lie far behind photos, EM-like do not"
how = {"xlabel": "clicks", "ylabel": "mean IoU (0 to 1)"}
figure = curves.lines(means, range(1, 6), title=title, **how)
course.show(figure, "Mean IoU after one to five clicks, a line for each kind of picture.")
clock("1 gap")

# %% [markdown]
# The last printed line says what goes wrong in the brain. Where its second number is high, the
# first click fetched the whole brain: bright, on black, one thing, as objects on photos are. Then
# the first IoU says how small a lesion is, not how badly it was seen; and the robot has to cut
# the rest away, click by click.
#
# What does the figure leave out? Our slices have sharp truths, and real ones do not: two experts
# who outline one tumour disagree, and no IoU above their agreement means much.

# %% [markdown]
# ## 2 What the paper found: Table III
#
# Trained on photos (COCO and LVIS), asked about three medical sets without any further
# training; mean clicks to IoU 85 % and 90 %, so lower is better. ssTEM is electron microscopy,
# BraTS holds brain tumours, OAIZIB knee joints. The first four rows are other methods. The
# paper's numbers:

# %%
columns = [f"{name} @{k}" for name in ("ssTEM", "BraTS", "OAIZIB") for k in (85, 90)]
table = {
    "CDNet": [4.15, 8.45, 10.51, 14.80, 17.42, 19.81],
    "RITM": [2.74, 4.06, 7.56, 11.24, 15.89, 19.27],
    "FocalClick": [3.95, 5.05, 7.17, 11.19, 12.93, 19.23],
    "SimpleClick": [4.25, 5.61, 8.25, 11.83, 15.57, 18.98],
    "VPUFormer": [2.64, 3.90, 7.89, 11.73, 14.97, 18.94],
}
behind = np.subtract(table["VPUFormer"], np.min([*table.values()][:4], 0))
lost = [column for column, gap in zip(columns, behind, strict=True) if gap > 0]
print(" " * 11, *(f"{column:>11}" for column in columns))
for name, row in table.items():
    signs = ["†" if name == "VPUFormer" and column in lost else " " for column in columns]
    print(f"{name:<11}", *(f"{k:10.2f}{sign}" for k, sign in zip(row, signs, strict=True)))
print("† not the best; behind the best other by", behind.round(2))
assert lost == ["BraTS @85", "BraTS @90", "OAIZIB @85"]

# %% [markdown]
# Best in three columns of six. The knees are the clearest message: at 90 % *every* method sits
# near 19 of 20 clicks: nearly every game was lost. The paper says that the method generalises
# well to medical pictures, and in its limits (Sec. IV-D) that without fine-tuning it gets worse
# there. Both are true, for the patient.
#
# We have not run these sets: their files lie with other people, under terms of their own.
# `data_scripts/sstem.py` fetches ssTEM; BraTS and OAIZIB want a registration, which `brats.py`
# and `oaizib.py` explain. Where their folders lie in `data/`, the next cell plays the first `n`
# objects of each. Our slices stand in for the question, not for the numbers.

# %%
here = [name for name in ("sstem", "brats", "oaizib") if Path("data", name).is_dir()]
print("fetched:", here or "none, so nothing is played here")
for name in here:
    out = {"out": f"{out_dir}/{name}.jsonl", "limit": n}
    print(evaluation.evaluate_folders(predictor, [Path("data", name)], **out))

# %% [markdown]
# ## 3 Ambiguity: the click means several things
#
# A disc lies on a plate, the plate on a tile. One click in the middle can mean the disc, the
# disc and the plate, or all three; each answer is right for somebody. No model can do better
# than guess, until a prompt says more.
#
# *Where* a correction lies tells much, for people click the middle of a mistake. So a second click
# in a *round of its own* makes the predictor look anew, in four crops around the first. Of five
# answers it takes that with the highest expected IoU (`vpuformer.hindsight`). Below: a *no* just
# beside the meant thing; the robot's click, in the middle of the largest mistake; a box instead.

# %%
y, x = np.indices(slices.SIZE, float)
r, square = np.hypot(x - 128, y - 96), np.maximum(abs(x - 128), abs(y - 96))
grounds = [np.ones(x.shape, bool), square < 84, r < 62, r < 30]
nested = np.zeros((*x.shape, 3))
for where, colour in zip(grounds, ([120, 130, 118], [170, 150, 120], [225, 222, 214],
                                   [150, 60, 50]), strict=True):  # fmt: skip
    nested[where] = colour
nested += slices.clouds(np.random.default_rng(seed), 5)[..., None]
nested = nested.clip(0, 255).astype(np.uint8)
meanings = {"the disc": r < 30, "disc and plate": r < 62, "all of it": square < 84}

# %%
middle, halves = vpu.Click(128, 96), {"the disc": 30, "disc and plate": 62, "all of it": 84}
predictor.set_image(nested)
guess = predictor.add(middle).mask
ways = "one click", "then a no beside", "then the robot's", "a box instead"
fetched, answers = {way: {} for way in ways}, {}
for name, half in halves.items():
    beside = vpu.Click(128 + half + 8, 96, positive=False)
    second = next_click(meanings[name], guess, [middle])
    box = vpu.Box.from_corners(128 - half, 96 - half, 128 + half, 96 + half)
    for way, said in zip(
        ways, ([middle], [middle, beside], [middle, second], [box]), strict=True
    ):
        predictor.reset()
        mask = [predictor.add(prompt).mask for prompt in said][-1]  # each in a round of its own
        iou = fetched[way][name] = round(float(metrics.iou(meanings[name], mask)), 2)
        look = {"prompts": said, "gt_mask": meanings[name]}
        answers[way, name] = overlay.overlay(nested, mask, **look), f"{name}: {iou:.2f}"

# %%
for way, by_meaning in fetched.items():
    print(f"IoU, {way:<18}", by_meaning)
right = {way: sum(iou > 0.8 for iou in found.values()) for way, found in fetched.items()}
assert right["one click"] <= 1 < right[ways[2]]  # one mask cannot be all three
assert fetched[ways[2]]["the disc"] > fetched[ways[1]]["the disc"] + 0.2
assert max(found["all of it"] for found in fetched.values()) < 0.6
guessed = overlay.overlay(nested, guess, prompts=[middle])
sheet = [(guessed, "one click"), *(answers[ways[2], name] for name in halves)]
sheet += [(nested, "the picture"), *(answers[ways[3], name] for name in halves)]
title = f"One click guesses; a second fetches {right[ways[2]]} of 3, a box {right[ways[3]]}"
course.show(
    curves.strip(*zip(*sheet, strict=True), columns=4, title=title),
    "A disc on a plate on a tile. Above, the guess of one click, then the robot's second click "
    "for disc, plate or tile, and what came of it; below, the bare picture, and a box around "
    "each. The right answer is dashed.",
)
clock("2-3 table, ambiguity")

# %% [markdown]
# Ambiguity is not a fault of the weights, and more training does not cure it: it lives in the
# question. Compare the second printed line with the third: a click just beside an edge could
# correct many a mistake, one in the middle of a mistake says how far it goes. Of the two, only the
# latter fetches the disc. Ignorance lives in the weights. The tile stays low in every line, though
# a box makes the question clear: there it is the weights that fail.
#
# > **A test that tells them apart.** Does the mask fit *some* sensible thing? If so, say more; if
# > not, train more. On the first picture, asked about a lesion, did it mark the whole brain? That
# > is a sensible thing. But when clicks that say *not this* leave a ragged hole instead of an
# > edge, nobody could have meant that: the weights do not know.

# %% [markdown]
# ## 4 Does it know when it is wrong?
#
# Take all pixels to which the model gave a probability of about 0.8: if about 80 % of them belong
# to the object, the probability deserves its name, and the model is **calibrated**. Sort all $n$
# pixels into ten bins by their probability. In bin $b$, of $n_b$ pixels, compare the mean
# probability with the share that is object. The mean gap is the **expected calibration error**:
#
# $$\mathrm{ECE} = \sum_b \frac{n_b}{n}\,\big|\,\mathrm{share}_b - \mathrm{mean}_b\,\big|$$
#
# By hand, five pixels in two bins: 0.1, 0.1 with no object, and 0.9, 0.9, 0.9 with two. Gaps 0.1
# and 0.9 − 0.667; weighted: 0.4 · 0.1 + 0.6 · 0.233 = 0.18.
#
# The package has no calibration error; the course's own, `calibration.ece`, stands in.

# %%
course.same(0.18, calibration.ece([0.1, 0.1, 0.9, 0.9, 0.9], [0, 0, 1, 1, 0]), tolerance=1e-9)

# %%
seen = {k: (np.array([p[0] for p in probs[k]]), np.array([t for _, t in drawn[k]]))
        for k in draw} | {"photo": (games["photo"][1][0], shown["photo"][1])}  # fmt: skip
found = {name: calibration.reliability(*pair) for name, pair in seen.items()}
errors = {name: round(calibration.ece(*pair), 3) for name, pair in seen.items()}
print("ECE after one click:", errors)
places = np.linspace(0.05, 0.95, 10)
lines = {"calibrated": places.tolist()} | {k: s.tolist() for k, (_, _, s) in found.items()}

# %%
eighty = {name: found[name][2][8] for name in draw}  # the share of pixels called 80 to 90 %
assert min(eighty.values()) < 0.8
title = "Called 80 to 90 % likely, and object: "
title += ", ".join(f"{name} {share:.0%}" for name, share in eighty.items())
figure = curves.lines(lines, places, title=title, xlabel="probability (0 to 1)",
                      ylabel="share that is object")  # fmt: skip
course.show(figure, "Share of object pixels against the probability, a line for each kind; a "
            "calibrated model would follow the straight one.")  # fmt: skip
clock("4 calibration")

# %% [markdown]
# Where a line runs below the straight one, the model says *object* too readily. One caution: most
# pixels of a picture are easy background, and they make an ECE look smaller than it is. Read the
# lines, not the number.
#
# ## 5 Turning the knob
#
# Between two domains there are many differences at once. Change *one*, and you learn which of
# them hurts. Here contrast: the picture is drawn toward its own mean, then noise is added
# that does not shrink with it (`slices.faded`).

# %%
levels, some = (0.12, 0.25, 0.5, 1.0), drawn[domain][:8]
at_level = {
    level: [score(t, course.play(predictor, slices.faded(p, level), t)[1]) for p, t in some]
    for level in levels
}
curve = {f"{k} click{'s' * (k > 1)}": [float(np.mean([g[k - 1] for g in at_level[level]]))
                                       for level in levels] for k in (1, 3)}  # fmt: skip

# %%
print({name: np.round(values, 2).tolist() for name, values in curve.items()})
assert profile == "smoke" or curve["3 clicks"][-1] > curve["3 clicks"][0]
low, *_, full = curve["3 clicks"]
title = f"three clicks get IoU {full:.2f} in full contrast, {low:.2f} faded"
figure = curves.lines(curve, [100 * level for level in levels], ylabel="mean IoU (0 to 1)",
                      xlabel="contrast left (%)", title=f"{domain}: {title}")  # fmt: skip
course.show(figure, "Mean IoU against the contrast that is left, for one click and for three.")
clock("5 contrast")

# %% [markdown]
# Find the level at which even three clicks begin to suffer. At an eighth of the contrast the
# noise comes near the edges; what three clicks still rescue there stands in the title.
#
# ## Try it
#
# Take the contrast of one slice away yourself, add noise, or step back: at `scale` one half the
# slice has half its size, and its mirror images fill the frame. NoC@85 (clicks to an IoU of
# 85 %, notebook 01) is counted for at most five clicks; five also stand for never. The strip
# below shows the two ways: watch the mask leave the object before your own eye loses it.


# %%
def one_level(contrast=1.0, noise=6, scale=1.0):
    picture, truth = slices.farther(*some[0], scale)
    picture = slices.faded(picture, contrast, noise)
    clicks, probs = course.play(predictor, picture, truth, 5)
    seen = overlay.overlay(picture, probs[0] > 0.49, prompts=clicks[:1], gt_mask=truth)
    ious = score(truth, probs)
    return seen, f"IoU {ious[0]:.2f}, NoC {metrics.noc(ious, 0.85, 5)}"


# %%
course.explore(
    lambda **at: curves.strip(*([x] for x in one_level(**at)), columns=2),
    "One slice, one click.",
    contrast=(0.05, 1, 0.05), noise=(0, 30, 3), scale=(0.2, 1, 0.1),
)  # fmt: skip
states = [{"contrast": level} for level in reversed(levels)]
states += [{"scale": scale} for scale in (0.8, 0.6, 0.4, 0.2)]
strip, said = zip(*(one_level(**state) for state in states), strict=True)
assert len(set(said)) > 2
names = [f"{k} {v:.0%}\n{s}" for state, s in zip(states, said, strict=True)
         for k, v in state.items()]  # fmt: skip
course.show(
    curves.strip(strip, names, columns=4, title="The same slice, faded, and from farther away"),
    "One slice at four levels of contrast, and below at four scales, each with the robot's first "
    "click and the mask.",
)

# %% [markdown]
# ## Break it
#
# A picture with *nothing* in it: a calm ground, one click in the middle. What does the model
# say? It was never taught the answer "there is no object here", and its loss never paid for
# it; every training sample had one.

# %%
empty = slices.as_picture(150 + slices.clouds(np.random.default_rng(seed), 6))
predictor.set_image(empty)
nothing = predictor.add(vpu.Click(128, 96)).prob
print(f"marked as object: {(nothing > 0.49).mean():.1%} of the picture, "
      f"highest probability {nothing.max():.2f}")  # fmt: skip
assert (nothing > 0.49).any()  # it always says something

# %% [markdown]
# ## 6 The limits the paper names
#
# Section IV-D names three. *Other ways to say it*: a mask, a sentence, a voice would each need a
# vector. *Ambiguity of a single prompt*: more prompts resolve it (section 3); so would several
# masks to pick from. *Other domains*: the sets show daily life; elsewhere fine-tune (notebook 11).
#
# The conclusion (Sec. V) claims one form for all prompts, a deeper exchange, a loss that pulls
# features to prompts, and the best numbers of their year. Whether each part pays: notebook 09.
#
# We add two limits. The model cannot decline. And a robot that knows the truth to the pixel made
# every number here; people are worse, and tire. Written down:

# %%
limits = [f"{name} pictures, never trained on: IoU {values[:, 0].mean():.2f} after one click, "
          f"{values[:, 2].mean():.2f} after three ({len(values)} drawn, not real, a robot clicked)"
          for name, values in ious.items() if name in draw]  # fmt: skip
limits += [f"one click, three right answers: {right['one click']} of the three fetched",
    f"of pixels called 80 to 90 % likely, {min(eighty.values()):.0%} are object in the worst kind",
    f"an empty picture: {(nothing > 0.49).mean():.0%} of it marked all the same"]  # fmt: skip
print("Limits of lite0", *limits, sep="\n- ")

# %% [markdown]
# ## Exercises
#
# **P · Predict.** Does the *second* click gain more IoU on both foreign kinds than on photos
# (`"foreign"`), on none of them (`"photos"`), or on one of the two (`"depends"`)?

# %%
answer = None  # "foreign", "photos" or "depends"
more = [name for name in draw if rises[name][0] > rises.get("photos", [0.0])[0]]
course.checks.ex("12.P", answer, best=("photos", "depends", "foreign")[len(more)])

# %% [markdown]
# **B · Build.** The expected calibration error of a map of probabilities and a mask, ten bins of
# equal width. The check asks for the values of `calibration.ece`, on made-up maps and on what
# the model said of our slices.


# %%
def ece_by_hand(prob, truth):
    raise NotImplementedError


given = dict(zip(("prob", "truth"), seen[domain], strict=True))
course.checks.ex("12.B", ece_by_hand, **given)

# %% [markdown]
# **E · Extend.** A trick at test time, no training: a blur, a histogram matched to a photo's, a
# crop around the click. Give a function that returns something with the predictor's
# `set_image`, `add` and `reset`. It should save half a click on one kind, NoC@85 of at most six
# clicks. The check also wants a kind on which it *loses*: no trick is free.


# %%
def your_predictor():
    raise NotImplementedError


def clicks_of(who):
    kinds = {name: pairs[:6] for name, pairs in drawn.items()} | {"photo": [shown["photo"]]}
    kinds["drawn scenes"] = [(sample.image, sample.gt) for sample in course.examination(6)]
    return {name: np.mean([metrics.noc(score(t, course.play(who, p, t, 6)[1]), 0.85, 6)
                           for p, t in pairs]) for name, pairs in kinds.items()}  # fmt: skip


def saved(who):
    before, after = clicks_of(predictor), clicks_of(who)
    return {name: float(before[name] - after[name]) for name in before}


course.checks.ex("12.E", your_predictor, trial=saved)

# %% [markdown]
# Solutions stand apart, in `notebooks/solutions/12_where_it_fails.ipynb`.
#
# ## What we know now
#
# A foreign kind of picture may lie far behind photos or level with them, and what a few clicks
# buy back differs too. A wrong mask has two very different causes, a question with several answers
# and a model that cannot see, and only the second is cured by training. Its probabilities are a
# hint, not a promise, and it cannot say "nothing".
#
# *The prediction:* the next cell answers it, kind by kind. There is most to gain where the first
# mask is worst, and a correction says more than *no* (section 3). *Still unknown:* how real stained
# cells and real scans compare; that takes their files, their licences, and notebook 11.
#
# | paper | module | test |
# |---|---|---|
# | clicks and IoU | `vpuformer/robot/`, `vpuformer/metrics.py` | `tests/robot/` |
# | stored runs | `vpuformer/evaluation.py` | `tests/test_evaluation.py` |

# %%
for name, gain in rises.items():
    print(f"gain of the second click, {name:<8} {gain[0]:+.3f}")
clock("try, break, exercises")
print(f"\n{course.versions(model)}\n\n{clock}")
