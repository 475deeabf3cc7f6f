"""finetune: bad folders are named file by file, photos are held out, the best state is kept."""

import json
import os
import shutil
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from small import CONFIG, shown

from vpucourse.scenes import scene
from vpuformer.cli import main
from vpuformer.config import PRESETS, literal, preset
from vpuformer.data.folders import FolderSamples, check_folders, split_pairs
from vpuformer.data.samples import Photo
from vpuformer.errors import CheckpointError, ConfigError, DataError
from vpuformer.model import build
from vpuformer.training import recipes
from vpuformer.training.finetune import FinetuneConfig, Validation, finetune, measure, usual
from vpuformer.training.finetune import _objects as chosen_objects
from vpuformer.weights import load, save

ROOT = Path(os.environ.get("VPU_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
RECIPE = replace(
    recipes.finetune(4),
    batch_size=2,
    crops=((0.0, 64),),
    warmup=1,
    frozen_stages=0,
    log_every=1,
    save_every=2,
)
SMALL = FinetuneConfig(val_share=0.4, max_val_objects=1)


@pytest.fixture
def folders(tmp_path):
    images, masks = tmp_path / "photos", tmp_path / "cuts"
    images.mkdir(), masks.mkdir()
    for i in range(5):
        image, labels = scene(i, (64, 80))
        Image.fromarray(image).save(images / f"s{i}.png")
        Image.fromarray(labels).save(masks / f"s{i}.png")
    return images, masks


def test_one_call_trains_a_copy_and_goes_on(folders, tmp_path):
    model, out = build(CONFIG).eval(), tmp_path / "run"
    before = {k: v.clone() for k, v in model.state_dict().items()}
    result = finetune(model, *folders, out, RECIPE, SMALL)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert sorted(result.validations) == [0, 2, 4] and result.before == result.validations[0]
    split = json.loads((out / "run.json").read_text())
    assert len(split["val"]) == 2 and not set(split["val"]) & set(split["train"])
    saved = load(result.path, device="cpu")
    assert result.after == measure(saved, _held_out(folders)) and "held_out" in saved.card
    (out / "step-0000004.safetensors").unlink()  # killed before its last checkpoint
    again = finetune(model, *folders, out, RECIPE, SMALL)
    assert again.validations == result.validations
    with pytest.raises(CheckpointError, match="its recipe differ"):
        finetune(model, *folders, out, replace(RECIPE, lr=1e-5), SMALL)
    mask = folders[1] / "s0.png"  # mended: before and after would be of two truths
    Image.fromarray(np.asarray(Image.open(mask))[::-1]).save(mask)
    with pytest.raises(CheckpointError, match="its files differ"):
        finetune(model, *folders, out, RECIPE, SMALL)


def test_held_out_photos_are_not_all_in_memory(folders, monkeypatch):
    """Counting their objects reads each photo, and lets it go; only the chosen ones stay."""
    seen, objects = [], Photo.objects

    def watched(photo, name):
        found = objects(photo, name)
        seen.append(weakref.ref(found[0].image))
        return found

    monkeypatch.setattr(Photo, "objects", watched)
    kept = chosen_objects(check_folders(*folders), FinetuneConfig(max_val_objects=1))
    assert len(kept) == 1 and len(seen) == 6
    assert [image() is kept[0].image for image in seen if image() is not None] == [True]


def _held_out(folders):
    _, val = split_pairs(check_folders(*folders), SMALL.val_share, SMALL.seed)
    found = [s for pair in val for s in pair.objects("held out")]
    chosen = np.random.default_rng(0).permutation(len(found))[:1]
    return [found[i] for i in sorted(chosen)]


@pytest.mark.slow
def test_the_command_prints_before_and_after(folders, tmp_path, capsys):
    weights = save(build(CONFIG), tmp_path / "w.safetensors", {})
    for path in folders[1].iterdir():
        Image.fromarray(np.uint8(255) * (np.asarray(Image.open(path)) == 1)).save(path)
    words = ["--model", str(weights), "--steps", "1", "--out", str(tmp_path / "run")]
    assert main(["finetune", *map(str, folders), *words, "--val-share", "0.2"]) == 0
    seen = capsys.readouterr().out
    assert "before" in seen and "NoC@90" in seen and "best.safetensors" in seen


def test_bad_folders_are_reported_file_by_file_before_training(folders, tmp_path):
    images, masks = folders
    Image.new("L", (30, 20), 1).save(masks / "s0.png")
    (images / "s1.png").write_bytes(b"<html>not a picture</html>")
    Image.new("L", (80, 64)).save(masks / "s2.png")
    (masks / "s3.png").unlink()
    whole = (masks / "s4.png").read_bytes()
    (masks / "s4.png").write_bytes(whole[: len(whole) // 2])
    shutil.copy(masks / "s0.png", masks / "alone.png")
    with pytest.raises(DataError) as found:
        finetune(build(CONFIG), images, masks, tmp_path / "run", RECIPE, SMALL)
    lines = str(found.value).splitlines()
    assert lines[0].startswith("6 files cannot be used") and len(lines) == 7
    for name, reason in {
        "s0.png": "80 x 64, its mask 30 x 20",
        "s1.png": "is no image: its format is unknown",
        "s2.png": "is empty",
        "s3.png": "no mask",
        "s4.png": "cannot be read as a mask",
        "alone.png": "no photo",
    }.items():
        assert any(line.strip().startswith(name) and reason in line for line in lines), name
    assert not (tmp_path / "run").exists()


def test_masks_with_soft_edges_are_refused(tmp_path):
    images, masks = tmp_path / "photos", tmp_path / "cuts"
    images.mkdir(), masks.mkdir()
    large = Image.new("L", (520, 360))
    ImageDraw.Draw(large).ellipse((100, 60, 400, 300), fill=255)
    nuclei = np.kron(np.arange(80).reshape(8, 10), np.ones((11, 13))).astype(np.uint8)
    nuclei[40:44] = 255
    whole = {"hard": large.resize((130, 90), Image.Resampling.NEAREST), "many": nuclei}
    for name, mask in {"soft": large.resize((130, 90), Image.Resampling.BICUBIC), **whole}.items():
        mask = Image.fromarray(np.asarray(mask))
        mask.save(masks / f"{name}.png")
        Image.new("RGB", mask.size).save(images / f"{name}.png")
    with pytest.raises(
        DataError, match=r"1 files cannot be used.*\n +soft\.png: its mask has grey"
    ):
        check_folders(images, masks)


def test_no_pairs_and_no_folder_are_named(tmp_path):
    with pytest.raises(DataError, match="is no folder"):
        check_folders(tmp_path / "gone", tmp_path)
    with pytest.raises(DataError, match="hold no pair"):
        check_folders(tmp_path, tmp_path)
    with pytest.raises(DataError, match="at least two"):
        split_pairs([], 0.5, 0)
    with pytest.raises(ConfigError, match="expected at least 1"):
        FinetuneConfig(patience=0)


def test_a_photo_that_breaks_during_training_is_skipped_and_counted(folders, caplog):
    data = FolderSamples(check_folders(*folders))
    (folders[0] / "s2.png").write_bytes(b"gone")
    samples = [data.sample(0, position, 32) for position in range(10)]
    assert data.broken == {"s2.png": 2} and caplog.text.count("s2.png is skipped") == 1
    again = FolderSamples(data.pairs)
    assert np.array_equal(again.sample(0, 7, 32).planes, samples[7].planes)
    for path in folders[0].iterdir():
        path.write_bytes(b"gone")
    with pytest.raises(DataError, match="No photo can be read any more"):
        data.sample(0, 0, 32)


def test_black_and_white_masks_are_objects(folders):
    for path in folders[1].iterdir():
        Image.fromarray(np.uint8(255) * (np.asarray(Image.open(path)) > 0)).save(path)
    sample = shown(FolderSamples(check_folders(*folders)).sample(0, 0, 64), 64)
    assert sample.target.any() and sample.valid.all()


def test_stops_when_patience_is_out_and_keeps_the_best(tmp_path, monkeypatch):
    scores = iter([9.0, 7.0, 8.0, 7.0])
    monkeypatch.setattr(
        sys.modules[Validation.__module__],
        "measure",
        lambda *_: {"NoC@90": [next(scores)], "IoU@3": [0.5]},
    )
    watch = Validation(tmp_path, [], 2, {})
    stops = [watch(step, build(CONFIG, seed=step)) for step in range(4)]
    assert stops == [False, False, False, True] and watch.best == 1
    assert load(watch.path, device="cpu").card["step"] == 1
    assert Validation(tmp_path, [], 2, {}).is_over


@pytest.mark.slow
@pytest.mark.skipif(not ROOT.is_dir(), reason=f"no data at {ROOT}: set VPU_DATA")
@pytest.mark.parametrize("name", ["polyps", "nuclei"])
def test_clearly_fewer_clicks_on_photos_left_out(name, tmp_path):
    source, names = ROOT / "domain" / name, []
    for path in sorted((source / "images").iterdir()):
        names.append(path)
    left_out = set(np.random.default_rng(0).permutation(len(names))[:24].tolist())
    for room in ("given", "left"):
        (tmp_path / room / "images").mkdir(parents=True)
        (tmp_path / room / "masks").mkdir()
    for i, path in enumerate(names):
        room = tmp_path / ("left" if i in left_out else "given")
        shutil.copy(path, room / "images")
        shutil.copy(source / "masks" / f"{path.stem}.png", room / "masks")
    given, left = ((tmp_path / n / "images", tmp_path / n / "masks") for n in ("given", "left"))
    objects = [s for pair in check_folders(*left) for s in pair.objects("held out")]
    objects = objects[:: len(objects) // 64 or 1]  # every polyp, a few nuclei of each photo
    model = load("lite0", device="cpu")
    recipe = replace(recipes.finetune(80), save_every=40)
    config = FinetuneConfig(val_share=0.2, max_val_objects=12)
    result = finetune(model, *given, tmp_path / "run", recipe, config)
    before, after = measure(model, objects), measure(result.model, objects)
    (tmp_path / "numbers.json").write_text(json.dumps([before, after, result.validations]))
    assert after["NoC@90"][0] < 0.85 * before["NoC@90"][0]


@pytest.mark.parametrize("config", [*map(preset, PRESETS), literal()], ids=[*PRESETS, "literal"])
def test_the_usual_crop_is_one_that_the_model_takes(config):
    ((start, side),) = usual(config).crops
    assert start == 0 and side % config.image_sides == 0 and 0 < side <= config.size
    assert side == {"vit_b": 448 if config.decoder == "literal" else 224, "tiny": 128}.get(
        config.encoder, 256
    )
