# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '10'
#     minutes_cpu: 0.5
#     houses:
#       equations: []
#       algorithms: []
#       figures: [9]
#       tables: []
#       sections: [interaction, II-C]
# ---

# %% [markdown]
# # 10 · Your turn: can you beat the robot? Live prompting
#
# So far a robot did the clicking. Now you do, with mouse or keys, and see the mask follow. You
# will watch what a session remembers, take it back to the last bit, send it to somebody, and
# invent a gesture of your own.
#
# ![You are here: photo, prompts and mask, in your hands.](here/10.png)
#
# | | |
# |---|---|
# | takes | half a minute on two CPU cores, then as long as you like to play |
# | needs | nothing: a photo of scikit-image, drawn things, the shipped weights |
# | paper | Fig. 9, the interaction, and Sec. II-C (local refinement) live here |
# | before, after | [09 "Which idea pays?"][09] · [11 "Fine-tune on your own folder"][11] |
#
# [09]: 09_which_idea_pays.ipynb
# [11]: 11_your_own_folder.ipynb

# %% [markdown]
# ## Before you start
#
# After this you can
#
# 1. drive the model with three tools, and say which one a thing asks for;
# 2. read a session: its rounds, its answers, its file; and replay it elsewhere;
# 3. add a gesture that nobody has thought of, in a dozen lines.
#
# **Predict.** A long thin thing, a cable. Which tool needs fewest rounds: the click, the box or
# the scribble? The answer stands at the end.
#
# ## Parameters
#
# Everything below follows from this cell.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" (one cable, two scenes) | "cpu" | "gpu" | "paper": the same here
seed = 0  # draws strokes and the grain of drawn pictures
out_dir = "out/10"  # folder for the first figure and for what the widget writes
image = "coffee"  # a photo of scikit-image that has a reference mask here
weights = "lite0"  # or the path of weights that you trained
replay = True  # True: section 3 plays the robot's session; False: yours from section 2

# %%
import json

import numpy as np

import vpucourse as course
import vpuformer as vpu
from vpucourse import Session, curves, overlay, palette, records
from vpuformer import errors, metrics, pue
from vpuformer.robot.next_prompt import next_box, next_click, next_scribble
from vpuwidget import controls, strip

# %%
clock = course.Clock()
model = vpu.load(weights)
photo, cup = course.photo(image)
print({name: getattr(model.config, name) for name in ("encoder", "size", "fusion")})

# %% [markdown]
# ## The picture first
#
# In the manner of the paper's Fig. 9: one photo, three tools, three rounds. In each row a robot
# has one tool only. It looks at the largest error of the last mask (notebook 01) and says *this
# too* or *not this*. A `Session` is what stands behind the widget: it holds the photo, all that
# was said, and every answer.


# %%
def said_by_robot(tool, truth, mask, clicks, rng):
    if tool == "click":
        return next_click(truth, mask, clicks)
    return next_box(truth, mask) if tool == "box" else next_scribble(truth, mask, rng=rng)


# %%
def play(picture, truth, tool, rounds=3, target=2.0):
    """A session of the robot with one tool, IoU and mask of each round; target 2: play on."""
    session, ious, masks = Session(picture, model, truth=truth, precision="float32"), [], []
    rng = np.random.default_rng(seed)
    while len(ious) < rounds and (not ious or ious[-1] < target):
        session.add(said_by_robot(tool, truth, session.mask, session.prompts, rng))
        ious.append(float(session.score))
        masks.append(session.mask)
    return session, ious, masks


# %%
TOOLS = ("click", "box", "scribble")
played = {tool: play(photo, cup, tool) for tool in TOOLS}
pictures, names = [], []
for tool, (session, ious, masks) in played.items():
    for k, mask in enumerate(masks):
        said = session.prompts[: k + 1]
        pictures.append(overlay.overlay(photo, mask, prompts=said, gt_mask=cup, scale=0.4))
        names.append(f"{tool} {k + 1}: IoU {ious[k]:.2f}")
ends = {tool: ious[-1] for tool, (_, ious, _) in played.items()}
assert all(ious[-1] > ious[0] for _, ious, _ in played.values())
most, least = max(ends, key=ends.get), min(ends, key=ends.get)
title = f"After three rounds: {most} IoU {ends[most]:.2f}, {least} {ends[least]:.2f}"
words = "Three rows, one a tool, three columns, one a round: the cup with prompts and mask."
figure = curves.strip(pictures, names, columns=3, title=title)
course.show(figure, words, f"{out_dir}/fig9.png")
clock("picture first")

# %% [markdown]
# ## 1 What a session remembers
#
# A conversation grows at its end. To take something back, one could forget the last prompt and
# ask the model again. That costs a decision, and a second answer may differ in its last bits. So
# the session keeps its *states*, one for each action, and a finger that points at the present
# one. **Undo** moves the finger back, **redo** forward. A new action cuts off what lies ahead
# of the finger. By hand, with letters for actions: A, B, undo, C, undo, redo.


# %%
def history_by_hand(actions):
    states, at = [""], 0
    for action in actions:
        if action == "undo":
            at = max(at - 1, 0)
        elif action == "redo":
            at = min(at + 1, len(states) - 1)
        else:
            states = [*states[: at + 1], states[at] + action]
            at += 1
        print(f"{action:<5} states {states} now {states[at]!r}")
    return states[at]


told = history_by_hand(["A", "B", "undo", "C", "undo", "redo"])

# %%
meant = {"A": vpu.Click(290, 150), "B": vpu.Click(225, 270), "C": vpu.Click(290, 30)}
session = Session(photo, model, truth=cup, precision="float32")
session.add(meant["A"])
look = session.answers.predictor.seconds["encode"]
session.add(meant["B"])
session.undo()
session.add(meant["C"])
session.undo()
session.redo()
course.same([(meant[c].x, meant[c].y) for c in told], [(p.x, p.y) for p in session.prompts])

# %% [markdown]
# Nothing is computed on the way back, so nothing can differ: the same number for every pixel.
# And it takes no time that anyone could notice. How long does a click take, then? The look at
# the photo (the encoder) is paid once, and again where a zoom (notebook 00) begins, here with the
# first click, which is answered twice for that; each answer pays for DMA and decoder.

# %%
before, watch = session.prob, course.Clock()
session.undo()
session.redo()
watch("back")
spent = session.answers.predictor.seconds
print(f"undo and redo {1000 * watch.laps['back']:.1f} ms; a click {1000 * spent['decode']:.0f} ms, "
      f"photo and crop, looked at first, {1000 * look:.0f} ms")  # fmt: skip
course.same(session.prob, before, tolerance=0)

# %% [markdown]
# ## 2 Your turn
#
# Run the next cell, and the widget stands under it. Move over the photo before you press, and it
# shows what a click would do.
#
# | say | with the mouse | with keys |
# |---|---|---|
# | *this* | left button: click; drag for a box or a stroke | arrows move the cursor, then Enter |
# | *not this* | right button, or Shift | Shift + Enter |
# | all else | buttons, each with a tip | printed under the cell |
#
# The status line says how long an answer took, and how good it is, for the widget has the truth.
# Further down are several objects, a brush, opacity, and files to write: mask, cut-out, outlines,
# the session itself. It follows Jupyter's dark or light theme, and can be used without a mouse.
# `live.session` is the session behind it: all that you do can be seen, and done, from Python. Each
# photo's session is kept: after a restarted kernel the cell brings your prompts back, and *clear*
# starts anew. The static picture is the robot's session with the box.

# %%
live = vpu.PromptWidget(photo, model, truth=cup, out_dir=out_dir, precision="float32")
keys = {name: spec[0] for group in controls.TABLES for name, spec in group.items()}
print(course.folded(f"keys: {keys}"))
shown = np.asarray(strip.strip(played["box"][0]))
title = "A session is a strip of pictures, for where no widget can be"
words = "The box robot's three rounds side by side, with prompts, mask and the dashed truth."
course.show(curves.strip([shown], ["rounds 1 to 3"], title=title), words)
live

# %% [markdown]
# ## 3 Inside the rounds
#
# Three things about a session, round by round: how good the mask is; what the prompts are, each as
# the bump $q_h$ that its vector has over x (notebooks 02 and 03); and how many of DMA's gates are
# open, that is, above one half (notebook 05), in its last layer, for the whole photo without zoom
# and without last mask.

# %%
mine, quality, _ = played["scribble"]
if not replay and live.session.prompts:  # your prompts, one a round
    mine, quality = Session(photo, model, truth=cup, precision="float32"), []
    for prompt in live.session.prompts:
        mine.add(prompt)
        quality.append(float(mine.score))

# %%
bumps = [mine.vectors(i)[0] for i in range(len(mine.prompts))]
gates = []
for k in range(1, len(quality) + 1):
    state = course.attending.states(model, photo, mine.prompts[:k])[-1]
    gates.append([float((state.gates[k] > 0.5).float().mean()) for k in ("channel", "pixel")])
print("share of open gates (channel, pixel) by round:", np.round(gates, 2).tolist())
ends = [np.flatnonzero(q_h)[[0, -1]] * photo.shape[1] / len(q_h) for q_h in bumps]
spans = [prompt.bounds[::2] for prompt in mine.prompts]
assert np.allclose(ends, spans, atol=photo.shape[1] / 40)  # each bump lies over its own prompt

# %%
title = f"IoU {quality[0]:.2f} becomes {quality[-1]:.2f}, open channels "
figure = curves.sheet(4.4, f"{title}{gates[0][0]:.0%} become {gates[-1][0]:.0%}")
with curves.style():
    top, middle, low = figure.subplots(3, 1, height_ratios=(2, 2, 2))
    at = np.arange(1, len(quality) + 1)
    top.plot(at, quality, "o-", color=palette.CURVES[0])
    top.set(ylabel="IoU", ylim=(0, 1.02), xticks=at)
    for i, (q_h, prompt) in enumerate(zip(bumps, mine.prompts, strict=True)):
        ink = palette.tint(palette.of_sign(prompt.positive), 0.5)
        middle.fill_between(np.arange(len(q_h)), i, i + 0.9 * q_h, color=ink)
    middle.set_yticks(range(len(bumps)), range(1, len(bumps) + 1))
    middle.set(ylabel="prompt", xlabel="column of the grid (bumps: q_h)")
    for name, look, row in zip(
        ("channel", "pixel"), ("s-", "o--"), np.transpose(gates), strict=True
    ):
        low.plot(at, row, look, label=name, color=palette.CURVES[look == "o--"])
    low.set(ylabel="gates open", xlabel="round", xticks=at, ylim=(0, 1.1))
    low.legend(ncols=2, frameon=False, loc="center")
course.show(figure, "IoU by round, the bumps of the prompts, and how many gates are open.")
clock("1-3 session, widget, rounds")

# %% [markdown]
# The prompts' bumps are what the model hears: a click's is a needle, a box's as wide as the box, a
# scribble's tells where the stroke runs and how deep it hangs. A further prompt opens further
# channels, for a gate takes the strongest of all prompts. The pixel gate is open everywhere from
# the start, as notebook 05 found.
#
# ## 4 Where the tools disagree
#
# After one round each, the three tools have three masks. For each pixel, how many of them hold
# it? Where all do, or none does, the photo itself decides; in between, the gesture does.

# %%
firsts = [masks[0] for _, _, masks in played.values()]
votes = np.mean(firsts, 0)  # H W: 0, 1/3, 2/3, 1
some, all_three = votes > 0, votes == 1
share = all_three.sum() / some.sum()
print(f"of the pixels that any tool marks, all three mark {share:.0%}; "
      f"of those, {cup[all_three].mean():.0%} are cup; "
      f"of the disputed ones {cup[some & ~all_three].mean():.0%}")  # fmt: skip
assert cup[all_three].mean() > cup[some & ~all_three].mean()
pictures = [overlay.overlay(photo, gt_mask=cup, scale=0.5), votes[::2, ::2]]
names = ["the cup, dashed", "share of the tools that mark it"]
title = f"After one round the tools agree on {share:.0%} of what any of them marks"
words = "The photo, and a map of how many tools mark a pixel: bright where all three do."
course.show(curves.strip(pictures, names, title=title), words)

# %% [markdown]
# ## 5 Say where it is wrong
#
# A mask that is nearly right needs a *local* correction. Some methods (Sec. II-C) train a second
# network for it, which looks closely at a window around the error. Here a box drawn around the
# error is enough: it is one more prompt for the same weights. Local means that what was right
# stays. So we count the pixels that changed, inside the box and outside. The box is the robot's,
# after two clicks.

# %%
session, (*_, first), _ = play(photo, cup, "click", 2)
old, box = session.mask, next_box(cup, session.mask)
session.add(box)
moved = session.mask != old
y, x = np.indices(cup.shape)
inside = (abs(x - box.cx) <= box.w / 2) & (abs(y - box.cy) <= box.h / 2)
print(f"IoU {first:.2f} → {session.score:.2f}; of {moved.sum():,} changed pixels "
      f"{moved[inside].sum() / moved.sum():.0%} lie in the box, which is "
      f"{inside.mean():.0%} of the photo")  # fmt: skip
assert moved[inside].mean() > moved[~inside].mean()

# %% [markdown]
# ## 6 A thin thing
#
# A cable, four pixels thick, on a table. A box around it holds mostly table; a click sits on it,
# but on a few pixels only; a stroke can run along it. The robot plays with each tool until 80 %,
# eight rounds at most, on three cables. Expect a surprise: how the robot draws its stroke, how
# often the weights met each tool in training, and what a zoom shows of four pixels all play in.

# %%
cables = [course.prompting.wire(seed + i, 4) for i in range(3 if profile != "smoke" else 1)]
games = {t: [play(*cable, t, 8, 0.8)[1] for cable in cables] for t in TOOLS}
needed = {
    t: float(np.mean([metrics.noc(g, 0.8, 8) for g in found])) for t, found in games.items()
}
finals = {t: float(np.mean([g[0] for g in found])) for t, found in games.items()}
for name, row in {"rounds to 80 %": needed, "IoU after one": finals}.items():
    print(name, {tool: round(value, 2) for tool, value in row.items()})
best = min(TOOLS, key=lambda t: (needed[t], -finals[t]))

# %%
wired = [play(*cables[0], tool, 1)[0] for tool in TOOLS]
pictures = [overlay.overlay(s.image, s.mask, prompts=s.prompts, scale=2) for s in wired]
arrived = {t: sum(max(g) >= 0.8 for g in games[t]) for t in TOOLS}
names = [f"{t}: {arrived[t]} of {len(cables)} arrive" for t in TOOLS]
assert needed["box"] > needed[best]
title = f"On a cable the {best} needs fewest rounds"
words = "The first cable after one click, one box and one stroke, each with its mask."
course.show(curves.strip(pictures, names, title=title), words)
clock("4-6 tools")

# %% [markdown]
# ## 7 Keep it, send it
#
# A session is a short text: prompts in rounds, brush strokes, and the *hashes* (checksums) of
# photo and weights. Whoever has both gets the same masks again; on another kind of processor
# nearly the same, and `agreement` says how nearly. Another photo is refused.

# %%
record = json.loads(json.dumps(played["scribble"][0].to_json()))  # there and back as text
again = records.replay(record, photo, model)
print(f"{len(json.dumps(record)) / 1000:.1f} KB; agreement {records.agreement(again, record)}")
course.same(again.mask, played["scribble"][0].mask)
try:
    records.replay(record, photo[:, ::-1], model)
except ValueError as error:
    print(str(error).split(". ")[0] + ".")

# %% [markdown]
# ## 8 A gesture of your own
#
# The network knows three kinds of prompt. A person may know more: two points that mean *along
# here*, a finger that circles a thing, a drag that means its size. All that is needed is a
# translation into the three. A `Line` is two points. It *is* a scribble, as far as everything
# behind it is concerned: encoder, files, undo, drawing. What is new is how it is made, and its
# test says so. (In a file of its own: class above, test below, `pytest line.py`.)


# %%
class Line(vpu.Scribble):
    """A straight stroke from one point to another."""

    @classmethod
    def between(cls, x0, y0, x1, y1, *, positive=True):
        if (x0, y0) == (x1, y1):
            raise errors.PromptError("The line has no length. Give two different points.")
        return cls(((x0, y0), (x1, y1)), positive)


# %%
def test_a_line_is_a_scribble_of_two_points():
    line = Line.between(2, 3, 10, 7)
    assert line.points == ((2, 3), (10, 7)) and line.to_json()["kind"] == "scribble"
    assert type(line.moved(1, 0)) is Line and line.moved(1, 0).points[0] == (3, 3)
    vectors = pue.encode([line, vpu.Scribble(((2, 3), (10, 7)))], (12, 16))
    assert (vectors[0] == vectors[1]).all()


test_a_line_is_a_scribble_of_two_points()

# %%
session = Session(photo, model, truth=cup, precision="float32")
session.add(Line.between(215, 70, 360, 70))
print(
    f"one line across the rim: IoU {session.score:.2f}; kept as {session.prompts[0].to_json()}"
)

# %% [markdown]
# ## Try it
#
# The widget of section 2 is the control of this page, and the strip above it shows its states.
# Three things to look for: take the scribble and draw *around* the cup (notebook 03 says what is
# lost then); press V, and see the vectors of the chosen prompt; turn the threshold, and see
# where the model was in doubt.
#
# ## Break it
#
# In this field points are (x, y), and arrays are indexed [row, column], that is [y, x]. The
# oldest slip there is: a click handed over in the wrong order.

# %%
found = {}
for name, click in {"(x, y)": vpu.Click(290, 150), "(y, x)": vpu.Click(150, 290)}.items():
    session = Session(photo, model, truth=cup, precision="float32")
    session.add(click)
    found[name] = session.score
print("IoU after one click:", {name: round(float(v), 2) for name, v in found.items()})
assert found["(x, y)"] > found["(y, x)"]

# %% [markdown]
# Nothing complains, since (150, 290) is a place on the photo as well; on a photo that is wider
# than high only some swapped clicks fall outside, and raise. A wrong order looks like a weak
# model.
#
# ## Exercises
#
# **P · Predict.** Which tool needs fewest rounds on a thin thing?

# %%
answer = None  # "click", "box" or "scribble"
course.checks.ex("10.P", answer, best=best)

# %% [markdown]
# **B · Build.** Undo to the last bit. `Predictor` has `.rounds`, a tuple of rounds, each with its
# prompts and logits; `.add(prompt)` grows it, and `.resume(rounds)` puts any earlier tuple back
# without asking the model. Write a class with `add(prompt)` and `undo()` around it, without
# `predictor.undo`. The check compares logits, and counts how often the model is asked.


# %%
class MySession:
    def __init__(self, predictor):
        raise NotImplementedError


predictor = vpu.Predictor(model, precision="float32")
predictor.set_image(photo)
course.checks.ex("10.B", MySession, predictor=predictor)

# %% [markdown]
# **E · Extend.** A prompt type of your own, in one file with one test; then beat the robot with
# it. Write `your_turn(truth, mask, clicks)`, which returns the next prompt. The first of a game
# must be of your type (a subclass, as `Line` is). Five drawn scenes, mean rounds to 90 %.


# %%
def your_turn(truth, mask, clicks):
    raise NotImplementedError


# %%
OLD = (vpu.Click, vpu.Box, vpu.Scribble)


def rounds_of(turn):
    """Mean rounds until 90 % on five scenes; 8 for a game that does not arrive."""
    found = []
    for sample in course.examination(5 if profile != "smoke" else 2):
        session, ious = Session(sample.image, model, truth=sample.gt, precision="float32"), []
        while len(ious) < 8 and (not ious or ious[-1] < 0.9):
            session.add(turn(sample.gt, session.mask, session.prompts))
            ious.append(float(session.score))
        found.append(metrics.noc(ious, 0.9, 8))
        is_new = type(session.prompts[0]) not in OLD
        assert turn is next_click or is_new, "Begin with a type of your own."
    return float(np.mean(found))


# %%
beat = rounds_of(next_click)
print(f"the robot's clicks: {beat:.1f} rounds")
course.checks.ex("10.E", your_turn, trial=rounds_of, beat=beat)

# %% [markdown]
# Solutions stand apart, in `notebooks/solutions/10_live_prompting.ipynb`.
#
# ## What we know now
#
# A session is a list of answers and a finger that points at one of them; because nothing is
# computed on the way back, undo is exact. Every tool says something else: a box *how far*, a
# stroke *along here*, a click *this, whatever it is*; which one is best depends on the thing. A
# new gesture needs no new weights, if it can be said in the three.
#
# *The prediction:* the next cell names the tool. *Still unknown:* how many rounds *you* need. A
# person sees the next error at a glance, and hits it less exactly than the robot; nobody has
# timed both here.
#
# | paper | module | test |
# |---|---|---|
# | Fig. 9, the interaction | `notebooks/vpuwidget/`, `vpuformer/widget/` | `tests/widget/` |
# | Sec. II-C | `vpuformer/robot/next_prompt.py` | `tests/robot/` |
# | undo, exactly | `vpuformer/widget/session.py` | `tests/widget/test_session.py` |

# %%
print(f"fewest rounds on a cable: {best}, {needed[best]:.1f}")
clock("7-8, try, break, exercises")
print(f"\n{course.versions(model)}\n\n{clock}")
