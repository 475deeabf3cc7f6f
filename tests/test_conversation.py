"""An answer's mask and probability are found apart, and agree to the last pixel."""

import numpy as np
import pytest

from vpuformer.conversation import Round, answered
from vpuformer.imaging import Frame
from vpuformer.prompts import Click

CLICKS = (Click(70, 40), Click(3, 90, positive=False))


@pytest.mark.parametrize("size", [(100, 130), (201, 150)])  # below and above twice the side
@pytest.mark.parametrize("threshold", [0.5, 0.49, 0.31])
@pytest.mark.parametrize("crop", [None, (2, 20, 120, 98)])
def test_the_mask_is_where_the_probability_is_above(size, threshold, crop):
    level, noise = np.log(threshold / (1 - threshold)), np.random.default_rng(0)
    logits = (level + noise.normal(0, 1e-7, (64, 64))).astype(np.float32)  # within rounding
    answer = answered((Round(CLICKS, Frame(size, 64, crop), logits),), threshold)
    assert 0.1 < answer.mask[20:98, 2:120].mean() < 0.9
    np.testing.assert_array_equal(answer.mask, answer.prob > threshold)
    assert answer.prob[40, 70] == 1 and answer.prob[90, 3] == 0  # row = y
    np.testing.assert_allclose(answer.prob[20:39, 2:120], threshold, atol=1e-6)
