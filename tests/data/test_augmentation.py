"""Photos scaled, turned and cut anywhere, as the paper and its code do it; ours stays as it was."""

import hashlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from small import CONFIG, as_it_is, shown, write_shard

from vpucourse.scenes import SceneSamples
from vpuformer.config import from_json, to_json
from vpuformer.data import augmentation
from vpuformer.data.augmentation import PLAIN, VOID, Choice, augment
from vpuformer.data.folders import FolderSamples
from vpuformer.data.samples import Photo
from vpuformer.data.shards import CHOICE, Shards, ShardSamples
from vpuformer.model import build
from vpuformer.training import recipes
from vpuformer.training.crops import cut, cut_batch
from vpuformer.training.loop import fit
from vpuformer.training.recipes import Recipe

SIZE = (300, 400)  # H, W
PAPER, OFFICIAL = recipes.paper().choice, recipes.official().choice
both = pytest.mark.parametrize("choice", [PAPER, OFFICIAL])


def lit(*boxes, size=SIZE):
    """A black photo whose objects (x0, y0, x1, y1) are white, and their labels."""
    labels = np.zeros(size, np.uint8)
    for label, (x0, y0, x1, y1) in enumerate(boxes, 1):
        labels[y0:y1, x0:x1] = label  # row = y
    return np.uint8(255) * np.repeat(labels[..., None] > 0, 3, -1), labels


def crop_of(photo, seed, choice, crop=320):
    rng = np.random.default_rng(seed)
    return shown(augment(Image.fromarray(photo[0]), photo[1], crop, rng, choice), crop)


def test_the_shipped_recipes_crops_are_those_that_they_were():
    digest = hashlib.sha256()
    for position in range(40):  # whole numbers only: places and objects depend on no library
        sample = SceneSamples((72, 96)).sample(3, position, 48)
        digest.update(np.round(1000 * sample.place).astype(np.int32).tobytes())
        digest.update(sample.planes[..., 3].tobytes())
    assert digest.hexdigest()[:16] == "a24fb7c81b9ab372"
    for name in ("shipped", "onward", "finetune", "tiny"):
        assert getattr(recipes, name)().choice == Choice() and not Choice().scale


@pytest.mark.parametrize("choice", [Choice(), PAPER, OFFICIAL])
@pytest.mark.parametrize("seed", range(6))
def test_crops_are_cut_as_pillow_cuts_them(choice, seed):
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    photo = Image.fromarray(noise).resize((400, 300), Image.Resampling.BICUBIC)
    labels = lit((60, 40, 190, 120), (220, 150, 330, 280))[1]
    sample = replace(augment(photo, labels, 160, rng, choice), look=PLAIN.astype(np.float32))
    planes = (
        Image.fromarray(np.ascontiguousarray(p))
        for p in (sample.planes[..., :3], sample.planes[..., 3])
    )
    how = (160, 160), Image.Transform.AFFINE, sample.place.ravel(), Image.Resampling.BILINEAR
    image, target = (np.asarray(plane.transform(*how)).astype(int) for plane in planes)
    ours = shown(sample, 160)
    inner = np.s_[2:-2, 2:-2]  # past an edge Pillow has no half pixel
    assert np.abs(ours.image[inner] - image[inner]).max() <= 2
    assert np.array_equal((ours.target & (target > 132))[inner], (target > 132)[inner])
    assert not (ours.target & (target < 122))[inner].any()


@pytest.mark.parametrize("grey", [0.04, 0.2, 1.0])
def test_so_many_crops_lose_their_colours(grey):
    photo = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    labels = lit((60, 40, 190, 120))[1]
    rngs = [np.random.default_rng(seed) for seed in range(200)]
    found = [augment(Image.fromarray(photo), labels, 32, r, Choice(grey=grey)) for r in rngs]
    without = [s for s in found if s.look[0] == 0]
    assert abs(len(without) / 200 - 0.75 * grey) < 0.08
    image = shown(replace(without[0], look=np.float32([0, *PLAIN[1:]])), 32).image
    assert np.ptp(image, axis=-1).max() == 0


def test_everything_happens_on_the_device():
    recipe = replace(recipes.paper(), crops=((0.0, 64),))
    images, *masks = cut_batch(SceneSamples((72, 96)), recipe, 0, [0, 1], "meta")
    assert {t.device.type for t in (images, *masks)} == {"meta"}
    assert images.shape == (2, 3, 64, 64) and all(m.shape == (2, 1, 64, 64) for m in masks)


def test_a_large_photo_is_made_smaller_before_it_is_cut():
    stripes = np.zeros((1600, 2400, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than a crop can show: grey
    labels = np.ones((1600, 2400), np.uint8)
    sample = augment(
        Image.fromarray(stripes), labels, 64, np.random.default_rng(0), Choice(whole=1.0)
    )
    assert sample.planes.shape == (64, 64, 5)
    image = shown(replace(sample, look=PLAIN.astype(np.float32)), 64).image
    assert np.abs(image[4:-4, 4:-4].astype(int) - 127).max() <= 3


def test_crops_do_not_depend_on_those_beside_them():
    data = SceneSamples((72, 96))
    samples = [data.sample(0, position, 48) for position in range(5)]
    batch = cut(samples, 48)
    for sample, planes in zip(samples, batch, strict=True):
        assert np.abs(cut([sample], 48)[0].int() - planes.int()).max() <= 1


@both
@pytest.mark.parametrize("seed", range(12))
def test_mask_and_photo_move_together(choice, seed):
    sample = crop_of(lit((60, 40, 190, 120), (220, 150, 330, 280)), seed, choice, 224)
    assert sample.image.shape == (224, 224, 3) and sample.image.dtype == np.uint8
    assert sample.target.shape == sample.valid.shape == (224, 224)
    assert sample.target.dtype == sample.valid.dtype == bool and sample.valid.all()
    assert sample.target.sum() >= 1000
    # Brightness and contrast leave white above 150 and black below 80.
    bright = sample.image.mean(-1) > 115
    stray = bright & ~sample.target  # the other object
    assert (sample.target & ~bright).sum() < 0.03 * sample.target.sum()
    assert stray.sum() == 0 or stray.sum() > 500 or stray.sum() < 0.03 * sample.target.sum()


@pytest.mark.parametrize(("choice", "low", "high"), [(PAPER, 0.75, 1.25), (OFFICIAL, 0.75, 1.4)])
def test_scales_fill_their_range(choice, low, high):
    photo = lit((170, 120, 230, 180))  # always inside the crop
    sides = [crop_of(photo, seed, choice).target.sum() ** 0.5 / 60 for seed in range(60)]
    assert low - 0.03 < min(sides) < low + 0.06 and high - 0.06 < max(sides) < high + 0.03


def spans(choice):
    """Height over width of a bar 120 wide and 20 high, in 40 crops."""
    targets = [crop_of(lit((140, 140, 260, 160)), seed, choice).target for seed in range(40)]
    return [np.ptp(t.nonzero()[0]) / np.ptp(t.nonzero()[1]) for t in targets]


def test_the_paper_turns_and_its_code_does_not():
    upright = [span > 1 for span in spans(PAPER)]
    assert 10 < sum(upright) < 30
    assert max(spans(OFFICIAL)) < 0.2  # 20 / 120 and rounding
    assert max(min(span, 1 / span) for span in spans(PAPER)) > 0.21  # some degrees more


def test_both_are_mirrored():
    photo = lit((40, 100, 120, 180), (280, 130, 330, 180))  # the larger one is on the left
    photo[1][photo[1] == 2] = VOID
    sides = [crop_of(photo, seed, OFFICIAL, 420) for seed in range(30)]
    left = [s.target[:, :210].sum() > s.target[:, 210:].sum() for s in sides]
    assert 5 < sum(left) < 25
    assert all((~s.valid).any() and not (s.target & ~s.valid).any() for s in sides)


@both
def test_a_small_photo_stands_in_the_middle_on_black(choice):
    photo = lit((0, 0, 60, 40), size=(40, 60))
    sample = crop_of(photo, 1, choice, 160)
    rows, columns = sample.target.nonzero()
    assert abs(rows.mean() - 79.5) < 1.5 and abs(columns.mean() - 79.5) < 1.5
    assert sample.valid.all() and not sample.target[:30].any()
    assert np.ptp(sample.image[:30]) <= 20 and sample.image[:30].mean() < 80  # but for the tint


@both
def test_small_objects_are_ground(choice):
    photo = lit((100, 100, 200, 200), (300, 200, 320, 220))
    for seed in range(12):
        target = crop_of(photo, seed, choice).target
        assert target.sum() == 0 or target.sum() > 1000 * 1.2


def test_objects_too_small_to_choose_from_are_asked_for_together():
    labels = np.zeros((60, 60), np.uint8)
    labels[5:9, 5:10], labels[30:34, 30:34], labels[50:, 50:] = 5, 6, 255
    mask = augmentation.pick_object(labels, np.random.default_rng(0), Choice())
    assert np.array_equal(mask, (labels == 5) | (labels == 6))


def test_crops_without_an_object_are_drawn_anew(monkeypatch):
    photo = lit((0, 0, 150, 150), size=(500, 700))

    def empty():
        return sum(not crop_of(photo, seed, OFFICIAL, 160).target.any() for seed in range(80))

    anew = empty()
    monkeypatch.setattr(augmentation, "MOST_TRIES", 1)
    assert 10 < anew < 40 < 65 < empty()  # 28 and 74: a crop shows enough of it 1 time in 12
    assert not crop_of(lit(), 0, OFFICIAL).target.any()  # there is none to be found


def test_channels_move_by_up_to_ten_levels_in_the_code_only():
    grey = np.full((*SIZE, 3), 128, np.uint8), lit((50, 50, 200, 200))[1]
    gaps = [np.ptp(crop_of(grey, seed, OFFICIAL).image[160, 160].astype(int)) for seed in range(40)]
    assert 10 < max(gaps) <= 20 and gaps.count(0) >= 2
    levels = [crop_of(grey, seed, PAPER).image[160, 160].astype(int) for seed in range(40)]
    assert not np.ptp(levels, axis=1).any()
    assert min(levels, key=sum)[0] < 90 and max(levels, key=sum)[0] > 180


@pytest.fixture
def sources(tmp_path):
    """A data set of each kind: shards, a folder, scenes."""
    image, labels = lit((10, 10, 70, 50), size=(72, 96))
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(labels).save(tmp_path / "m.png")
    write_shard(tmp_path, (72, 96))
    pair = Photo("a", tmp_path / "a.png", tmp_path / "m.png")
    return ShardSamples(Shards(tmp_path)), FolderSamples([pair]), SceneSamples((72, 96))


@both
def test_seed_and_position_decide(sources, choice):
    for data in sources:
        own, data.choice = data.sample(0, 11, 64), choice
        a, b = (data.sample(0, 11, 64) for _ in "ab")
        assert np.array_equal(a.planes, b.planes) and np.array_equal(a.place, b.place)
        for other in (own, data.sample(0, 12, 64), data.sample(1, 11, 64)):
            assert not np.array_equal(shown(a, 64).image, shown(other, 64).image)


class Four:
    """At one position an object on 10, cut as it is; at later ones another, on 200."""

    def __init__(self, first=0, hides=False):
        self.first, self.hides, self.asked = first, hides, []

    def sample(self, seed, position, crop):
        self.asked.append(position)
        target, void = np.zeros((2, crop, crop), bool)
        if position == self.first:
            target[5:25, 5:25] = True
            image = np.where(target[..., None], 60, 10) * np.ones(3)
        else:
            target[15:35, 15:40] = void[:, 45:] = True
            image = np.where(target[..., None], 120, 200) * np.ones(3)
            target |= self.hides
        return as_it_is(image.astype(np.uint8), target, void)


def mixed(data, seed, position, share):
    """Image, target and valid of one sample, each way taken this often."""
    recipe = Recipe(steps=1, crops=((0.0, 50),), choice=Choice(mixing=share), seed=seed)
    image, *masks = cut_batch(data, recipe, 0, [position], "cpu")
    target, valid = (mask[0, 0].numpy() > 0 for mask in masks)
    return SimpleNamespace(image=image[0].permute(1, 2, 0).numpy(), target=target, valid=valid)


def kinds():
    """Each mix of the sample at 0 that 60 seeds give, with only one of the three happening."""
    one, two, found = *(mixed(Four(), 0, position, 0.0) for position in (0, 1)), {}
    for seed in range(60):
        sample = mixed(Four(), seed, 0, 0.25)
        image, target = sample.image[..., 0], sample.target
        is_one = np.array_equal(target, one.target)
        if np.array_equal(image, one.image[..., 0]):
            found["same"] = sample
        elif np.all(image[~one.target & ~two.target] == 200):
            found["moved"] = sample
        elif np.array_equal(image[two.target], two.image[..., 0][two.target]):
            found["hidden" if target.sum() < one.target.sum() else "joined"] = sample
        elif is_one and np.all(image[~two.target & ~one.target] == 10):
            found["through"] = sample
        elif is_one and np.ptp(image[~one.target & ~two.target]) == 0:
            found["mixed"] = sample
    return one, two, found


def test_photos_are_mixed_in_each_of_the_ways():
    one, two, found = kinds()
    assert found.keys() == {"same", "moved", "hidden", "joined", "through", "mixed"}
    assert np.array_equal(found["same"].target, one.target)
    assert np.array_equal(found["moved"].target, one.target) and found["moved"].valid.all()
    assert np.all(found["moved"].image[8:12, 8:12] <= 130)  # 60, at least half of it, on 200
    assert np.array_equal(found["hidden"].target, one.target & ~two.target)
    assert np.array_equal(found["joined"].target, one.target | two.target)
    assert np.array_equal(found["joined"].valid, one.valid | two.target)
    level = found["through"].image[30, 30, 0]  # 120 over 10, half of it at least
    assert 65 <= level < 120 and found["through"].image[10, 10, 0] == 60
    level = found["mixed"].image[2, 2, 0]  # 200 behind 10
    assert 10 < level <= 105 and np.array_equal(found["mixed"].valid, one.valid)


def test_what_would_hide_the_whole_object_is_left_out():
    for seed in range(20):
        assert mixed(Four(hides=True), seed, 0, 1.0).target.any()


def test_mixing_is_decided_by_seed_and_position():
    data = Four(first=7)
    a, b = (mixed(data, 3, 7, 1.0) for _ in "ab")
    assert np.array_equal(a.image, b.image) and np.array_equal(a.target, b.target)
    assert data.asked[:4] == data.asked[4:] and all(7 < p <= 1007 for p in data.asked[1:4])
    assert not np.array_equal(a.image, mixed(data, 4, 7, 1.0).image)
    data.asked.clear()
    assert mixed(data, 3, 7, 0.0).target.any() and data.asked == [7]
    assert OFFICIAL.mixing == 0.5 and PAPER.mixing == Choice().mixing == 0.0


def test_training_cuts_as_its_recipe_says(tmp_path):
    class Asked(SceneSamples):
        """Scenes that note by which choice they were cut."""

        def sample(self, seed, position, crop):
            seen.add(self.choice)
            return super().sample(seed, position, crop)

    for name, expected in (("paper", PAPER), ("official", OFFICIAL), ("tiny", Choice())):
        recipe = replace(getattr(recipes, name)(), steps=2, batch_size=2, crops=((0.0, 64),))
        data, seen = Asked((72, 96)), set()
        history = fit(build(CONFIG), data, recipe, tmp_path / name).history
        assert seen == {expected} and np.isfinite(history[-1]["loss"])
        assert data.choice == Choice()  # what was given stays as it was


def test_shards_keep_their_own_choice_unless_a_recipe_has_one(tmp_path):
    write_shard(tmp_path, (72, 96))
    assert ShardSamples(Shards(tmp_path)).choice == CHOICE != Choice()


@pytest.mark.parametrize("name", ["paper", "official", "shipped"])
def test_a_recipe_keeps_its_choice_as_json(name):
    recipe = getattr(recipes, name)()
    assert from_json(Recipe, to_json(recipe)) == recipe
