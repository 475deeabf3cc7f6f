# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '08'
#     minutes_cpu: 2
#     houses:
#       equations: []
#       algorithms: []
#       figures: [6, 7]
#       tables: [I, II]
#       sections: [IV-A data, IV-C.1]
# ---

# %% [markdown]
# # 08 · How good is it on real photos? The full model, trained and measured
#
# The shipped weights learned from photos, and a robot examined them on photos. The runs are
# stored, click by click. You will read them, set them beside the paper's numbers, and say what
# a difference is worth.
#
# ![You are here: the whole road, its score and its training, on real photos.](here/08.png)
#
# | | |
# |---|---|
# | takes | two minutes on two CPU cores, the same on a GPU |
# | needs | nothing: the stored runs in `results/`, a photo of scikit-image, the shipped weights |
# | paper | Tables I and II, Fig. 6 and 7, Sec. IV-A (data) and IV-C.1 live here |
# | before, after | [07 "Train it from nothing"][07] · [09 "Which idea pays?"][09] |
#
# [07]: 07_train_from_nothing.ipynb
# [09]: 09_which_idea_pays.ipynb

# %% [markdown]
# ## Before you start
#
# After this you can
#
# 1. get photos lawfully, launch, resume and evaluate a training run, and name what it cost;
# 2. compare two methods honestly: same objects, same robot, an interval, losses shown too;
# 3. find out how much of a difference the truth itself can make.
#
# **Predict.** Draw every true mask one pixel too far to the right. How much does that alone cost
# a *perfect* answer on an object 20 pixels wide: 1, 3 or 10 % of IoU? The answer stands at the
# end.
#
# ## Parameters
#
# Everything below follows from this cell. No photo of a data set is shown, here or anywhere in
# this course: their terms do not allow it, and what we need are the numbers.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the last two train when `data` is given
seed = 0  # draws resamples and scenes
out_dir = "out/08"  # folder for the first figure
recipe = "shipped"  # "shipped" | "onward" | "paper": the numbers of a training run
data = None  # folder of training shards (notebook text, section 2); None: nothing is trained
dataset = "grabcut"  # "grabcut" | "voc" | "coco": whose objects are ranked in section 5
limit = 2  # pictures played live in section 5, three clicks each: 1 or 2
results = "results/val_lite0_click.jsonl"  # the stored run of ours; others lie beside it

# %%
import json
from pathlib import Path

import numpy as np

import vpucourse as course
import vpuformer as vpu
from vpucourse import browsing, curves, overlay, palette
from vpuformer import baselines, cli, config, evaluation, metrics
from vpuformer.training import recipes

# %%
clock, model = course.Clock(), vpu.load("lite0")
near = [Path(up, results) for up in (".", "..", Path(vpu.__file__).parents[1])]
stored = next((path for path in near if path.is_file()), None)
if stored is None:
    raise FileNotFoundError(f"No {results}. It comes with the repository: clone it, and give that "
                            "file's path as the parameter `results`.")  # fmt: skip
room, SETS = stored.parent, {"grabcut": "GrabCut", "voc": "Pascal VOC", "coco": "COCO"}


def runs_of(path):
    rows = [row for row in evaluation.read_results(path)[1] if row["ious"]]
    return {(row["set"], row["image"], row["instance"]): row for row in rows}


rival = runs_of(room / "val_grabcut_click.jsonl")
pairs = [(row, rival[key]) for key, row in runs_of(stored).items() if key in rival]
games = {s: [pair for pair in pairs if pair[0]["set"] == s] for s in SETS}
ours, cut = ({s: [pair[k] for pair in games[s]] for s in SETS} for k in (0, 1))
print({name: len(ours[s]) for s, name in SETS.items()}, "objects")

# %% [markdown]
# ## The picture first
#
# In the manner of the paper's Fig. 6: the mean IoU after each click, first on GrabCut, the one
# set that the paper and we both measured. A curve of the paper cannot be read off its
# picture to two digits, but its tables can: **NoC@85**, the mean number of clicks to an IoU of
# 85 % (notebook 01), is a point in this picture, and so is NoC@90.
#
# `cv2.grabCut` is the classical method beside us: no network, colours only, under the same robot.


# %%
def mean_iou(rows, rounds):
    return [float(np.mean([metrics.iou_at(row["ious"], k) for row in rows])) for k in rounds]


def clicks(rows, target=0.9):
    return np.array([metrics.noc(row["ious"], target) for row in rows])


both = {"ours": ours["grabcut"], "cv2.grabCut": cut["grabcut"]}
points = {n: [clicks(rows, t).mean() for t in (0.85, 0.9)] for n, rows in both.items()}
points |= {"paper, SegFormer-B0": (1.54, 1.68), "paper, ViT-B": (1.34, 1.40)}
lines, rounds = {name: mean_iou(rows, range(1, 9)) for name, rows in both.items()}, range(1, 9)
figure = curves.lines(lines, rounds, title="Fig. 6, our model: ahead of the old at every click",
                      xlabel="clicks", ylabel="mean IoU (0 to 1)")  # fmt: skip
for (name, pair), sign, ink in zip(points.items(), "PX*D", palette.CURVES, strict=False):
    shade = palette.INK if "paper" in name else ink
    figure.axes[0].plot(pair, (0.85, 0.9), sign, color=shade, ms=8, label=name)
figure.axes[0].legend(title="NoC@85 and NoC@90", frameon=False, loc="lower right")
assert all(np.greater(lines["ours"], lines["cv2.grabCut"]))
course.show(figure, "Mean IoU on GrabCut after one to eight clicks, ours above cv2.grabCut, with "
            "signs at the mean clicks to 85 and 90 %; the paper's lie further left.",
            keep=f"{out_dir}/fig6.png")  # fmt: skip

# %%
lines = {name: mean_iou(ours[s], range(1, 21)) for s, name in SETS.items()}
figure = curves.lines(lines, range(1, 21), title="Ours: whole objects, and small parts of them",
                      xlabel="clicks", ylabel="mean IoU (0 to 1)")  # fmt: skip
figure.axes[0].set_xticks(range(1, 21))
assert lines["GrabCut"][0] > lines["Pascal VOC"][0] > lines["COCO"][0]
course.show(figure, "Mean IoU of ours after one to twenty clicks: GrabCut highest, VOC below it, "
            "COCO lowest at every click.")  # fmt: skip
clock("picture first")

# %% [markdown]
# The stored runs end when 90 % is reached, and the curves carry that last value on; a run that
# went on would end higher. The signs do not lie on the curves: the mean over objects of *when*
# is another thing than when the *mean* gets there. A few hopeless objects count 20 clicks each.

# %% [markdown]
# ## 1 The data
#
# The paper (Sec. IV-A) trains on one of two sources and tests on sets it calls six, while it
# lists seven:
#
# | set | used for | in the paper | here |
# |---|---|---|---|
# | SBD | training, test | 8,498 photos; 6,671 objects | not used |
# | COCO, LVIS | training | 118 thousand photos, 1.2 million objects | some of COCO |
# | GrabCut | test | 50 photos, 50 objects | for choosing |
# | Berkeley | test | 96 photos, 100 objects | not measured |
# | DAVIS | test | 345 frames of 50 films | not measured |
# | ssTEM, BraTS, OAIZIB | test, medical | notebook 12 | not measured |
#
# "For choosing" is a confession: which weights we ship, and the habits of our predictor (section
# 3), were decided on GrabCut, COCO and VOC (Pascal's photos of 20 kinds of things). A number on
# a set that was used to choose flatters; it is no test score. The paper does not say on what it
# chose.
#
# Each public set has a script that shows its terms before it fetches anything, and checks what came
# (`python data_scripts/berkeley.py`; `docs/data.md` lists them). Photos belong to people. Some of
# ours have no stated licence, some forbid commercial use; they may serve research, and none is
# passed on. What was used stands in the **card** of the weights, source by source:

# %%
sources = model.card["data"]
for labels in ("human", "teacher"):
    rows = [row for row in sources if row["labels"] == labels]
    count = {name: sum(row[name] for row in rows) for name in ("photos", "masks")}
    unstated = sum(row["photos"] for row in rows if row["licence"] == "unstated")
    print(f"masks by a {labels:<8} {count}, photos without a stated licence: {unstated}")

# %% [markdown]
# A **teacher** is another model whose masks were taken over, also of parts and of *stuff* (sky,
# grass, water).
#
# ## 2 The run, and its cost
#
# Training goes on where it stopped: the same command finds its last checkpoint, and on a CPU
# ends with the same bits. The data lie in *shards*, tar files that hold photo after photo; what
# was tried stands in `docs/training.md`. Evaluation wants a folder as in notebook 11, images
# and masks. With `data` and a profile for GPUs, the next cell trains.

# %%
train = ["train", str(data or "runs/train"), "--recipe", recipe, "--out", f"{out_dir}/run"]
made = f"{out_dir}/run/lite0.safetensors"
check = ["evaluate", "runs/val/grabcut", "--model", made, "--out", f"{out_dir}/click.jsonl"]
print("vpuformer", *train, "\nvpuformer", *check)
print(course.folded(config.dumps(getattr(recipes, recipe)()), 4))
if data and profile in ("gpu", "paper"):
    print("training ended with", cli.main(train))

# %% [markdown]
# The shipped weights took several such runs, **legs**, each from the weights of the one before;
# what is shipped is the mean of the last two legs' weights.
# A **crop** is what the network sees in training: a square cut around an object. By hand:
# steps times crops a step. The cards must say the same, and the paper's plan on SBD, 55 passes over
# 8,498 photos, 32 a step, must be that of our recipe `paper`.

# %%
legs, card = [], model.card
while card:
    legs.insert(0, card)
    card = card.get("start", {}).get("card")
by_hand = [leg["steps"] * leg["recipe"]["batch_size"] for leg in legs]
crops, plan = sum(by_hand), 55 * 8498
print(f"crops {by_hand}, in all {crops:,}; the paper's plan on SBD {plan:,}, "
      f"{plan / crops:.0f} times as many")  # fmt: skip
stated = [recipes.paper("mit_b0").steps, *(leg["samples"] for leg in legs)]
course.same([plan // 32, *by_hand], stated)

# %%
for leg in legs:
    row = dict(zip(leg["curve_columns"], leg["curve"][-1], strict=True))
    row |= {"hours": leg["hours"], "crops up to": f"{leg['recipe']['crops'][-1][1]} px"}
    print(leg["hardware"], {k: row[k] for k in ("hours", "crops up to", "iou1", "iou3")})
print(f"what came of them: NoC@90 {clicks(ours['grabcut']).mean():.2f} on GrabCut, "
      f"{clicks(ours['voc']).mean():.2f} on VOC")  # fmt: skip
for row in json.loads((room / "cost_model.json").read_text())["rows"]:
    if row["gpus"] == 1:
        hours = f"{row['hours']['batch 32']:.1f} hours on one GPU"
        print(f"computed, not run: {row['run']}, {row['preset']}: {hours}, NoC unknown")
clock("1-2 data, run")

# %% [markdown]
# Do not read progress off these lines: legs differ in the size of their crops and in what they
# ask for, smaller things for instance. `iou1` and `iou3` are the mean IoU on training crops after
# one prompt and after three. The hours are those of the machine named in the line.
#
# The last lines are larger budgets; `official` is the plan of the authors' released code. Nobody
# has run them. `docs/performance.md` counts operations on stated premises, beside what a few steps
# on a GPU were measured at. What clicks they buy only a run can say. By the plan alone, the paper's
# run on SBD sees several times our crops (the number stands above), all at 448 pixels.
#
# > **Two plans, one name.** The `paper` of the last lines is 55 passes over COCO's 118 thousand
# > photos, 14 times the plan on SBD. At 32 crops a step one GPU mostly waits for its steps to be
# > started (`launching` in `docs/performance.md`), so both encoders take the same hours.
#
# ## 3 The paper's tables
#
# Table I: trained on SBD. Table II: trained on COCO and LVIS. Mean clicks to 85 and 90 %, so
# lower is better; a dash was not given. SAM and SEEM are models for any task, whose numbers the
# paper takes over.

# %%
header, *rows = (row.split(",") for row in (room / "paper_tables.csv").read_text().split())
table = {tuple(row[:3]): np.array([c or np.nan for c in row[3:]], float) for row in rows}
print(f"{'':31}", *(f"{n[:-3]:^11}" for n in header[3::2]), f"\n{'':31}" + 4 * "   @85   @90")
for (number, *names), row in table.items():
    text = " ".join(f"{c:5.2f}" for c in row).replace("nan", "  -")
    print(f"{number:<3}{names[0]:<16}{names[1]:<12}", text)
theirs = {k[:2]: row for k, row in table.items() if k[2] == "VPUFormer"}
assert points["paper, ViT-B"] == tuple(theirs["II", "ViT-B"][:2])

# %% [markdown]
# Read such tables with a pencil: one row of Table II joins numbers of *two* models. Exercise P asks
# which.
#
# Now ours beside the paper's, on the one set in common, each gap with what differs. (The printed
# range, made in section 4, says how far chance alone moves our mean.)
#
# * **data**: the photos counted in section 1, against SBD or COCO and LVIS;
# * **length**: the crops of section 2;
# * **encoder**: ours is small (its weights are counted below); ResNet-50 and ViT-B hold many
#   times that;
# * **readings**: where the paper is open we chose (R1 to R14), and the last mask enters late.
#
# > **In our favour.** GrabCut chose our weights; and it chose, with VOC and COCO, **habits** of our
# > `Predictor` of which the paper says nothing. It zooms in, leaves out parts of a mask that no
# > positive prompt reaches, looks anew after a second click (notebook 12, section 3), and lets its
# > head fit itself to clicks. Printed as the stored run has them (`looks`: how many at most for a
# > first prompt and for a second click; `obeys`: the head's fit), beside the same weights that only
# > leave parts out. `docs/training.md` has every trial.

# %%
rows = ours["grabcut"]
here = metrics.bootstrap(clicks(rows), [row["image"] for row in rows])
less, more = here.mean - here.low, here.high - here.mean
gaps = {f"{number}: {name}": here.mean - row[1] for (number, name), row in theirs.items()}
heavy = {"I: ResNet-50", "II: ViT-B"}  # encoders many times as large as ours
small = sum(p.numel() for p in model.encoder.parameters()) / 1e6
print(f"our encoder: {small:.1f} million weights")
print(f"ours {here.mean:.2f}, between {here.low:.2f} and {here.high:.2f} (95 %)")

# %%
title = f"Ours minus the paper's clicks to 90 %, up to {max(gaps.values()):.1f}"
figure, at = curves.sheet(2.9, title), range(len(gaps))
with curves.style():
    ax = figure.subplots()
    ax.barh(at, gaps.values(), color=palette.CURVES[4], edgecolor=palette.INK)
    ax.errorbar(gaps.values(), at, xerr=[[less], [more]] @ np.ones((1, 5)), fmt="none",
                ecolor=palette.INK, capsize=3)  # fmt: skip
    why = ["\ndata, length, readings" + ", encoder" * (name in heavy) for name in gaps]
    ax.set_yticks(at, map(str.__add__, gaps, why))
    ax.set(xlabel="clicks on GrabCut (line: 95 % interval of ours)")
    ax.invert_yaxis()
how = evaluation.read_results(stored)[0]["config"]
habits = f"zoom {how['zoom']['mode']}, looks {how.get('looks')}, head {how.get('head')}"
plain = clicks([*runs_of(room / "val_lite0_click_plain.jsonl").values()]).mean()
print(f"{habits}: {here.mean:.2f} clicks; lite0 without these: {plain:.2f}")
assert "lite0_click" not in results or here.mean < plain
beyond = sum(gap > less for gap in gaps.values())
print(f"behind by more than the interval: {beyond} of {len(gaps)}")
course.show(figure, "Five bars, ours minus the paper's clicks on GrabCut, what differs beside "
            "each, and the interval of ours around its end.")  # fmt: skip
clock("3 tables")

# %% [markdown]
# Where a line reaches zero, fifty photos cannot tell ours from the paper's; the cell counts the
# others. Which of the reasons weighs most, this picture cannot say; that takes runs that differ
# in one thing (notebook 09).
#
# ## 4 What is a difference worth?
#
# The lines on the bars come from the **bootstrap**: had we met fifty *other* photos, the mean
# would be another. We have no others, so draw fifty from ours, with replacement, take the mean,
# and again, 2,000 times. The middle 95 % of these means are the interval. By hand, three objects
# with 1, 2 and 6 clicks, mean 3: a draw of 6, 6, 1 gives 4.33, one of 1, 1, 2 gives 1.33.


# %%
def bootstrap_by_hand(values, seed=0):
    values = np.asarray(values, float)
    draws = np.random.default_rng(seed).integers(len(values), size=(2000, len(values)))
    return np.quantile(values[draws].mean(1), (0.025, 0.975))


course.same(bootstrap_by_hand(clicks(ours["grabcut"])), here[1:], tolerance=1e-9)

# %% [markdown]
# What rescues a comparison is that both methods met the *same* objects. Then the difference can be
# drawn object by object, and what makes an object hard for both cancels: a **paired** interval.

# %%
his, mine = (clicks([pair[k] for pair in games["voc"]]) for k in (1, 0))
(a, b), (c, d), (low, high) = map(bootstrap_by_hand, (his, mine, his - mine))
print(f"VOC, cv2.grabCut minus ours: {np.mean(his - mine):.2f} clicks, {low:.2f} to {high:.2f}")
print(f"width {high - low:.2f}; two separate intervals leave {b - a + d - c:.2f} open")
assert high - low < b - a + d - c

# %% [markdown]
# Objects of one photo are no independent draws either; the package draws them together.
#
# ## 5 Wins and losses, by rule
#
# Every object is a dot: how well cv2.grabCut does in its first five clicks, how well ours. A
# *replay* of an object shows both games above, ours blue and cv2.grabCut vermillion and dashed,
# and below where our first five clicks fell, in pixels of a photo that we may not show.

# %%
name = SETS[dataset]
browsing.browse({SETS[s]: games[s] for s in SETS})
gap_of = browsing.heights(games[dataset]) @ (-1, 1)
title = f"{name}: ours wins on {(gap_of > 0).sum()} objects and loses on {(gap_of < 0).sum()}"
assert (gap_of > 0).sum() > (gap_of < 0).sum() > 0
course.show(browsing.dots(games[dataset], title=title), "A dot for each object, mean IoU of five "
            "clicks of cv2.grabCut and of ours; our wins lie above the line.")  # fmt: skip

# %% [markdown]
# The paper's Fig. 7 shows chosen pictures. Chosen by whom? Here a rule: sort the objects by our
# clicks to 90 %, then by last IoU; take the first, the middle and the last.

# %%
ranked = browsing.kept(games[dataset])
by_rule = 0, (len(ranked) - 1) // 2, len(ranked) - 1
print("clicks to 90 %:", counts := [int(clicks([ranked[at][0]])[0]) for at in by_rule])
course.show(browsing.replays(ranked, by_rule, "Fig. 7 by rule: the first, the middle, the last"),
            "Three objects: IoU after each click of ours and of cv2.grabCut, and below the places "
            "of our first five clicks, discs positive, squares negative.")  # fmt: skip

# %% [markdown]
# Look at the last one for a while. What is hard for ours is thin (on GrabCut there is a pair of
# scissors), since our maps have a quarter of the picture's size. What is easy for the classical
# method is plain in colour on a calm ground, thin or not; there it may win. A mean hides such
# objects; the number of failures does not.
#
# What a table cannot show is the picture, so here are two that may be shown, in the layout of
# Fig. 7: first click and third, ours and cv2.grabCut.


# %%
def play(name, who, picture, truth):
    """The picture after the robot's first click and after its third, with captions."""
    asked, probs = course.play(who, picture, truth)
    for k in (1, 3):
        seen = {"prompts": asked[:k], "gt_mask": truth, "scale": 300 / truth.shape[1]}
        iou = metrics.iou(truth, probs[k - 1] > 0.49)
        yield overlay.overlay(picture, probs[k - 1] > 0.49, **seen), f"{name}, {k}: {iou:.2f}"


toy, labels = course.toy()
scenery = [course.photo("coffee"), (toy[:80, 8:], labels[:80, 8:] == 4)]  # both 2 : 3
who = {"ours": vpu.Predictor(model, precision="float32"), "grabCut": baselines.GrabCut()}
shown = [turn for pair in scenery[:limit] for by in who for turn in play(by, who[by], *pair)]
assert limit < 2 or shown[-1][1] == "grabCut, 3: 1.00"
course.show(curves.strip(*zip(*shown, strict=True), columns=4, title="Colours do for a drawing"),
            "The cup and the drawn leaf, each by ours and by cv2.grabCut after one click and after "
            "three, with the truth dashed.")  # fmt: skip
clock("4-5 intervals, replays")

# %% [markdown]
# The classical method asks only for colours that differ. The drawn leaf has greens that nothing
# else in the scene has, and is done at the first click; the cup has its saucer's colour, and
# there a network must know what a cup is. Two pictures prove nothing; that is why section 3
# counts all fifty photos.
#
# ## Try it
#
# Above the first picture of section 5 stand the same dots, live: choose a set, wins or losses, and
# a range of clicks to 90 % (20 holds the failures); click a dot, or move the slider with the
# arrow keys, and its replay appears. The figure by rule is the static strip of three. Look for
# a run that reaches 85 % early and 90 % late: there lives most of a mean.

# %% [markdown]
# ## Break it
#
# Nobody's outline is right to the pixel. Shift the truth by *one* pixel and ask a perfect answer.
# By hand: a square of side $s$ and itself shifted share $s(s-1)$ pixels of $s(s+1)$, so that
# $\mathrm{IoU} = (s-1)/(s+1)$; with $s = 20$ that is 19/21.


# %%
def shifted(mask):
    return np.roll(mask, 1, axis=1)


def perfect(side):
    """The IoU of a perfect answer, a square, with its truth one pixel off."""
    square = np.pad(np.ones((side, side), bool), 2)
    return metrics.iou(square, shifted(square))


sides = (5, 10, 20, 40, 80, 160)
course.same([(s - 1) / (s + 1) for s in sides], [perfect(s) for s in sides])

# %%
lines = {"perfect": list(map(perfect, sides)), "90 %": [0.9] * len(sides)}
assert perfect(10) < 0.9 < perfect(20)
figure = curves.lines(lines, range(len(sides)), title="One pixel off: even the perfect answer",
                      xlabel="side of the object (pixels)", ylabel="IoU (0 to 1)")  # fmt: skip
figure.axes[0].set_xticks(range(len(sides)), sides)
course.show(figure, "The IoU of a perfect answer with a truth shifted by one pixel, against the "
            "object's side: below 90 % for small ones, near 1 for large ones.")  # fmt: skip

# %% [markdown]
# An object less than 19 pixels wide can then never reach 90 %. Now games: the robot plays with
# `lite0` on drawn scenes, once against the truth, once against the shifted one.

# %%
exams = [course.examination(6 if profile != "smoke" else 1, 2_000_000 + seed) for _ in range(2)]
for sample in exams[1]:
    sample.gt[:] = shifted(sample.gt)
played = [course.games(who["ours"], exam, 10) for exam in exams]
right, wrong = (np.mean([metrics.noc(game, 0.9, 10) for game in games]) for games in played)
softer = clicks(ours["grabcut"], 0.89).mean() - here.mean
print(f"NoC@90 on drawn scenes {right:.2f}, truth one pixel off {wrong:.2f}: "
      f"{(wrong - right) / 0.1:.0f} times a gap of 0.1")  # fmt: skip
print(f"GrabCut, stored: asking for 89 in place of 90 % changes the mean by {softer:.2f} clicks, "
      f"{softer / -0.1:.1f} times such a gap")  # fmt: skip

# %% [markdown]
# The loss is about $2/s$: more than one per cent of IoU on every object less than 200 pixels wide.
# And one per cent moved the mean on GrabCut by what the second line says. Compare that with the
# differences by which the tables of section 3 are won.
#
# ## Exercises
#
# **P · Predict.** In Tables I and II, 39 cells of VPUFormer have a rival with the same backbone.
# In how many of them is VPUFormer *not* the best? And which method's row in Table II joins two
# models? A hint: for the smaller one, trained with earlier masks, its authors' own list says
# 4.04 and 6.48 on SBD; the row has the numbers of a larger one, trained without.

# %%
answer, lost = None, 0  # (a number from 0 to 39, "the method's name")
for place, row in theirs.items():
    others = [r for k, r in table.items() if k[:2] == place and k[2] != "VPUFormer"]
    lost += sum(bool((r < mine).any()) for r, mine in zip(np.array(others).T, row, strict=True))
course.checks.ex("08.P", answer, best=(lost, "RITM"))

# %% [markdown]
# **B · Build.** Mean NoC and the number of failures (never at the target within 20 clicks) from
# the stored runs, a list of IoUs for each object. The check shows the largest difference from
# the package, which must be below 0.001.


# %%
def noc_and_nof_by_hand(runs, target):
    raise NotImplementedError


def off(by_hand, target=0.9):
    runs = [row["ious"] for row, _ in pairs]
    nocs = [metrics.noc(run, target) for run in runs]
    wanted = np.mean(nocs), metrics.nof(runs, target).never
    return float(np.abs(np.subtract(by_hand(runs, target), wanted)).max())


course.checks.ex("08.B", noc_and_nof_by_hand, trial=off, beat=1e-3)

# %% [markdown]
# **E · Extend.** On Berkeley's 100 objects the paper has 1.71 clicks to 90 %, SimpleClick 1.97. Is
# that gap outside chance? Their clicks, object by object, nobody has printed, so use ours on
# GrabCut: write the half-width of a 95 % interval for the mean of `n` objects drawn from
# `values`. Then say what follows for the gap, for a method that spreads as ours does, and for
# one as good as theirs: ours, its hard objects cut to fewer clicks until the mean is below 1.97.
# The check shows how far you are from $1.96\,\mathrm{std}/\sqrt{n}$; a tenth is allowed.


# %%
def half_width(values, n):
    raise NotImplementedError


def far(of):
    formula = [1.96 * values.std() / 10 for values in (spread, mended)]
    return max(abs(of(v, 100) / f - 1) for v, f in zip((spread, mended), formula, strict=True))


spread, goal = clicks(ours["grabcut"]), table["II", "ViT-B", "SimpleClick"][3]
mended = next(m for cap in range(20, 0, -1) if (m := spread.clip(max=cap)).mean() <= goal)
print(
    f"the gap {goal - theirs['II', 'ViT-B'][3]:.2f}; a mean of {mended.mean():.2f} once mended"
)
course.checks.ex("08.E", half_width, trial=far, beat=0.1)

# %% [markdown]
# Solutions stand apart, in `notebooks/solutions/08_real_data.ipynb`.
#
# ## What we know now
#
# On GrabCut's easy photos a small model comes within one click of the paper's; on small parts
# inside larger things it fails often. A table's second decimal is worth little without an
# interval, the same objects and the same truth. Wins and losses chosen by rule tell more than
# pictures chosen by hand.
#
# *The prediction:* about 10 % on an object of 20 pixels. *Still unknown:* how we do on Berkeley,
# DAVIS and SBD, and how much each reason for the gap weighs.
#
# | paper | module | test |
# |---|---|---|
# | Sec. IV-C.1, runs | `vpuformer/evaluation.py` | `tests/test_evaluation.py` |
# | NoC, intervals | `vpuformer/metrics.py` | `tests/test_metrics.py` |
# | training plans | `vpuformer/training/recipes.py` | `tests/training/test_loop.py` |

# %%
print(f"20 pixels wide, one pixel off: IoU {perfect(20):.3f}")
clock("try, break, exercises")
print(f"\n{course.versions(model)}\n\n{clock}")
