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
# | | |
# |---|---|
# | takes | two minutes on two CPU cores, the same on a GPU |
# | needs | nothing: the stored runs in `results/`, a photo of scikit-image, the shipped weights |
# | paper | Tables I and II, Fig. 6 and 7, Sec. IV-A (data) and IV-C.1 live here |
# | before, after | [07 "Train it from nothing"][07] · [09 "Which idea pays?"][09] |
# | you are here | **encoder → PuE → DMA → decoder**, on real photos |
#
# [07]: 07_train_from_nothing.ipynb
# [09]: 09_which_idea_pays.ipynb

# %% [markdown]
# ## Before you start
#
# After this you can
#
# 1. launch, resume and evaluate a training run on real data, and name what it cost;
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
limit = 6  # drawn scenes in "Break it"
results = None  # folder of the stored runs; None: it is looked for

# %%
from pathlib import Path

import numpy as np

import vpucourse as course
import vpuformer as vpu
from vpucourse import curves, overlay, palette
from vpuformer import baselines, cli, config, evaluation, metrics
from vpuformer.data import samples, scenes
from vpuformer.robot.next_prompt import next_click
from vpuformer.training import recipes

# %%
clock, stored = course.Clock(), "val_lite0_click.jsonl"
near = ["results", "../results", Path(vpu.__file__).parents[1] / "results"]
room = next(
    (Path(r) for r in ([results] if results else near) if Path(r, stored).is_file()), None
)
assert room, (
    f"No {stored} in {results or 'results'}. The stored runs come with the repository: clone it, "
    "and give the path of its folder `results` as the parameter of that name.")  # fmt: skip

# %%
model = vpu.load("lite0")
SETS = {"grabcut": "GrabCut", "voc": "Pascal VOC", "coco": "COCO"}
key = lambda row: (row["set"], row["image"], row["instance"])  # noqa: E731


def runs_of(name):
    rows = evaluation.read_results(room / f"val_{name}_click.jsonl")[1]
    return {s: [r for r in rows if r["set"] == s and r["ious"]] for s in SETS}


ours, cut = runs_of("lite0"), runs_of("grabcut")
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

# %%
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
#
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
# "For choosing" is a confession: which weights we ship, and whether to zoom, was decided on
# GrabCut, VOC and COCO. A number on a set that was used to choose is no test score; it
# flatters. The paper does not say on what it chose.
#
# Photos belong to people. Most of ours come with no stated licence, some forbid commercial use;
# they may serve research, and none is passed on. What was used stands in the **card** of the
# weights, source by source:

# %%
sources = model.card["data"]
for labels in ("human", "teacher"):
    rows = [row for row in sources if row["labels"] == labels]
    count = {name: sum(row[name] for row in rows) for name in ("photos", "masks")}
    unstated = sum(row["photos"] for row in rows if row["licence"] == "unstated")
    print(f"masks by a {labels:<8} {count}, photos without a stated licence: {unstated}")

# %% [markdown]
# A **teacher** is another model whose masks were taken over, parts and stuff among them.
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
print(config.dumps(getattr(recipes, recipe)())[:300], "...")
if data and profile in ("gpu", "paper"):
    assert cli.main(train) == 0

# %% [markdown]
# The shipped weights took several such runs, **legs**, each from the weights of the one before.
# A **crop** is what the network sees in training: a square cut around an object. By hand:
# steps times crops a step. Two numbers on the card must agree with that, and we can compare
# with the paper's plan on SBD, 55 passes over 8,498 photos.

# %%
legs, card = [], model.card
while card:
    legs.insert(0, card)
    card = card.get("start", {}).get("card")
by_hand = [leg["steps"] * leg["recipe"]["batch_size"] for leg in legs]
crops, plan = sum(by_hand), 55 * 8498
print(f"crops {by_hand}, in all {crops:,}; the paper's plan on SBD {plan:,}, "
      f"{plan / crops:.0f} times as many")  # fmt: skip
course.same(plan // 32, recipes.paper("mit_b0").steps)
course.same(by_hand, [leg["samples"] for leg in legs])

# %%
for leg in legs:
    row = dict(zip(leg["curve_columns"], leg["curve"][-1], strict=True))
    row |= {"hours": leg["hours"], "crops up to": f"{leg['recipe']['crops'][-1][1]} px"}
    print(leg["hardware"], {k: row[k] for k in ("hours", "crops up to", "iou1", "iou3")})
clock("1-2 data, run")

# %% [markdown]
# Do not read progress off these lines. Legs differ in the size of their crops and in what they ask
# for, smaller things for instance; a training number compares with nothing but itself. The hours
# are those of the machine named in the line. By the plan alone, the paper's run on SBD sees as
# many more crops as printed above, all of them at 448 pixels.
#
# ## 3 The paper's tables
#
# Table I: trained on SBD. Table II: trained on COCO and LVIS. Mean clicks to 85 and 90 %, so
# lower is better; a dash was not given. SAM and SEEM are models for any task, whose numbers the
# paper takes over.

# %%
header, *rows = (row.split(",") for row in (room / "paper_tables.csv").read_text().split())
table = {tuple(row[:3]): np.array([c or np.nan for c in row[3:]], float) for row in rows}
print(" " * 31, *(f"{name:>12}" for name in header[3::2]))
for (number, *names), row in table.items():
    text = " ".join(f"{c:5.2f}" for c in row).replace("nan", "  -")
    print(f"{number:<3}{names[0]:<16}{names[1]:<12}", text)
theirs = {k[:2]: row for k, row in table.items() if k[2] == "VPUFormer"}
assert points["paper, ViT-B"] == tuple(theirs["II", "ViT-B"][:2])

# %% [markdown]
# Read such tables with a pencil. In Table II, RITM's row joins numbers of *two* models: those on
# GrabCut and Berkeley belong to its HRNet-18s trained with earlier masks, those on SBD and
# DAVIS to a larger HRNet-18 trained without, as RITM's own list shows. For the first model that
# list says 4.04 and 6.48 on SBD. No harm was meant, and one row of a table is wrong for good.
#
# Now ours beside the paper's, on the one set in common, each gap with what differs:
#
# * **data**: the photos counted in section 1, against SBD or COCO and LVIS;
# * **length**: the crops of section 2;
# * **encoder**: ours has 2.9 million weights; ResNet-50 and ViT-B many times that;
# * **readings**: where the paper is open we chose (R1 to R14), and the last mask enters late.
#
# And one in our favour: GrabCut chose our weights.

# %%
rows = ours["grabcut"]
here = metrics.bootstrap(clicks(rows), [row["image"] for row in rows])
less, more = here.mean - here.low, here.high - here.mean
gaps = {f"{number}: {name}": here.mean - row[1] for (number, name), row in theirs.items()}
heavy = {"I: ResNet-50", "II: ViT-B"}  # encoders many times as large as ours
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

# %%
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

# %%
half = np.ptp(bootstrap_by_hand(np.tile(clicks(ours["grabcut"]), 2))) / 2
gap = table["II", "ViT-B", "SimpleClick"][3] - theirs["II", "ViT-B"][3]
print(f"100 objects, spread as ours: ± {half:.2f} clicks; the gap on Berkeley's 100: {gap:.2f}")
assert gap < half

# %% [markdown]
# Most gaps between two good methods in these tables are small against such an interval. (Better
# methods spread less, and we do not have their runs.) What rescues a comparison is that both
# met the *same* objects: then the difference on each object can be drawn, and what makes an
# object hard for both cancels. Exercise E does that.
#
# Objects of one photo are no independent draws either; the package draws them together.
#
# ## 5 Wins and losses, by rule
#
# The paper's Fig. 7 shows chosen pictures. Chosen by whom? Here a rule: sort the objects by
# clicks to 90 %, then by last IoU; take the first, the middle and the last. Above, IoU after each
# click, ours (blue) and cv2.grabCut (vermillion, dashed), and the 90 % line. Below, where the
# first five clicks of ours fell, in pixels of a photo that we may not show.

# %%
rule = lambda row: (metrics.noc(row["ious"], 0.9), -row["ious"][-1], key(row))  # noqa: E731
ranked = sorted(ours[dataset], key=rule)
rival = {key(row): row for row in cut[dataset]}


def replay(top, low, row):
    for i, run in enumerate(filter(None, (row, rival.get(key(row))))):
        colour, dash, marker = palette.curve(i)
        rounds = range(1, len(run["ious"]) + 1)
        top.plot(rounds, run["ious"], color=colour, ls=dash, marker=marker, ms=4)
    top.axhline(0.9, color=palette.GREY, lw=0.8, ls=":")
    top.set(title=row["image"], xlim=(0.5, 20.5), ylim=(0, 1.02), xlabel="clicks")
    for k, p in reversed([*enumerate(row["prompts"][:5], 1)]):
        colour, marker = palette.of_sign(p["positive"]), "so"[p["positive"]]
        low.plot(p["x"], p["y"], marker, ms=11, color=colour, mec=palette.PAPER)
        low.text(
            p["x"], p["y"], k, color=palette.PAPER, ha="center", va="center_baseline", size=9
        )
    low.set_aspect("equal", "datalim")
    low.set(xlabel="x (pixels)")
    low.margins(0.25)
    low.invert_yaxis()


# %%
def replays(rank=1, *more, title=""):
    figure = curves.sheet(4.2, title)
    with curves.style():
        axes = figure.subplots(2, 1 + len(more), squeeze=False)
        for column, place in zip(axes.T, (rank, *more), strict=True):
            replay(*column, ranked[place - 1])
        axes[0, 0].set_ylabel("IoU (0 to 1)")
        axes[1, 0].set_ylabel("y (pixels)")
    return figure


by_rule = 1, (len(ranked) + 1) // 2, len(ranked)
print("clicks to 90 %:", counts := [rule(ranked[rank - 1])[0] for rank in by_rule])
assert counts == sorted(counts)
course.explore(replays, "One object's clicks.", rank=(1, len(ranked)))
course.show(replays(*by_rule, title="Fig. 7 by rule: the first, the middle, the last"),
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
    who.set_image(picture)
    asked, masks = [], [np.zeros_like(truth)]
    for k in range(1, 4):
        asked.append(next_click(truth, masks[-1], asked))
        masks.append(who.add(asked[-1]).prob > 0.49)
        if k != 2:
            seen = {"prompts": [*asked], "gt_mask": truth, "scale": 300 / truth.shape[1]}
            iou = metrics.iou(truth, masks[-1])
            yield overlay.overlay(picture, masks[-1], **seen), f"{name}, {k}: {iou:.2f}"


# %%
toy, labels = course.toy()
scenery = [course.photo("coffee"), (toy[:80, 8:], labels[:80, 8:] == 4)]  # both 2 : 3
who = {"ours": vpu.Predictor(model, precision="float32"), "grabCut": baselines.GrabCut()}
shown = [turn for pair in scenery for name in who for turn in play(name, who[name], *pair)]
course.show(curves.strip(*zip(*shown, strict=True), columns=4, title="Colours do for a drawing"),
            "The cup and the drawn leaf, each by ours and by cv2.grabCut after one click and after "
            "three, with the truth dashed.")  # fmt: skip
clock("4-5 intervals, replays")

# %% [markdown]
# The classical method asks only for colours that differ. The drawn leaf is flat in colour and done
# at the first click; the cup has its saucer's colour, and there a network must know what a cup
# is. Two pictures prove nothing; that is why section 3 counts all fifty photos.
#
# ## Try it
#
# The control above the figure by rule replays any object of the set; that figure is its static
# strip. Look for a run that reaches 85 % early and 90 % late: there lives most of a mean.
#
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
figure = curves.lines(lines, range(len(sides)), title="One pixel off: even the perfect answer",
                      xlabel="side of the object (pixels)", ylabel="IoU (0 to 1)")  # fmt: skip
figure.axes[0].set_xticks(range(len(sides)), sides)
course.show(figure, "The IoU of a perfect answer with a truth shifted by one pixel, against the "
            "object's side: below 90 % for small ones, near 1 for large ones.")  # fmt: skip

# %% [markdown]
# An object less than 19 pixels wide can then never reach 90 %. Now games: the robot plays with
# `lite0` on drawn scenes, once against the truth, once against the shifted one.

# %%
short, games = evaluation.EvaluationConfig(max_rounds=10), []
for i in range(limit if profile != "smoke" else 1):
    picture, labels = scenes.scene(2_000_000 + seed + i)
    truth = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    for mask in (truth, shifted(truth)):
        sample = samples.Sample("scenes", f"{i}", 1, picture, mask)
        games.append(evaluation.run_sample(who["ours"], sample, short)["ious"])
right, wrong = ([metrics.noc(game, 0.9, 10) for game in games[k::2]] for k in (0, 1))
softer = clicks(ours["grabcut"], 0.89).mean() - here.mean
print(f"NoC@90 on drawn scenes {np.mean(right):.2f}, truth one pixel off {np.mean(wrong):.2f}")
print(f"GrabCut, stored: asking for 89 instead of 90 % changes the mean by {softer:.2f} clicks")
assert softer <= 0

# %% [markdown]
# The loss is about $2/s$: more than one per cent of IoU on every object less than 200 pixels wide.
# And one per cent moved the mean on GrabCut by what the second line says. Compare that with the
# differences by which the tables of section 3 are won.
#
# ## Exercises
#
# **P · Predict.** In Tables I and II, 39 cells of VPUFormer have a rival with the same backbone.
# In how many of them is VPUFormer *not* the best?

# %%
answer, lost = None, 0  # a number from 0 to 39
for place, row in theirs.items():
    others = [r for k, r in table.items() if k[:2] == place and k[2] != "VPUFormer"]
    lost += sum(bool((r < mine).any()) for r, mine in zip(np.array(others).T, row, strict=True))
course.checks.ex("08.P", answer, best=lost)

# %% [markdown]
# **B · Build.** Mean NoC and the number of failures (never at the target within 20 clicks) from
# the stored runs, a list of IoUs for each object. The check shows the largest difference from
# the package, which must be below 0.001.


# %%
def noc_and_nof_by_hand(runs, target):
    raise NotImplementedError


def off(by_hand, target=0.9):
    runs = [row["ious"] for rows in ours.values() for row in rows]
    nocs = [metrics.noc(run, target) for run in runs]
    wanted = np.mean(nocs), metrics.nof(runs, target).never
    return float(np.abs(np.subtract(by_hand(runs, target), wanted)).max())


course.checks.ex("08.B", noc_and_nof_by_hand, trial=off, beat=1e-3)

# %% [markdown]
# **E · Extend.** A 95 % interval for the mean difference, clicks of cv2.grabCut minus ours, on
# VOC: two arrays, one number for each object, in the same order. It must hold the difference
# itself, and be narrower than what two separate intervals leave open, their widths added. (An
# honest one. The check cannot see whether you cheat.)


# %%
def interval(a, b):
    raise NotImplementedError


def width(of):
    low, high = of(*pair)
    return float(high - low) if low < np.subtract(*pair).mean() < high else np.inf


of_voc = {key(row): row for row in cut["voc"]}
pair = [clicks(rows) for rows in ([of_voc[key(row)] for row in ours["voc"]], ours["voc"])]
(a, b), (c, d) = map(bootstrap_by_hand, pair)
course.checks.ex("08.E", interval, trial=width, beat=(b - a) + (d - c))

# %% [markdown]
# Solutions stand apart, in `notebooks/solutions/08_real_data.ipynb`.
#
# ## What we know now
#
# On easy photos a small model comes within a click or two of the paper's; on small parts inside
# larger things it fails often. A table's second decimal is worth
# little without an interval, the same objects and the same truth. Wins and losses chosen by rule
# tell more than pictures chosen by hand.
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
