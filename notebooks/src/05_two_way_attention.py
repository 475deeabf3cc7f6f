# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '05'
#     minutes_cpu: 1
#     houses:
#       equations: [7, 8, 9, 10]
#       algorithms: []
#       figures: [2]
#       tables: []
#       sections: [III-C]
# ---

# %% [markdown]
# # 05 · How do prompts and picture talk? Dual-cross merging attention
#
# Prompts ask the picture what they point at, and the picture asks the prompts what it should
# be. You will compute both questions by hand and look at the answers of a trained model.
#
# ![You are here: DMA, where the two branches meet.](here/05.png)
#
# | | |
# |---|---|
# | takes | one minute on two CPU cores, the same on a GPU |
# | needs | nothing: a photo of scikit-image, drawn scenes, the weights in this repository |
# | paper | Eq. 7 to 10, Fig. 2, Sec. III-C live here; readings R10 to R12 |
# | before, after | [04 "What does the network see?"][04] · [06 "From features to a mask"][06] |
#
# [04]: 04_encoders_and_mask.ipynb
# [06]: 06_features_to_mask.ipynb

# %% [markdown]
# ## Before you start
#
# After this you can
#
# 1. write attention and Eq. 7 to 10 with the shapes of every tensor;
# 2. read an attention map, and say what it does not prove;
# 3. explain the two gates, and why one of them is nearly always open.
#
# **Predict.** Two identical prompts, the same click given twice. Will their two rows of
# attention over the picture be equal, opposite, or share the picture between them?

# %% [markdown]
# ## Parameters
#
# Everything below follows from this cell.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" plays two games in place of 24 | "cpu" | "gpu" | "paper"
seed = 0  # draws the untrained model and the small examples
out_dir = "out/05"  # folder for the first figure
num_heads = 4  # heads of the untrained models in sections 2 and 3: 1, 2, 4 or 8
layers = 3  # DMA layers of the one in section 3
variant = "recommended"  # its form, Readings R10 to R12: "recommended" | "literal" | "code"

# %%
from unittest import mock

import numpy as np
import torch

import vpucourse as course
import vpuformer as vpu
from vpucourse import attending, curves, diagrams, overlay, replace
from vpuformer import config
from vpuformer.network import attention, dma

# %%
clock = course.Clock()
model = vpu.load("lite0")
photo, truth = course.photo("coffee")
print(config.dumps(model.config.dma))

# %% [markdown]
# ## The picture first
#
# Two clicks: positive in the coffee, negative on the table. For every place of the picture we
# ask DMA's third layer: *which of the two prompts do you listen to?* The answer is a number
# from 0 (the negative one) to 1 (the positive one), painted from vermillion over white to blue.
#
# The picture is coarse because DMA works on a coarse grid: one **token**, a vector of D
# numbers, for each 16 × 16 pixels of what the network sees. Prompts are tokens of the same width
# D, made from the vectors of notebooks 02 and 03 by one small network. The model runs once, and
# we keep what each layer of DMA made of them.

# %%
clicks = [vpu.Click(290, 150), vpu.Click(560, 150, positive=False)]
states = attending.states(model, photo, clicks)
side = int(len(states[0].pixels[0]) ** 0.5)


def who_owns(state):
    """Share of each place's attention that goes to the first prompt, mean over heads."""
    return state.attention["vq"][0, :, :, 0].mean(0).reshape(side, side).numpy()


# %%
def at_photo(grid):
    big = torch.nn.functional.interpolate(torch.tensor(grid)[None, None], (100, 150))
    return big[0, 0].numpy()


owned = at_photo(who_owns(states[-1]))
cup = truth[2::4, 2::4]
print(f"on the cup {owned[cup].mean():.2f}, elsewhere {owned[~cup].mean():.2f}")
assert owned[cup].mean() > owned[~cup].mean() + 0.1
course.show(
    curves.strip(
        [overlay.overlay(photo, prompts=clicks, scale=0.5), attending.owners(owned)],
        ["two clicks", "layer 3: blue listens to +, vermillion to −"],
        title="The cup listens to the positive click",
    ),
    "A cup with two clicks, and a coarse map that is blue on the cup and on parts of the "
    "saucer, and vermillion or pale on the table.",
    keep=f"{out_dir}/owners.png",
)
clock("picture first")

# %% [markdown]
# ## 1 Two ways to bring prompts in
#
# The usual way paints prompts into extra channels and stacks them on the picture. From there
# on the network has to find out by itself that a white dot in channel four matters for every
# pixel of an object. The paper's way keeps them apart, as short vectors, and lets the two
# sides question each other. Here are both, after the paper's Fig. 2.

# %%
course.show(
    diagrams.two_ways("Stacked once, or asked again and again"),
    "Left: image and prompt maps run into one network. Right: features and vectors exchange "
    "arrows in both directions and come out changed.",
)

# %% [markdown]
# The tool for questions is **attention**. Someone asks with a *query*; everyone who could
# answer shows a *key* and holds a *value*. Query times key says how well they fit. The fits
# become shares that sum to one (softmax), and the answer is the values, mixed by these shares.
# A prompt that asks the picture has one query and L keys, one for each place.
#
# By hand, one query and three keys of width 2. The scores are divided by the root of the
# width, so that they do not grow with it.

# %%
query = np.array([2.0, 0.0])
keys = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
scores = keys @ query / np.sqrt(2)
shares = np.exp(scores) / np.exp(scores).sum()
print("scores", scores.round(3), "shares", shares.round(3), "sum", round(shares.sum(), 6))
one = attention.Attention(2, 1)
with torch.no_grad():
    for part in (one.q, one.k):
        part.weight.copy_(torch.eye(2))
        part.bias.zero_()
    asked, held = (
        torch.tensor(a, dtype=torch.float32) for a in (query[None, None], keys[None])
    )
    package = one(asked, held, held)[1][0, 0, 0]
course.same(shares, package)

# %% [markdown]
# Read the line from the left: three fits, three shares, and the shares add up to one. The
# answer would now be the three values, mixed in these proportions.
#
# The first key points the way the query does and gets most. The third points away and gets
# least, but never nothing. With several **heads** the width is cut into pieces, and each piece
# asks a question of its own.

# %% [markdown]
# ## 2 There and back: Eq. 7 and 8
#
# First the N prompts speak among themselves (self-attention), which turns their tokens q into
# $q'$. Then the two questions. MHCA is multi-head *cross* attention: query, then keys, then
# values. $f_v$ holds the L image tokens.
#
# $$\boxed{F_{qv} = \mathrm{MHCA}(q', f_v, f_v) + q, \quad
# F_{vq} = \mathrm{MHCA}(f_v, q', q') + f_v} \qquad (7)$$
#
# $$\boxed{\hat F_{qv} = \mathrm{FFN}(\mathrm{LN}(F_{qv})), \quad
# \hat F_{vq} = \mathrm{FFN}(\mathrm{LN}(F_{vq}))} \qquad (8)$$
#
# $F_{qv}$ is N × D: each prompt, enriched by what it found. $F_{vq}$ is L × D: each place,
# enriched by who claims it. Both are then normalised (LN, layer norm) and pass a small two-layer
# network, the FFN.

# %% [markdown]
# The sum at the end of each question is a *residual*: what was there is kept, and the attention
# only adds to it. Without it a prompt would come back as a mixture of places and would have
# forgotten that it was a prompt. In our form the tokens are normalised before each question
# too, and a sine pattern for the place is added to queries and keys, since attention by itself
# does not know left from right.
#
# > **Reading R10.** The paper's Eq. 7 adds q, though the query is $q'$; what the self-attention
# > did would be lost to the sum. We add $q'$, as the authors' later code does, and let the FFN
# > add to what enters it: $\hat F = F + \mathrm{FFN}(\mathrm{LN}(F))$. The original prompts join
# > queries and keys again in every layer, so that no layer forgets where the click was.
#
# A layer of our form with random weights, once by its parts and once as a whole:

# %%
torch.manual_seed(seed)
step = dma.DmaLayer(config.DmaConfig(embed_dim=8, num_heads=num_heads), 0)
q, f, pe = torch.randn(1, 3, 8), torch.randn(1, 20, 8), torch.zeros(20, 8)
valid = torch.ones(1, 3, dtype=torch.bool)
n1, n2, n3, n4, _ = step.norms
v, x = n3(f), n1(q)
q_prime = q + step.self_attention(x + q, x + q, x)[0]
x = n2(q_prime)
F_qv = q_prime + step.prompts_to_pixels(x + q, v, v)[0]
F_qv_hat = F_qv + step.prompt_ffn(n4(F_qv))
print("q", tuple(q.shape), "f", tuple(f.shape), "F_qv", tuple(F_qv.shape))
course.same(F_qv_hat, step(q, q, f, pe, valid)[1])

# %% [markdown]
# Now both questions in the trained model, layer by layer. Above: where the *positive* click looks
# (brightest place set to 1); in the middle the *negative* one. Below: who owns each place, as in
# the first picture.

# %%
found = [s.attention["qv"][0].mean(0).reshape(2, side, side).numpy() for s in states]
looks, others = ([pair[k] for pair in found] for k in (0, 1))
owners = [who_owns(s) for s in states]
on_cup = [float(at_photo(look)[cup].sum() / at_photo(look).sum()) for look in looks]
print("share of the positive click's attention on the cup:", np.round(on_cup, 2))
assert max(on_cup) > cup.mean()
course.show(
    curves.strip(
        [at_photo(look / look.max()) for look in looks + others]
        + [attending.owners(at_photo(o)) for o in owners],
        [f"layer {i}: {what}" for what in ("+ looks", "− looks", "owner") for i in (1, 2, 3)],
        columns=3,
        title="Prompts look at few places; places sort themselves by prompt",
    ),
    "Nine coarse maps. Above, a few bright places where the positive click looks, then those of "
    "the negative one; below, the places turn blue or vermillion, toward the one click or the "
    "other.",
)
clock("1-2 attention")

# %% [markdown]
# What such a map does *not* prove: that the bright places decided the mask. Attention says
# where values were taken from, not what was made of them.

# %% [markdown]
# ## 3 Two gates: Eq. 9 and 10
#
# What shall the decoder get? Neither side alone. The paper distils each side into a **gate**,
# numbers from 0 to 1, and lets the gates scale the image features. φ picks the strongest
# response, σ here is the sigmoid (not the width of notebook 02). The circle with a dot
# multiplies entry by entry; a gate with one value a channel is used at all places, and one
# with a value a place for all channels. With both gates shut the feature passes unchanged,
# because of the 1; with both open it is three times as strong.
#
# $$\boxed{g_c = \sigma\big(\varphi(\hat F_{qv})\big), \quad
# g_p = \sigma\big(\varphi(\hat F_{vq})\big)} \qquad (9)$$
#
# $$\boxed{F_\text{dual} = f_v \odot (1 + g_c + g_p)} \qquad (10)$$

# %% [markdown]
# > **Reading R11.** Over which axis does φ take the maximum? N × D does not fit L × D. We take
# > it over the prompts on their side (D values: which *channel* is wanted) and over the
# > channels on the image's side (L values: which *place* is wanted).
# >
# > **Reading R12.** To the letter, Eq. 9 already multiplies by $f_v$, and Eq. 10 does it again:
# > f would enter squared. We multiply once. And what we multiply is not the $f_v$ that entered
# > but the layer's own $\hat F_{vq}$; else all that the places heard in Eq. 7 would reach the
# > decoder as nothing but $g_p$, one number a place.
#
# By hand: two places, two channels.

# %%
f2 = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])  # B L D
g_c, g_p = torch.tensor([[0.5, 0.0]]), torch.tensor([[1.0, 0.25]])
by_hand = [[1 * (1 + 0.5 + 1), 2 * (1 + 0 + 1)], [3 * (1 + 0.5 + 0.25), 4 * (1 + 0 + 0.25)]]
print("once:", by_hand, " squared:", dma.merge(f2, g_c, g_p, squared=True)[0].tolist())
course.same(by_hand, dma.merge(f2, g_c, g_p)[0])

# %% [markdown]
# What does the square of the literal reading do in the trained model? Below, the lengths of the
# merged tokens, once and squared, layer by layer: the middle one of all places, and one that
# only a hundredth exceeds.

# %%
lengths = {}
for name, squared in (("once", False), ("squared", True)):
    for share, word in ((0.5, "middle"), (0.99, "long")):
        merged = [
            dma.merge(s.pixels, s.gates["channel"], s.gates["pixel"], squared) for s in states
        ]
        found = [float(m.norm(dim=-1).quantile(share).log10()) for m in merged]
        lengths[f"{name}, {word}"] = found
apart = {
    n: lengths[f"{n}, long"][-1] - lengths[f"{n}, middle"][-1] for n in ("once", "squared")
}
print("last layer, long over middle:", {n: round(10**gap, 1) for n, gap in apart.items()})
assert apart["squared"] > apart["once"]
words = (
    "Lengths of merged tokens by layer on a logarithmic axis: the squared ones are far longer."
)
title = "Squared, the tokens grow longer, and further apart in length"
course.chart(words, lengths, (1, 2, 3), title, xlabel="layer", ylabel="length (log10)")

# %% [markdown]
# And how the values of the two gates are spread, in a model before any training (the parameters
# choose its form) and in the trained one:

# %%
own = replace(model.config.dma, form=variant, num_heads=num_heads, depth=layers)
fresh = vpu.build(replace(model.config, dma=own), seed=seed).eval()
both = {"untrained": attending.states(fresh, photo, clicks), "trained": states}
names = ("channel", "pixel")
gates = {when: {n: at[-1].gates[n][0].numpy() for n in names} for when, at in both.items()}

# %%
spread = {}
for when, row in gates.items():
    for name, gate in row.items():
        low, high = np.quantile(gate, (0.05, 0.95))
        spread[when, name] = high - low
        print(f"{when:<10}{name:<8} gate, 90 % of values between {low:.3f} and {high:.3f}")
assert all(spread[when, "pixel"] < spread[when, "channel"] for when in gates)

# %%
course.show(
    attending.histograms(gates, "The channel gate chooses; the pixel gate hardly does"),
    "Four histograms. Channel gates lie anywhere from 0 to 1, after training at both ends. Pixel "
    "gates lie in a narrow band, after training in a single bar.",
)
clock("3 gates")

# %% [markdown]
# The lower histograms are narrow, before training already: the maximum of a hundred channels is
# always large, its sigmoid always high, and a gate that is always open says nothing about *where*.
# The places are sorted all the same, by $F_{vq}$ itself, which the tokens carry on.
#
# ## Try it
#
# Choose a prompt, a layer and a head: where does this prompt look, and whom do the places listen
# to? Find a head that does not care about the cup. Heads share the work without being told
# to: each has its own small part of the width, and nothing in the loss says what it should look
# for. Below, the owners of two heads in all three layers.


# %% tags=["nbval-ignore-output"]
def one_head(prompt="positive", layer=3, head=1):
    seen = {k: v[0, head - 1].numpy() for k, v in states[layer - 1].attention.items()}
    looks, owned = seen["qv"][int(prompt == "negative")], seen["vq"][:, 0]
    looks, owned = (at_photo(m.reshape(side, side)) for m in (looks / looks.max(), owned))
    names = [f"where the {prompt} click looks", f"owners, layer {layer}, head {head}"]
    return curves.strip([looks, attending.owners(owned)], names)


signs = ["positive", "negative"]
course.explore(one_head, "One head's two maps.", prompt=signs, layer=(1, 3), head=(1, 4))

# %%
heads = [s.attention["vq"][0, :2, :, 0].reshape(2, side, side).numpy() for s in states]
apart = [float(np.abs(pair[0] - pair[1]).mean()) for pair in heads]
print("mean difference of heads 1 and 2 by layer:", np.round(apart, 2))
assert max(apart) > 0.1
course.show(
    curves.strip(
        [attending.owners(at_photo(pair[k])) for k in (0, 1) for pair in heads],
        [f"layer {i}, head {k}" for k in (1, 2) for i in (1, 2, 3)],
        columns=3,
        title="Two heads, two opinions on who owns the place",
    ),
    "Six maps in blue and vermillion, two heads by three layers, each with other regions.",
)

# %% [markdown]
# ## Break it
#
# Twice, each time from the weights as they are.
#
# *One direction only*: the picture may no longer ask. Of $F_{vq}$ in Eq. 7 the attention goes, and
# only the residual stays. Prompts still question the picture, and what they learn still reaches
# the channel gate; but no place hears who claims it. *Nothing re-added*: the layers get zeros
# where the original prompts would join their queries and keys (Reading R10). How much of the
# contrast between cup and surroundings is left?


# %%
def contrast(net):
    predictor = vpu.Predictor(net, precision="float32")
    predictor.set_image(photo)
    prob = predictor.add(*clicks).prob
    return float(prob[truth].mean() - prob[~truth].mean())


def one_way(part):
    torch.nn.init.zeros_(part.pixels_to_prompts.out.weight)
    torch.nn.init.zeros_(part.pixels_to_prompts.out.bias)


def not_again(part):
    whole = part.forward
    part.forward = lambda q, e, f, pe, valid: whole(q, torch.zeros_like(e), f, pe, valid)


# %%
left = {"as it is": contrast(model)}
for damage in (one_way, not_again):
    net = vpu.load("lite0")
    for part in net.dma.layers:
        damage(part)
    left[damage.__name__] = contrast(net)
print("contrast cup − rest:", {name: round(value, 2) for name, value in left.items()})
assert left["one_way"] < left["as it is"] - 0.1

# %% [markdown]
# Without its questions the picture is lost. Re-adding is another matter: three layers are few, and
# a residual carries the click through them anyway. Taking a part out of trained weights shows
# whether it is *used*, on one photo; whether it is *needed* takes training runs without it, as in
# [notebook 09](09_which_idea_pays.ipynb).
#
# ## Exercises
#
# **P · Predict.** Two identical prompts: are their rows of attention `"equal"`, `"opposite"` or
# `"shared"`?

# %%
answer = None  # "equal", "opposite" or "shared"
course.checks.ex("05.P", answer)

# %% [markdown]
# **B · Build.** Attention with one head and no weights: q is N × 8, k and v are L × 8. The check
# compares with `torch.nn.MultiheadAttention`.


# %%
def attention_by_hand(q, k, v):
    raise NotImplementedError


course.checks.ex("05.B", attention_by_hand)

# %% [markdown]
# **E · Extend.** Another φ for the pixel gate, in the course's toy model (`tiny`, as notebook 07
# trains it): from tokens B × L × D to B × L values in 0..1. The robot of notebook 01 plays on 24
# drawn scenes: mean NoC@90, the clicks until IoU 90 % (lower is better). The maximum, with which
# the weights were trained, is a bar that only luck takes; to beat is the mean of all channels. Try
# the mean of the three largest, or your own. Nothing is trained again.

# %%
plainly = {"threshold": 0.49, "precision": "float32", "zoom": config.ZoomConfig(mode="none")}
toy = vpu.Predictor(course.toy_model(), **plainly)
exam = course.examination(2 if profile == "smoke" else 24)


def noc_with(phi):
    with mock.patch.object(dma, "pixel_gate", phi):
        return course.examine(toy, exam)["NoC@90"]


print(f"the maximum: NoC@90 {noc_with(dma.pixel_gate):.2f}")
print(f"the mean: NoC@90 {(bar := noc_with(lambda tokens: tokens.mean(-1).sigmoid())):.2f}")


# %%
def other_phi(tokens):
    raise NotImplementedError


course.checks.ex("05.E", other_phi, tokens=states[-1].pixels, trial=noc_with, beat=bar)

# %% [markdown]
# Solutions stand apart, in `notebooks/solutions/05_two_way_attention.ipynb`.
#
# ## What we know now
#
# Attention mixes values by how well keys fit a query; DMA asks in both directions, three
# times. Two gates then scale the features, one value a channel and one a place. In this model
# the channel gate chooses and the pixel gate is close to a constant.
#
# *The prediction:* equal. Equal queries have equal scores, and nothing makes prompts compete
# for places. *Still unknown:* whether a model that is *trained* with another φ would be better;
# that takes training runs, in the manner of [notebook 09](09_which_idea_pays.ipynb), which prices
# the other forms of DMA but not this one.
#
# | paper | module | test |
# |---|---|---|
# | attention | `vpuformer/network/attention.py` | `tests/network/test_attention.py` |
# | Eq. 7 to 10 | `vpuformer/network/dma.py` | `tests/test_model.py` |

# %%
twice = attending.states(vpu.load("lite0"), photo, [clicks[0], clicks[0]])
rows = twice[-1].attention["qv"][0, :, :].mean(0)
print(course.same(rows[0], rows[1]))
clock("try, break, exercises")
print(f"\n{course.versions(model)}\n\n{clock}")
