"""The shapes that parts of the network hand to each other, by name."""

from jaxtyping import Bool, Float
from torch import Tensor

Image = Float[Tensor, "B 3 H W"]  # RGB in 0..1
Prob = Float[Tensor, "B 1 H W"]  # the previous mask's probability, or logits
Map = Float[Tensor, "B C h w"]
Level = Float[Tensor, "B _ _ _"]  # one of several maps of an image
X4 = Float[Tensor, "B C h4 w4"]  # at 1/4 of the frame
X8 = Float[Tensor, "B C h8 w8"]
X16 = Float[Tensor, "B D h w"]
Vectors = Float[Tensor, "B N P"]  # of prompts
Prompts = Float[Tensor, "B N D"]  # prompts as tokens
Pixels = Float[Tensor, "B L D"]  # cells of a map as tokens
Valid = Bool[Tensor, "B N"]  # False in padded slots
