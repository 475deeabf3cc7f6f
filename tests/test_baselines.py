import sys

import numpy as np
import pytest

from vpuformer.baselines import GrabCut, RandomWalker
from vpuformer.errors import ConfigError, ImageError, PromptError
from vpuformer.metrics import iou
from vpuformer.prompts import Box, Click, Scribble

SIZE = (60, 90)


@pytest.fixture
def gt():
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return (x - 40) ** 2 + (y - 30) ** 2 <= 18**2


@pytest.fixture
def image(gt):
    noise = np.random.default_rng(0).integers(0, 25, (*SIZE, 3))
    return (np.where(gt[..., None], [200, 60, 40], [40, 90, 160]) + noise).astype(np.uint8)


@pytest.fixture(params=[GrabCut, RandomWalker])
def segmenter(request):
    if request.param is RandomWalker:
        pytest.importorskip("skimage")
    return request.param()


PROMPTS = {
    "click": (Click(40, 30),),
    "box": (Box.from_corners(19, 9, 61, 51),),
    "scribble": (Scribble(((30, 25), (40, 35), (50, 30))),),
    "both signs": (Click(40, 30), Click(80, 10, False), Scribble(((3, 5), (3, 50)), False)),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_finds_a_plain_object(segmenter, image, gt, name):
    segmenter.set_image(image)
    answer = segmenter.add(*PROMPTS[name])
    assert answer.prob.shape == SIZE and answer.prob.dtype == np.float32
    assert answer.prob.min() >= 0 and answer.prob.max() <= 1
    assert iou(gt, answer.mask) > 0.9


def test_a_large_picture_is_answered_in_its_own_pixels(gt, image):
    segmenter = GrabCut(longest=45)
    segmenter.set_image(image)
    answer = segmenter.add(Click(40, 30))
    assert answer.mask.shape == SIZE and iou(gt, answer.mask) > 0.85


def test_rounds_add_up_and_reset_forgets(image):
    segmenter = GrabCut()
    segmenter.set_image(image)
    first = segmenter.add(Click(40, 30)).mask
    second = segmenter.add(Click(40, 14, False)).mask
    assert first[14, 40] and not second[14, 40] and second[34, 40]
    segmenter.reset()
    assert np.array_equal(segmenter.add(Click(40, 30)).mask, first)


def test_a_box_bounds_and_a_negative_one_takes_away(image, gt):
    segmenter = GrabCut()
    segmenter.set_image(image)
    segmenter.add(Click(40, 30))
    everything_gone = Box.from_corners(10, 5, 70, 55, positive=False)
    answer = segmenter.add(everything_gone)
    # Only the seed and its likes are left to say what the object is.
    assert answer.mask[30, 40]


def test_a_negative_prompt_alone_gives_an_empty_mask(segmenter, image):
    segmenter.set_image(image)
    assert not segmenter.add(Click(40, 30, False)).mask.any()


def test_a_start_mask_is_where_it_begins(image, gt):
    segmenter = GrabCut()
    segmenter.set_image(image, mask=gt)
    assert iou(gt, segmenter.add(Click(80, 10, False)).mask) > 0.9


def test_same_twice(image):
    masks = []
    for _ in range(2):
        segmenter = GrabCut()
        segmenter.set_image(image)
        masks.append(segmenter.add(Click(22, 30)).mask)
    assert np.array_equal(*masks)


def test_what_cannot_be_used(image):
    segmenter = GrabCut()
    with pytest.raises(PromptError, match="No image yet"):
        segmenter.add(Click(1, 1))
    segmenter.set_image(image)
    with pytest.raises(PromptError, match="outside the image"):
        segmenter.add(Click(90, 1))
    with pytest.raises(PromptError, match="got no prompt"):
        segmenter.add()
    with pytest.raises(ImageError, match="Give one size"):
        segmenter.set_image(image, mask=np.zeros((90, 60), bool))
    with pytest.raises(ConfigError, match="at least 16"):
        GrabCut(longest=4)


def test_without_scikit_image_it_says_what_to_install(image, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    segmenter = RandomWalker()
    segmenter.set_image(image)
    with pytest.raises(ConfigError, match="pip install"):
        segmenter.add(Click(40, 30))
