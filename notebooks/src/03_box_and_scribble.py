# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '03'
#     minutes_cpu: 0.75
#     houses:
#       equations: [5, 6]
#       algorithms: [1]
#       figures: [4]
#       tables: []
#       sections: [III-B box, III-B scribble]
# ---

# %% [markdown]
# # 03 · How can a box and a scribble be the same kind of vector?
#
# A click has no size and a scribble has no end of details, yet both become W + H + 2 numbers.
# You will encode a box and a stroke by hand, read them back, and find two strokes that no
# network can tell apart.
#
# ![You are here: PuE again, with a box and a scribble.](here/03.png)
#
# | | |
# |---|---|
# | takes | 45 seconds on two CPU cores, the same on a GPU |
# | needs | nothing: a drawn scene, a photo of scikit-image, the shipped weights |
# | paper | Eq. 5, 6, Algorithm 1, Fig. 4, Sec. III-B (box, scribble); readings R5 to R8 |
# | before, after | [02 "How does a click become …?"][02] · [04 "What does the network see?"][04] |
#
# [02]: 02_click_to_vector.ipynb
# [04]: 04_encoders_and_mask.ipynb

# %% [markdown]
# ## Before you start
#
# After this you can
#
# 1. encode a box and a scribble, and say where their size is written;
# 2. run Algorithm 1 on a stroke, step by step;
# 3. name what a stroke loses on the way, and show it.
#
# **Predict.** Two straight strokes, one twice as long as the other. Does the longer one give a
# longer vector, more entries that are not zero, or both? The answer stands at the end.
#
# ## Parameters
#
# Everything below follows from this cell.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here, it is quick
seed = 0  # draws the random points of section 3
out_dir = "out/03"  # folder for the first figure
sigma = 3.0  # width of a click's bump, in cells of the grid
box_reading = "sixth"  # "sixth" | "fixed" | "plateau": Reading R5
n_points = None  # points of a stroke that Algorithm 1 gets, at least 6; None: all of them

# %%
import numpy as np
import torch

import vpucourse as course
import vpuformer as vpu
from vpucourse import curves, overlay, vectors
from vpuformer import config, metrics, pue
from vpuformer.pue.gaussian import quasi_gaussian, spatial_distance

# %%
clock = course.Clock()
cfg = config.PueConfig(length=128, sigma=sigma, box=box_reading)
print(config.dumps(cfg).replace(", ", ",\n"))

# %% [markdown]
# ## The picture first
#
# Our scene and its leaf again, with three gestures that all mean the leaf. Below each gesture
# stands what can be read back from its vector, without the picture and without the gesture;
# only its kind must be told. The paper calls this *restoration*, and this is its Fig. 4.

# %%
image, labels = course.toy()
size = labels.shape
q = pue.encode(list(course.LEAF.values()), size, cfg)
back = [
    pue.restore(vector, size, kind).numpy() for vector, kind in zip(q, course.LEAF, strict=True)
]

# %%
seen = [overlay.overlay(image, prompts=[p], scale=2) for p in course.LEAF.values()]
area = [int((plane > 0).sum()) for plane in back]
finding = "and each can be read back" if min(area) else "and the box is lost"
assert (area[0] < area[1] or box_reading == "fixed") and len({len(v) for v in q}) == 1
course.show(
    curves.strip(
        [*seen, *back],
        [*course.LEAF, *[f"from {q.shape[1]} numbers"] * 3],
        columns=3,
        title=f"Three gestures, vectors of one length, {finding}",
    ),
    "Above, the leaf with a click, a box and a scribble. Below, what their vectors give back: a "
    "small spot, a glow as large as the box, the line of the scribble.",
    keep=f"{out_dir}/three.png",
)
clock("picture first")

# %% [markdown]
# Why one form for all three? Because then one set of weights serves all three. A method that
# feeds clicks as points, boxes as corners and scribbles as maps must learn three languages,
# and each is heard less often in training. Here the network meets one: *a bump over x, a bump
# over y, a sign*. What changes from kind to kind is the bump's shape.

# %% [markdown]
# ## 1 A box: Eq. 5
#
# Let the box have its centre at $x_0$ and its width $w_0$. For a click, the distance of every
# column to the centre counts. For a box, only columns inside it should count. So the distance
# is left as it was inside the box and made infinite outside, where the bell of Eq. 3 then
# gives $e^{-\infty} = 0$.
#
# $$\boxed{\textcolor{#D55E00}{d_s}(i) = \begin{cases} |x_i - x_0| & x_i \text{ in the box} \\
# \infty & \text{else} \end{cases}} \qquad (5)$$
#
# > **Reading R5.** The paper writes "in the box" as the range from 0 to $w_0$, counted from the
# > picture's edge, although $x_0$ is the centre. To the letter, a box whose centre lies well to
# > the right of $w_0$ gets no entry at all. And its σ = 3 makes all boxes alike. We read:
# > inside means at most $w_0/2$ from the centre, and σ is a sixth of the side.
#
# A sixth, because a bell has all but vanished three σ from its top: it then fills the box
# exactly. By hand, on seven columns, a box with centre 3 and width 4, so σ would be 4/6;
# below 1 it is set to 1.


# %%
def bell_in_box(x0, w, length):
    s = max(w / 6, 1)
    d = [abs(x - x0) for x in range(length)]
    return [np.exp(-v * v / (2 * s * s)) if v <= w / 2 else 0.0 for v in d]


print("x", *[f"{x:5d}" for x in range(7)])
print("q", *[f"{value:5.3f}" for value in bell_in_box(3, 4, 7)])
package = pue.encode([vpu.Box(3, 3, 4, 4)], (7, 7))[0, :7]
course.same(bell_in_box(3, 4, 7), package)

# %% [markdown]
# Two entries away from the centre, 2 ≤ 4/2, the column is still inside; the next is 0, not
# small but *exactly* 0. The zeros say where the box ends, and the slope says how large it is.
# Now three boxes with one centre, under three ways to read Eq. 5:

# %%
sides = (12, 36, 100)
cases = {}
for side in sides:
    box = vpu.Box(64, 48, side, side)
    by_reading = {
        name: pue.encode([box], size, config.PueConfig(box=name))[0, :128].numpy()
        for name in ("sixth", "plateau", "fixed")
    }
    cases[f"side {side}"] = {"w/6": by_reading["sixth"], "flat": by_reading["plateau"]} | {
        "letter": by_reading["fixed"]
    }
filled = [int((case["w/6"] > 0).sum()) for case in cases.values()]
letter = [int((case["letter"] > 0).sum()) for case in cases.values()]
print("entries not zero:", filled, "to the letter:", letter)

# %%
assert filled == sorted(filled) and letter[0] == letter[1] == 0
title = "With σ = w/6 the bell fills its box; the letter knows no size"
words = (
    "Three boxes of growing side, each under three readings. A sixth: bells as wide as the box. "
    "Flat: plateaus as wide. The letter: empty for the first two, a needle for the largest."
)
course.show(vectors.stacked(cases, title=title, marks=64), words)
clock("1 boxes")

# %% [markdown]
# ## 2 A scribble: Eq. 6
#
# A stroke is a curve. In each column it stands at some height, and that is what $q_h$ can
# carry: for column i, how far the stroke's point lies *below the top of the stroke's own
# bounding box* (the smallest rectangle around it).
#
# $$\boxed{\textcolor{#D55E00}{d}(i) = |y_i - y_\text{top}|} \qquad (6)$$
#
# Eq. 3 then makes a value of it: 1 where the stroke touches the top, less the deeper it
# hangs, 0 in columns that it never enters. $q_v$ does the same with the left side, row by
# row. Note the turn: a bump over *x* now stores a *y*.
#
# > **Reading R6.** With σ = 3 and the cut at σ, all columns where the stroke hangs more than
# > three pixels deep become 0, as if it had never been there. We take σ as a third of the
# > bounding box's side, and no cut: then every column keeps a value, and the height can be
# > won back from it by solving Eq. 3 for d.

# %%
x = np.linspace(14, 114, 41)
y = 48 + 28 * np.sin((x - 14) / 100 * 2 * np.pi)
drawn = vpu.Scribble(tuple(zip(x.tolist(), y.tolist(), strict=True)))
wave = course.strokes.discrete(drawn, n_points)
ours = pue.encode([wave], size)[0]
literal = pue.encode([wave], size, config.PueConfig(scribble="fixed", cut=1.0))[0]
kept = [int((v[:128] > 0).sum()) for v in (ours, literal)]
columns = pue.restore_points(ours, size)[0].numpy()

# %%
off = np.abs(columns[:, 1] - np.interp(columns[:, 0], *np.transpose(wave.points))).max()
print(f"columns kept: {kept[0]} ours, {kept[1]} to the letter; curve restored to {off:.3f} px")
assert kept[1] < kept[0] / 3 and off < 0.5
course.show(
    curves.strip(
        [overlay.overlay(image, prompts=[wave], scale=2)]
        + [pue.restore(v, size, "scribble").numpy() for v in (ours, literal)],
        ["a wave", f"ours: {kept[0]} columns", f"to the letter: {kept[1]}"],
        title="Cut at σ, most of a stroke vanishes",
    ),
    "A sine-shaped stroke; restored from our vector it is whole. Of the literal vector a few "
    "columns of the upper tip are left, and they come back too low: q_v holds only the rows of "
    "the stroke's left end, and the top is read off them.",
)
clock("2 scribbles")

# %% [markdown]
# ## 3 Which point of a column? Algorithm 1
#
# A stroke may cross a column twice, or lie on ten pixels of it. One value per column means
# one point per column, and the paper's Algorithm 1 chooses it. First the stroke is made
# discrete: N points, at most as many as its bounding box has columns and rows together. They
# are the **pool**.
#
# 1. For each column of the bounding box: draw one of the pool's points in that column at
#    random, write its Eq. 6 and 3 into $q_h$, and *remove it from the pool*.
# 2. For each row: draw one of the remaining points in that row, and write into $q_v$.
#
# > **Reading R7.** A stroke one pixel thin has one point a column. The first loop removes them
# > all, and nothing is left for the second. We remove nothing. And in place of chance we take
# > the *median* point, so that a stroke always gives the same vector
# > (`scribble_point="random"` draws, with a generator).


# %%
def algorithm_by_hand(pool, length, remove, pick):
    """One point a column, then one a row: {column: y}, {row: x}."""
    pool, heights, places = list(pool), {}, {}
    for i in range(length):
        if found := [p for p in pool if p[0] == i]:
            chosen = pick(found)
            heights[i] = chosen[1]
            if remove:
                pool.remove(chosen)
    for j in range(length):
        if found := [p for p in pool if p[1] == j]:
            places[j] = pick(found)[0]
    return heights, places


# %% [markdown]
# A stroke shaped like a V on a grid of 11 columns and 8 rows. Its pixels are easy to list:
# down to the right, then up again.

# %%
pool = [(2, 3), (3, 4), (4, 5), (5, 6), (6, 5), (7, 4), (8, 3), (9, 2)]
middle = lambda points: sorted(points)[(len(points) - 1) // 2]  # noqa: E731
heights, places = algorithm_by_hand(pool, 11, remove=False, pick=middle)
print("column → y", heights)
print("row → x   ", places)
rng = np.random.default_rng(seed)
draw = lambda points: points[rng.integers(len(points))]  # noqa: E731
print("with removal, rows left:", algorithm_by_hand(pool, 11, remove=True, pick=draw)[1])

# %% [markdown]
# With removal the second line is empty: $q_v$ would be all zeros. Without it, both halves are
# full. The values follow from Eq. 6 and 3. The V's box is 5 rows high and
# 8 columns wide; its top is row 2, its left side column 2.

# %%
s_h, s_v = 5 / 3, 8 / 3
q_h = [
    np.exp(-((heights[i] - 2) ** 2) / (2 * s_h**2)) if i in heights else 0 for i in range(11)
]
q_v = [np.exp(-((places[j] - 2) ** 2) / (2 * s_v**2)) if j in places else 0 for j in range(8)]
v_stroke = vpu.Scribble(((2, 3), (5, 6), (9, 2)))
course.same([*q_h, *q_v, 1, 0], pue.encode([v_stroke], (8, 11))[0])

# %% [markdown]
# The same loop, watched in six frames. Bright pixels were chosen, dim ones wait in the pool.
# The line below the grid is $q_h$, the one to its right $q_v$, as far as they are written. Four
# frames are ours; in the last two the chosen points are removed.


# %%
def frame(waiting, chosen, columns=11, rows=0):
    written = np.where(np.arange(11) < columns, q_h, 0), np.where(np.arange(8) < rows, q_v, 0)
    return course.strokes.page(waiting, chosen, *written)


by_column, by_row = list(heights.items()), [(x, y) for y, x in places.items()]
frames = {
    "the pool": frame(pool, [], 0),
    "column 4: 3 points chosen": frame(pool, by_column[:3], 5),
    "all 8 columns written": frame(pool, by_column),
    "rows: 5 points, q_v written": frame(pool, by_row, rows=8),
    "removing: column 5, 4 left": frame(pool[4:], [], 6),
    "removing: no row has a point": frame([], []),
}
assert by_column == pool and len(by_row) == 5
assert not algorithm_by_hand(pool, 11, remove=True, pick=draw)[1]
words = (
    "Six frames of a small V-shaped stroke: points light up column by column while q_h fills "
    "below; five rows fill q_v; with removal the pool runs empty, and q_v stays empty."
)
title = "Algorithm 1 fills columns, then rows, if any are left"
course.show(curves.strip(list(frames.values()), list(frames), columns=3, title=title), words)

# %% [markdown]
# How many points must the pool hold? `n_points` is that N, and `None`, our default, takes a
# point wherever the stroke meets the middle of a column or a row. The wave again, from fewer
# points at equal distances. (Between two of them we go straight, or the columns between would
# stay empty; the paper is silent.)

# %%
far = {}
for n in (6, 11, 21, 41):
    few = pue.encode([course.strokes.discrete(drawn, n)], size)[0]
    back = pue.restore_points(few, size)[0].numpy()
    far[n] = float(np.abs(back[:, 1] - np.interp(back[:, 0], x, y)).max())
print("N → worst height (px):", {n: round(value, 2) for n, value in far.items()})
assert list(far.values()) == sorted(far.values(), reverse=True)
clock("3 Algorithm 1")

# %% [markdown]
# > **Reading R8.** For boxes and scribbles the paper keeps or drops the visual distance of
# > notebook 02 without a word. We use none, for every kind.
#
# ## 4 What is lost
#
# One point a column and one a row cannot hold everything. Where a column is crossed twice our
# median takes the upper point, and where a row is crossed twice the left one. Whatever
# lies below and to the right is unseen. So here are two different strokes.

# %%
corner = ((20, 80), (21, 16), (100, 15))
hook = vpu.Scribble(corner)
loop = vpu.Scribble((*corner, (99.5, 79.5), (20.2, 80)))
pair = pue.encode([hook, loop], size)
gap = float((pair[0] - pair[1]).abs().max())
print(f"largest difference of the two vectors: {gap:.4f}")
assert gap < 0.02
course.show(
    curves.strip(
        [overlay.overlay(image, prompts=[s], scale=2) for s in (hook, loop)]
        + [pue.restore(pair[1], size, "scribble").numpy()],
        ["a hook", "a loop", "restored from either"],
        title="Two strokes, one vector",
    ),
    "A hook along the upper and left side, a closed loop through the same corner, and the one "
    "line that both vectors give back.",
)

# %% [markdown]
# Is this a flaw? For a stroke *along* an object, as people draw them, hardly: it crosses each
# column once, or each row. For drawn circles it is. A map would keep the loop, and be as much
# larger as notebook 02 has counted.
#
# ## 5 Does the network read the size?
#
# Four boxes on the photo, one centre, growing sides. The shipped model gets one of them at a
# time, as its only prompt.

# %%
model = vpu.load("lite0")
photo, truth = course.photo("coffee")
predictor = vpu.Predictor(model, precision="float32")
predictor.set_image(photo)
grown = []
for w in (60, 160, 250, 360):
    predictor.reset()
    grown.append((w, predictor.add(vpu.Box(290, 162, w, 0.8 * w)).mask))

# %%
shares = [float(mask.mean()) for _, mask in grown]
assert shares[0] < shares[2] < shares[3]
course.show(
    curves.strip(
        [
            overlay.overlay(photo, mask, prompts=[vpu.Box(290, 162, w, 0.8 * w)], scale=0.3)
            for w, mask in grown
        ],
        [f"{w} wide: {share:.0%}" for (w, _), share in zip(grown, shares, strict=True)],
        title="A wider bell, a larger mask",
    ),
    "Four boxes of growing size around the coffee, each with its mask, which grows with it.",
)
clock("4-5 losses, network")

# %% [markdown]
# ## Try it
#
# Run the next cell and draw on the scene: press `s` for the stroke, then drag. Below it you pick
# your stroke (`yours`), or one of four, and move $i$, the column that Algorithm 1 has come to.
# What lies to the right of $i$ is not written yet. (Reading a height back needs $q_v$ too, so
# we let it stand whole.) Four states stand below.

# %% tags=["nbval-ignore-output"]
strokes = {"wave": wave, "hook": hook, "loop": loop, "leaf": course.LEAF["scribble"]}
states = [("wave", 40), ("wave", 127), ("hook", 127), ("loop", 127)]
live = vpu.PromptWidget(image, model)


def told(stroke="wave", i=127):
    yours = [p for p in live.session.prompts if isinstance(p, vpu.Scribble)] or [wave]
    chosen = strokes.get(stroke, yours[-1])
    plane = pue.restore(pue.encode([chosen], size)[0], size, "scribble").numpy()
    plane[:, i + 1 :] = 0  # columns that the loop has not come to
    return overlay.overlay(image, prompts=[chosen], scale=2), plane


live

# %% tags=["nbval-ignore-output"]
draw_stroke = lambda **at: curves.strip(told(**at), ["stroke", "read back"])  # noqa: E731
course.explore(draw_stroke, "A stroke.", stroke=[*strokes, "yours"], i=(0, 127))
over, read = zip(*(told(*state) for state in states), strict=True)
assert (read[0] > 0).sum() < (read[1] > 0).sum() and np.allclose(read[2], read[3], atol=0.05)
names = [f"{stroke}, i = {i}" for stroke, i in states] + ["read back"] * 4
title = "A stroke is written column by column; the loop gives what the hook gives"
words = "A wave up to column 40 and whole, a hook, a loop; below what can be read back."
course.show(curves.strip([*over, *read], names, columns=4, title=title), words)

# %% [markdown]
# ## Break it
#
# A click and two boxes around it, 20 and 200 pixels wide, on the paper's grid of 448. Three ways
# to read Eq. 5. First the letter, the range from 0 to $w_0$. Then our range, half a width from
# the centre, with the paper's σ = 3 and its cut at σ. Then σ = $w_0/6$.

# %%
grid, literal = (448, 448), config.PueConfig(box="fixed", cut=1.0)
d = spatial_distance(torch.tensor([224.0]), 448)[0]
click = pue.encode([vpu.Click(224, 224)], grid, literal)[0, :448]
for w in (20, 200):
    box = vpu.Box(224, 224, w, w)
    letter, sixth = (pue.encode([box], grid, c)[0, :448] for c in (literal, config.PueConfig()))
    half = torch.where(d <= w / 2, quasi_gaussian(d, 3.0, 1.0), torch.zeros(448))
    counts = [int((q > 0).sum()) for q in (letter, half, sixth)]
    same_as_click = half.equal(click)
    print(
        f"box {w}: entries not zero {counts}; by half-width the click's own q: {same_as_click}"
    )
    assert same_as_click and counts == [0, 7, w + 1]

# %% [markdown]
# To the letter there is no box; by half-width it has become an expensive click, whatever its
# size; with σ = $w_0/6$ the count of entries is the width again, and one. σ must know the box.
#
# ## Exercises
#
# **P · Predict.** A straight stroke grows to twice its length. What grows: the vector's
# `"length"`, the number of its `"entries"` above zero, or `"both"`?

# %%
answer = None  # "length", "entries" or "both"
course.checks.ex("03.P", answer)

# %% [markdown]
# **B · Build.** Eq. 5 under our reading, without looking at section 1: one axis of a box, a
# value for each of `length` columns. Outside the box exactly 0; σ a sixth of the side, and at
# least 1; a box thinner than a pixel still holds half a pixel to each side of its centre.


# %%
def box_by_hand(x0, w, length):
    raise NotImplementedError


course.checks.ex("03.B", box_by_hand)

# %% [markdown]
# **E · Extend.** Find two strokes on the toy scene's grid (128 × 96) whose vectors differ as
# little as you can, 0.02 in an entry at most, but whose enclosed areas (their ends joined by a
# line) have an IoU below 0.3. Return the pair.


# %%
def twins():
    raise NotImplementedError


areas = [course.strokes.enclosed(stroke) for stroke in (hook, loop)]
print(f"to beat: hook and loop, {gap:.4f} apart with an IoU of {metrics.iou(*areas):.2f}")
course.checks.ex("03.E", twins)

# %% [markdown]
# Solutions stand apart, in `notebooks/solutions/03_box_and_scribble.ipynb`.
#
# ## What we know now
#
# A box is a bell that fills it, and zero outside; its size is written in the bell's width. A
# scribble stores, column by column, how deep it hangs below its bounding box, and row by row
# how far right it lies. All three gestures have one length and can be read back; a stroke that
# crosses a column twice, only in part.
#
# *The prediction:* entries. The length is W + H + 2 for every gesture. *Still unknown:* how
# much the network suffers from the lost half of a loop. Our robot (notebook 01) draws from end
# to end, never a loop, and the paper does not say how its own draws.
#
# | paper | module | test |
# |---|---|---|
# | Eq. 5 | `vpuformer/pue/box.py` | `tests/pue/test_axes.py` |
# | Eq. 6, Algorithm 1 | `vpuformer/pue/scribble.py` | `tests/pue/test_axes.py` |
# | Fig. 4 | `vpuformer/pue/restore.py` | `tests/pue/test_restore.py` |

# %%
short, double = (
    pue.encode([vpu.Scribble(((10, 10), (10 + n, 10 + n)))], size)[0] for n in (30, 60)
)
print(
    "length:",
    len(short),
    len(double),
    "entries:",
    *[int((v > 0).sum()) for v in (short, double)],
)
clock("try, break, exercises")
print(f"\n{course.versions(model)}\n\n{clock}")
