# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   vpuformer:
#     number: '06'
#     solutions: true
# ---

# %% [markdown]
# # 06 · From features to a mask, and what does "wrong" mean? Solutions
#
# The three exercises of notebook 06, each judged by the same check as in the notebook.

# %% tags=["parameters"]
profile = "cpu"  # "smoke" trains for 25 steps only | "cpu" | "gpu" | "paper": as given here
seed = 0  # draws the untrained models
out_dir = "out/06"  # nothing is written
lam = 2.0  # weight of P2CL in Eq. 18
steps = 200  # training steps of each small model

# %%
import numpy as np
import torch
from torch.nn import functional as F

import vpucourse as course
import vpuformer as vpu
from vpuformer import config, losses, pue

# %% [markdown]
# **P.** The cosine is 0, so ρ is one half, and −log ½ = 0.69 in both cases of Eq. 16.

# %%
verdict = course.checks.ex("06.P", (0.5, 0.69))
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **B.** One line for Y, one for the pairs, one for their mean.


# %%
def p2cl_by_hand(rho, mask, positive):
    Y = torch.where(positive[:, None, None], mask, 1 - mask)
    pairs = -(Y * rho.log() + (1 - Y) * (1 - rho).log())
    return pairs.mean()


def package(rho, mask, positive):
    batch = pue.PromptBatch.of([[vpu.Click(0, 0, positive=bool(sign)) for sign in positive]])
    return losses.p2cl(rho[None], batch, mask[None, None])[0]


rho = torch.tensor([[[0.9, 0.8, 0.1]], [[0.3, 0.6, 0.7]]], dtype=torch.float64)
mask, positive = torch.tensor([[1.0, 1, 0]]).double(), torch.tensor([True, False])
given = (rho.requires_grad_(), mask, positive)
verdict = course.checks.ex("06.B", p2cl_by_hand, package=package, given=given)
assert verdict.endswith("right."), verdict
verdict

# %% [markdown]
# **E.** Ask harder where the mask went too far: Y is 1 where the mask is wrongly on, one half
# elsewhere on the ground, 0 on the object. First the notebook's training, as it stands there.

# %%
picture, label = course.toy()
spots = [(26, 26), (50, 70), (90, 21), (88, 60)]  # coins 1 to 3, the leaf
lists = [[vpu.Click(*spots[i]), vpu.Click(*spots[i - 1], positive=False)] for i in range(4)]
gt = torch.tensor(np.stack([label == k for k in (1, 2, 3, 4)]))[:, None].float()  # B 1 H W


# %%
def answer_to(net, seen, _, at):
    x = torch.tensor(seen).permute(2, 0, 1)[None] / 255
    return net.decode(net.encode_image(x), pue.PromptBatch.of(at), details=True)


def train(negative, seed):
    net = vpu.build(config.preset("tiny"), seed=seed)
    adam = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for _ in range(25 if profile == "smoke" else steps):
        seen = answer_to(net, picture, None, lists)
        Y = torch.cat([gt, negative(gt, (seen.logits > 0).float())], 1)
        p2cl = losses.pair_bce(seen.rho, F.avg_pool2d(Y, 4)).mean((1, 2, 3))
        mask = losses.normalized_focal_loss(seen.logits, gt) + losses.dice_loss(seen.logits, gt)
        adam.zero_grad()
        (mask + lam * p2cl).mean().backward()
        adam.step()
    return net


# %%
def negative_of(truth, mask):
    return (1 - truth) * (0.5 + 0.5 * mask)


def excess_of(negative):
    nets = [train(negative, seed + k) for k in range(1 if profile == "smoke" else 3)]
    return sum(course.excess(answer_to, net, picture, gt, lists) for net in nets) / len(nets)


ours, beat = excess_of(negative_of), excess_of(lambda truth, _: 1 - truth)
verdict = course.checks.ex("06.E", negative_of, trial=lambda _: ours, beat=beat)
print(f"marked outside, mean of three seeds: ours {ours:.2f} %, complement {beat:.2f} %")
assert verdict.endswith("right.") or profile == "smoke", verdict
verdict

# %% [markdown]
# One seed decides little: the two numbers move by half a per cent, more than they are apart, so
# three count here. If yours loses in the notebook, try another `seed` before you give it up. A
# labelling that really helps wins over several seeds, and on scenes that are not mirror images.
