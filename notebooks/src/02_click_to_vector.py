# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '02'
#     minutes_cpu: 0.5
#     houses:
#       equations: [1, 2, 3, 4]
#       algorithms: []
#       figures: [5]
#       tables: []
#       sections: [III-B click]
# ---

# %% [markdown]
# # 02 · How does a click become a vector?
#
# A click is two numbers and a sign. You will turn it into the vector that the network reads,
# first with a pencil, then with the package, and see what the vector keeps and what it loses.
#
# ![You are here: PuE, where a click becomes a vector.](here/02.png)
#
# | | |
# |---|---|
# | takes | half a minute on two CPU cores, the same on a GPU |
# | needs | nothing: a drawn scene, a photo of scikit-image, the shipped weights |
# | paper | Eq. 1 to 4, Fig. 5, Sec. III-B (click) live here; readings R1 to R4 |
# | before, after | [01 "Who is clicking?"][01] · [03 "Boxes and scribbles"][03] |
#
# [01]: 01_robot_and_metrics.ipynb
# [03]: 03_box_and_scribble.ipynb

# %% [markdown]
# ## Before you start
#
# After this you can
#
# 1. compute the vector of a click on paper;
# 2. say what σ and the cut do to it, and count its entries;
# 3. explain why the obvious way of adding colour to it fails.
#
# **Predict.** A row of 448 pixels holds one click. With σ = 3, how many of the row's 448
# entries will not be zero: about 3, about 20, or about 100? The answer stands at the end.

# %% [markdown]
# ## Parameters
#
# Everything below follows from this cell.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" | "cpu" | "gpu" | "paper": the same here, it is quick
seed = 0  # draws the texture of section 2
out_dir = "out/02"  # folder for the first figure
sigma = 3.0  # width of the bump, in cells of the grid
cut = 3.0  # where the bump ends, in sigmas
size = 128  # side of the square grid that the network reads, in cells
visual = "none"  # "none" | "product" | "bilateral": does colour count?

# %%
import numpy as np
import torch

import vpucourse as course
import vpuformer as vpu
from vpucourse import curves, overlay, vectors
from vpuformer import config, pue
from vpuformer.pue import gaussian

# %%
clock = course.Clock()
cfg = config.PueConfig(length=size, sigma=sigma, cut=cut, visual=visual)
print(config.dumps(cfg).replace(", ", ",\n"))

# %% [markdown]
# ## The picture first
#
# Three coins and a leaf: the toy scene of this course, 128 × 96 pixels, and one click on the
# leaf. Above the scene runs the first part of the click's vector, one entry for each column.
# Beside it runs the second part, one entry for each row. Where the click is, both are 1.

# %%
image, labels = course.toy()
height, width = labels.shape
click = course.LEAF["click"]
pixels = torch.from_numpy(image).permute(2, 0, 1) / 255  # 3 H W, 0..1
q = pue.encode([click], (height, width), cfg, pixels)[0].numpy()
q_h, q_v, q_b = np.split(q, [width, width + height])
assert q_h[int(click.x)] == q_v[int(click.y)] == 1 and q_b.tolist() == [1, 0]
course.show(
    vectors.beside_photo(
        image, [click], q_h=q_h[None], q_v=q_v[None], title="A click is two needles and a sign"
    ),
    "Three coins and a leaf with one positive click on the leaf; a narrow bump above it at the "
    "click's column, another beside it at the click's row.",
    keep=f"{out_dir}/needles.png",
)
clock("picture first")

# %% [markdown]
# That is the whole encoding. Why not simply hand over the pair (x, y)? Because a network reads
# coordinates badly: two numbers have to be stretched into a place before they can be compared
# with a picture. The other habit of this field is to paint a small disk into an extra image
# channel. It works, and it is large. PuE, the *prompt-unified encoder* of this paper, stands
# between: it shows the place, as a map does, but along two sides of the picture and not all
# over its area.

# %%
for side in (size, 448):
    print(f"side {side}: a map has {side * side:,} numbers, a vector {2 * side + 2}")

# %% [markdown]
# ## 1 How far is each column? Eq. 1
#
# Take the row of pixels through the click. Each of its columns lies at some distance from the
# click's column. Call the click's column $x_0$, a column $x_i$, and the distance between them
# the **spatial distance** $d_s$. (Code and parameters call a column or row of the picture that
# the network sees a *cell*; one cell, one entry of the vector.)
#
# $$\boxed{\textcolor{#D55E00}{d_s}(i) = |x_i - x_0|} \qquad (1)$$
#
# By hand: seven columns, the click on column 2. You can check each number with a finger.


# %%
def spatial_distance_by_hand(x0, length):
    return [abs(x - x0) for x in range(length)]


print("x_i", list(range(7)), "\nd_s", spatial_distance_by_hand(2, 7))
package = gaussian.spatial_distance(torch.tensor([2.0]), 7)[0]
course.same(spatial_distance_by_hand(2, 7), package)

# %% [markdown]
# The same is done for the column of pixels through the click, with rows in place of columns.
# From here on we follow the row alone, since the other half is its mirror.
#
# ## 2 How different is each pixel? Eq. 2
#
# A click on a green leaf says more than a place. It says *something that looks like this*. So
# the paper also measures how much each pixel of the row differs from the clicked one. Call
# their values $p_i$ and $p_0$, and the difference the **visual distance** $d_v$.
#
# $$\boxed{\textcolor{#009E73}{d_v}(i) = |p_i - p_0|} \qquad (2)$$
#
# > **Reading R1.** A pixel has three channels, and values may run from 0 to 1 or to 255. The
# > paper names neither. We take the length of the colour difference (L2), with values from 0
# > to 255.
#
# By hand, on grey pixels:

# %%
row = [90, 90, 120, 120, 200, 120, 90]


def visual_distance_by_hand(values, x0):
    return [abs(value - values[x0]) for value in values]


# %%
print("p_i", row)
print("d_v", visual_distance_by_hand(row, 2))
as_line = torch.tensor(row, dtype=torch.float32)[None, :, None]  # K L C
package = gaussian.visual_distance(as_line, torch.tensor([2.0]))[0]
course.same(visual_distance_by_hand(row, 2), package)

# %% [markdown]
# ## 3 A bump: Eq. 3
#
# A distance is small at the click and large elsewhere. A network is better served by the
# opposite: 1 at the click, 0 far away. A Gaussian does that. The paper multiplies the two
# distances, $d = d_s \cdot d_v$, and cuts the bell off where $d$ exceeds σ; it calls the result
# a *quasi-Gaussian*.
#
# $$\boxed{\textcolor{#56B4E9}{q}(i) = \begin{cases}
# \exp\!\left(-\dfrac{\textcolor{#E69F00}{d_i}^2}{2\sigma^2}\right)
# & d_i \le \sigma \\ 0 & \text{else}\end{cases}} \qquad (3)$$
#
# First the bell without colour, $d = d_s$. With σ = 3 and the cut at σ, four values are all
# there is: distance 0, 1, 2 and 3.


# %%
def quasi_gaussian_by_hand(distances, sigma):
    return [np.exp(-d * d / (2 * sigma**2)) if d <= sigma else 0.0 for d in distances]


# %%
d = spatial_distance_by_hand(6, 13)
print("d", *[f"{value:5d}" for value in d])
print("q", *[f"{value:5.3f}" for value in quasi_gaussian_by_hand(d, 3)])
course.same(
    quasi_gaussian_by_hand(d, 3),
    gaussian.quasi_gaussian(torch.tensor(d, dtype=torch.float64), 3.0, cut=1.0),
)

# %% [markdown]
# Look at the ends: the values fall from 0.607 to 0 in a single step. A bell cut at one σ has
# lost most of its slopes, and with them the part that tells two neighbouring clicks apart.
#
# > **Reading R3.** The paper cuts at σ. We cut at 3σ, where the bell has already fallen to
# > 0.011, as the authors' later code does. `cut=1.0` is the paper to the letter.
#
# The next figure draws both on the row of our click.

# %%
d_s = gaussian.spatial_distance(torch.tensor([float(click.x)]), width)[0]
bells = {
    name: {"q": gaussian.quasi_gaussian(d_s, 3.0, c).numpy()[68:109]}
    for name, c in (("cut at σ (paper)", 1.0), ("cut at 3σ (here)", 3.0))
}
counts = {name: int((case["q"] > 0).sum()) for name, case in bells.items()}
assert list(counts.values()) == [7, 19]
course.show(
    vectors.stacked(
        bells,
        title="A cut at σ leaves {} entries and a cliff, at 3σ {}".format(*counts.values()),
        marks=20,
        xlabel="column minus 68 (the click's: 20)",
    ),
    "Two bells on the same axis. The left one ends in vertical walls at 0.6, the right one "
    "runs out smoothly.",
)

# %% [markdown]
# ## 4 What multiplying does
#
# Now let colour in, as Eq. 2 and 3 say: multiply the distances, then the bell. Read the
# product aloud. It is zero when *either* factor is zero. A pixel of exactly the clicked colour
# has $d_v = 0$, so $d = 0$ and $q = 1$, *wherever it lies*.
#
# Three rows show it: a flat one, a ramp from dark to light, and a texture. Every panel of a
# column shares its x-axis.

# %%
rng = np.random.default_rng(seed)
x = np.arange(width)
rows = {
    "flat": np.full(width, 120.0),
    "ramp": np.linspace(0, 255, width).round(),
    "texture": (120 + 8 * rng.standard_normal(width)).round(),
}
at, columns, product = torch.tensor([float(click.x)]), {}, {}
for name, values in rows.items():
    line = torch.tensor(values, dtype=torch.float32)[None, :, None]
    d_v = gaussian.visual_distance(line, at)[0]
    product[name] = gaussian.quasi_gaussian(d_s * d_v, 3.0, cut=1.0).numpy()
    columns[name] = {"pixel": values, "d_s": d_s.numpy(), "d_v": d_v.numpy()}
    columns[name] |= {"d": (d_s * d_v).numpy(), "q": product[name]}
ones = {name: int((values == 1).sum()) for name, values in product.items()}
print("entries that are 1:", ones)
assert ones["flat"] == width and ones["ramp"] < 5

# %%
course.show(
    vectors.stacked(
        columns,
        title=f"On flat ground all {ones['flat']} entries of the product are 1",
        marks=click.x,
    ),
    "Pixel values, both distances, their product and q for a flat row, a ramp and a "
    "texture. On the flat row q is 1 everywhere, on the ramp it is a needle, on the texture "
    "needles stand wherever the colour happens to return.",
)
clock("1-4 distances and bumps")

# %% [markdown]
# The paper states that only two elements of a click's vector are 1, one in each half. On the
# ramp the product keeps that promise. On a wall, a sky or a table top it breaks it, and the
# click's place is gone.
#
# > **Reading R2.** "Multiply" can mean the distances (the letter) or the similarities. Ours:
# > `visual="none"`, no colour at all, which is also what the authors' code does.
# > `visual="product"` is the letter. `visual="bilateral"` multiplies two bells, one over place
# > and one over colour: *near and alike*, where the product says *near or alike*. It keeps a
# > single 1, and a width of 20 grey levels for the colour.
#
# Below, the three readings on a cartoon of our scene (each object painted in its mean colour),
# for a click on the table. The picture behind each vector is the **outer product**
# $q_v\, q_h^{\top}$: the value at row y and column x is $q_v(y)\, q_h(x)$. It shows in two
# dimensions what the two halves can still say.

# %%
means = np.stack([image[labels == k].mean(0) for k in range(5)]).astype(np.uint8)
cartoon = means[labels]
table = vpu.Click(20, 60, positive=False)
photo, truth = course.photo("coffee")
planes, spread = [], {}
for reading in ("none", "bilateral", "product"):
    as_read = config.PueConfig(visual=reading, cut=1.0 if reading == "product" else 3.0)
    for name, picture, c in (
        ("photo", photo, vpu.Click(290, 150)),
        ("cartoon", cartoon, table),
    ):
        there = picture.shape[:2]
        see = torch.from_numpy(picture).permute(2, 0, 1) / 255
        vector = pue.encode([c], there, as_read, see)
        spread[name, reading] = int((vector[0, :-2] > 0).sum())
    planes.append(pue.restore(vector, there, "click")[0].numpy())
for name in ("photo", "cartoon"):
    print(name, {r: n for (where, r), n in spread.items() if where == name})
assert spread["photo", "product"] < spread["photo", "none"] < spread["cartoon", "product"]

# %%
shown = overlay.overlay(cartoon, prompts=[table], scale=2)
course.show(
    curves.strip(
        [shown, *planes],
        ["click on the table", "none", "bilateral", "product"],
        title="On even ground the product forgets where the click was",
    ),
    "A flat drawing with a click on its ground, and three outer products. Without colour and "
    "bilateral: one small spot. Product: whole blocks of the picture at 1.",
)

# %% [markdown]
# The photo tells the other half of the story. Its pixels are noisy, hardly two are alike, and
# there the product is a *thinner* needle than plain distance, even than one that is cut at σ
# as well (twice the seven entries of section 3). So the literal form is not bad everywhere. It
# is a different encoding on every picture, and worst on the easiest ones.

# %% [markdown]
# ## 5 Put together: Eq. 4
#
# The vector is the two halves and the sign, one after the other. $q_h$ has one entry a
# column, $q_v$ one a row.
#
# $$\boxed{q = [\,q_h,\; q_v,\; q_b\,]} \qquad (4)$$
#
# > **Reading R4.** Is $q_b$ one bit, or two cells of which one is 1? The paper's Fig. 5 shows
# > two cells. So do we: (1, 0) is positive, (0, 1) is negative, and the length is
# > W + H + 2. With one bit, a negative prompt would end in 0 like the zeros that fill up the
# > shorter lists of prompts in a batch.
#
# Here is Fig. 5 with three clicks of ours: each row one vector, the darker the closer to 1.


# %%
def click_by_hand(x0, y0, positive, size):
    sides = []
    for centre, length in ((x0, size[1]), (y0, size[0])):  # columns, then rows
        d = spatial_distance_by_hand(centre, length)
        sides += [np.exp(-v * v / 18) if v <= 9 else 0.0 for v in d]
    return [*sides, 1.0, 0.0] if positive else [*sides, 0.0, 1.0]


three = [vpu.Click(26, 26), vpu.Click(88, 60), vpu.Click(50, 70, positive=False)]
ours = [click_by_hand(c.x, c.y, c.positive, (height, width)) for c in three]
plain = config.PueConfig()
course.same(ours, pue.encode(three, (height, width), plain))

# %%
names = ["copper coin +", "leaf +", "silver coin −"]
halves = [np.split(np.array(v), [width, width + height]) for v in ours]
parts = {
    name: dict(zip(("q_h", "q_v", "q_b"), half, strict=True))
    for name, half in zip(names, halves, strict=True)
}
assert [v.index(1.0) for v in ours] == [26, 88, 50]
course.show(
    vectors.bars(parts, title="Three clicks as vectors: place, place, sign"),
    "Three rows of cells in three parts. Each row has one dark spot in q_h, one in q_v, and one "
    "dark cell of two in q_b; the negative click has its dark cell on the other side.",
)
clock("5 the vector")

# %% [markdown]
# ## 6 Does the network listen to the needle?
#
# A vector is worth what the network makes of it. So leave everything as it is and move the
# needle of $q_h$ alone: two clicks on the photo in the same row, one in the coffee and one on
# the table. The shipped model reads nothing of the prompt but this vector (and the spot that
# its halves draw).

# %%
model = vpu.load("lite0")
whole = config.ZoomConfig(mode="none")  # no crop: notebook 00
predictor = vpu.Predictor(model, precision="float32", zoom=whole)
predictor.set_image(photo)
answers = {}
for place, at_x in (("coffee", 290), ("table", 560)):
    predictor.reset()
    answers[place] = predictor.add(vpu.Click(at_x, 150)).prob
    print(
        f"click on the {place}: mean probability on the cup {answers[place][truth].mean():.2f}"
    )
assert answers["coffee"][truth].mean() > answers["table"][truth].mean() + 0.1
course.show(
    curves.strip(
        [
            overlay.overlay(photo, prompts=[vpu.Click(290, 150), vpu.Click(560, 150)], scale=0.4),
            *answers.values(),
        ],
        ["two clicks, one row", "from the left one", "from the right one"],
        title="Only q_h differs, and the answer moves with it",
    ),
    "The photo with two clicks, and the probability from each: high on the cup for the first, "
    "low on the cup for the second.",
)  # fmt: skip
clock("6 the network")

# %% [markdown]
# ## Try it
#
# Drag the click and σ, and watch the spot. With a wide bump the click says *around here*;
# with a narrow one, *exactly here*.


# %% tags=["nbval-ignore-output"]
def spot(x=88, y=60, sigma=3.0, colour=False):
    chosen = config.PueConfig(sigma=sigma, visual="bilateral" if colour else "none")
    vector = pue.encode([vpu.Click(x, y)], (height, width), chosen, pixels)
    plane = pue.restore(vector, (height, width), "click")[0].numpy()
    seen = overlay.overlay(image, prompts=[vpu.Click(x, y)], scale=3)
    return curves.strip([seen, plane], ["click", "outer product"])


course.explore(
    spot,
    "The scene with the click, and the outer product of its vector.",
    x=(0, width - 1),
    y=(0, height - 1),
    sigma=(1.0, 40.0),
    colour=False,
)

# %%
states, filled = [], []
for s in (3.0, 10.0, 20.0, 40.0):
    vector = pue.encode([click], (height, width), config.PueConfig(sigma=s))
    states.append(pue.restore(vector, (height, width), "click")[0].numpy())
    filled.append(int((vector[0, :-2] > 0).sum()))
assert filled == sorted(filled)
course.show(
    curves.strip(
        states,
        [f"σ = {s}: {n} entries" for s, n in zip((3, 10, 20, 40), filled, strict=True)],
        title="A wider bump fills more entries and says the place less sharply",
    ),
    "Four outer products of the same click, from a dot at σ = 3 to a glow over the whole scene "
    "at σ = 40.",
)

# %% [markdown]
# ## Break it
#
# Take the literal product to a flat picture. Two clicks, far apart: are their vectors still
# different?

# %%
grey = torch.full((3, height, width), 0.5)
far = [vpu.Click(20, 20), vpu.Click(110, 80)]
literal = pue.encode(far, (height, width), config.PueConfig(visual="product", cut=1.0), grey)
honest = pue.encode(far, (height, width), config.PueConfig(), grey)
print("product:  largest difference", float((literal[0] - literal[1]).abs().max()))
print("distance: largest difference", float((honest[0] - honest[1]).abs().max()))
assert literal[0].equal(literal[1]) and not honest[0].equal(honest[1])

# %% [markdown]
# Every entry is 1 for both. No network, however large, can tell them apart.
#
# ## Exercises
#
# **P · Predict.** How many of the 448 entries of $q_h$ are not zero, with σ = 3, when the bell
# is cut at σ, and when it is cut at 3σ? Set `answer` to the pair before you run the cell.

# %%
answer = None  # (cut at σ, cut at 3σ)
course.checks.ex("02.P", answer)

# %% [markdown]
# **B · Build.** Eq. 3 with any cut: `cut` is in σ, and `None` means never. A list of distances
# comes in, a list of values goes out.


# %%
def quasi_gaussian_with_cut(distances, sigma, cut):
    raise NotImplementedError


course.checks.ex("02.B", quasi_gaussian_with_cut)

# %% [markdown]
# **E · Extend.** How much of the place can a *linear* layer read? `read_out_error` fits one
# from vectors to x on every eighth cell, then asks it about all cells between. Write a bump of
# your own with at most 40 entries above zero, 1 at distance 0, that beats ours. `d` is an array
# of distances in cells; return an array of its shape.


# %%
def your_bump(d):
    raise NotImplementedError


to_beat = course.clicks.read_out_error(course.clicks.our_bump)
print(f"to beat: a mean error of {to_beat:.2f} cells")
course.checks.ex("02.E", your_bump, beat=to_beat)

# %% [markdown]
# Solutions stand apart, in `notebooks/solutions/02_click_to_vector.ipynb`.
#
# ## What we know now
#
# A click becomes a bump over the columns, a bump over the rows and two cells for its sign: far
# shorter than a map, and it says the same place. σ decides how wide the bump is, the cut how
# much of it survives. Colour can join only as a similarity; multiplied as a distance it erases
# the place on flat ground.
#
# *The prediction:* about 20 (exactly 19), because we cut at 3σ; the paper's letter gives 7.
# *Still unknown:* whether a colour term of the bilateral kind would help a trained model. That
# takes training runs; [notebook 09](09_which_idea_pays.ipynb) has them for the product, not for
# this one, and shows how to add a row.
#
# | paper | module | test |
# |---|---|---|
# | Eq. 1, 2, 3 | `vpuformer/pue/gaussian.py` | `tests/pue/test_axes.py` |
# | Eq. 4 | `vpuformer/pue/batch.py` | `tests/pue/test_batch.py` |
# | outer product | `vpuformer/pue/restore.py` | `tests/pue/test_restore.py` |

# %%
needle = gaussian.click_axis(torch.tensor([200.0]), 448, config.PueConfig())[0]
print(f"{int((needle > 0).sum())} of {len(needle)} entries are not zero")
clock("try, break, exercises")
print(f"\n{course.versions(model)}\n\n{clock}")
