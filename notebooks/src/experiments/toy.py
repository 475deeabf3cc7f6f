# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '09'
#     experiment: true
# ---

# %% [markdown]
# # One toy experiment
#
# Trains the small model on drawn scenes of 64 px with one thing varied, plays the robot's games
# on scenes it never saw, and writes the numbers to `out_dir/result.json`. Notebook 09 and
# `docs/toy_ablations.py` run it many times through `vpuformer.experiments`. The same
# parameters give the same numbers on the same machine.

# %% tags=["parameters"]
row = "ours"  # a name for the table of results
seed = 0  # draws weights, scenes and prompts
steps = 400  # updates
encoding = "pue"  # "pue" | "distance" | "learned": Table IV
visual = "none"  # "none" | "product" | "bilateral": Readings R1, R2
cut = 3.0  # where a click's bell ends, in sigmas: Reading R3
interaction = "dma"  # "dma" | "none": Table V; "none" shows prompts as discs beside the picture
form = "recommended"  # "recommended" | "literal" | "code": Readings R10-R12
fusion = "late"  # "late" | "early": where the previous mask comes in, Reading R9
prompt_maps = "none"  # "none" | "restored" | "disk": beside the vectors
lam = 2.0  # weight of P2CL: Tables V, VI
target = "mask"  # "mask" | "error": what P2CL asks of a prompt, Reading R14
policies = ("click",)  # robots of the examination: Table VII
n_scenes = 32  # scenes of the examination
out_dir = "out/toy"  # result.json goes here

# %%
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import vpuformer as vpu
from vpucourse import scenes
from vpuformer import config, evaluation, metrics
from vpuformer.data import samples
from vpuformer.network.dma import DMA, DmaState
from vpuformer.training import recipes

# %% [markdown]
# ## The model
#
# Without interaction DMA hands its input through: no prompt reaches a pixel by attention. The
# prompts must then come in with the old mask, as maps of discs, the way methods before the
# paper did it.

# %%
torch.set_num_threads(1)
start = time.process_time()
tiny = config.preset("tiny")
pue = replace(tiny.pue, length=64, encoding=encoding, visual=visual, cut=cut)
own = replace(tiny, size=64, fusion=fusion, prompt_maps=prompt_maps, pue=pue)
own = replace(own, dma=replace(tiny.dma, form=form))
if interaction == "none":
    own = replace(own, prompt_maps="disk")


class Apart(DMA):
    def forward(self, prompts, pixels, *_):
        nothing = {"channel": torch.zeros(()), "pixel": torch.zeros(())}
        return [DmaState(prompts, pixels, prompts, pixels, {}, nothing) for _ in self.layers]


model = vpu.build(own, seed=seed)
if interaction == "none":
    model.dma.__class__ = Apart

# %% [markdown]
# ## Training, then the examination
#
# One of three rounds has a loss. A game ends at IoU 90 % or after ten prompts; one that never
# arrives counts ten.

# %%
recipe = replace(
    recipes.tiny(steps),
    batch_size=8,
    crops=((0.0, 64),),
    graded=1,
    lr=2e-3,
    warmup=20,
    ema=0.97,
    save_every=max(steps, 2),
    loss=config.LossConfig(p2cl=lam, p2cl_target=target),
    seed=seed,
)
with tempfile.TemporaryDirectory() as folder:
    model = vpu.fit(model, scenes.SceneSamples((72, 88)), recipe, folder).model.cpu()

# %%
exam = []
for i in range(n_scenes):
    picture, labels = scenes.scene(1_000_000 + i, (64, 64))  # a size no lesson has
    largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    exam.append(samples.Sample("scenes", f"{i:03d}", 1, picture, largest))
zoom = config.ZoomConfig(mode="none")
predictor = vpu.Predictor(model, threshold=0.49, precision="float32", zoom=zoom)


def examine(name, most=10):
    rule = evaluation.EvaluationConfig(policy=evaluation.Policy(name), max_rounds=most)
    games = [evaluation.run_sample(predictor, sample, rule)["ious"] for sample in exam]
    found = {
        f"NoC@{t}": np.mean([metrics.noc(g, t / 100, most) for g in games]) for t in (85, 90)
    }
    found |= {f"IoU@{k}": np.mean([metrics.iou_at(g, k) for g in games]) for k in (1, 3)}
    return {key: round(float(value), 4) for key, value in found.items()}


# %%
numbers = {}
for name in policies:
    found = examine(name)
    numbers |= found if name == "click" else {f"{k} {name}": v for k, v in found.items()}
numbers["cpu_s"] = round(time.process_time() - start, 1)
Path(out_dir).mkdir(parents=True, exist_ok=True)
Path(out_dir, "result.json").write_text(json.dumps(numbers) + "\n", encoding="utf-8")
print({key: value for key, value in numbers.items() if key != "cpu_s"})
