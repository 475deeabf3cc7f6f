"""fit: learns, repeats itself to the last bit, resumes exactly, refuses what does not fit."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from small import CONFIG, as_it_is

from vpuformer.errors import CheckpointError, ConfigError
from vpuformer.losses import total_loss
from vpuformer.model import build
from vpuformer.training import rounds
from vpuformer.training.checkpoint import load_checkpoint, save_checkpoint
from vpuformer.training.loop import fit
from vpuformer.training.optimizer import learning_rate, make_optimizer, update_ema
from vpuformer.training.recipes import official, onward, paper, shipped, tiny
from vpuformer.training.rounds import round_weights

RECIPE = replace(tiny(6), batch_size=4, crops=((0.0, 64),), warmup=2, log_every=1, save_every=3)


class Disks:
    """A bright disk on noise; the same position gives the same sample."""

    def sample(self, seed, position, crop):
        rng = np.random.default_rng([seed, position])
        x, y, r = *rng.uniform(crop * 0.3, crop * 0.7, 2), rng.uniform(crop * 0.15, crop * 0.3)
        grid = np.arange(crop)
        target = (grid - x) ** 2 + (grid[:, None] - y) ** 2 < r**2
        noise = rng.integers(0, 90, (crop, crop, 3))
        image = (noise + 130 * target[..., None]).astype(np.uint8)
        return as_it_is(image, target, np.zeros_like(target))


def losses(result):
    return [r["loss"] for r in result.history]


def test_same_seed_same_losses_and_another_seed_others(tmp_path):
    a, b = (fit(build(CONFIG), Disks(), RECIPE, tmp_path / n) for n in "ab")
    assert losses(a) == losses(b) and len(a.history) == 6
    c = fit(build(CONFIG), Disks(), replace(RECIPE, seed=1), tmp_path / "c")
    assert losses(c) != losses(a)


def test_batches_come_in_order_however_many_threads_make_them(tmp_path, monkeypatch):
    class Late(Disks):
        def sample(self, seed, position, crop):
            asked.append(threading.current_thread().name)
            if position < 2 * RECIPE.batch_size:
                assert both.wait(timeout=60)  # the third batch is begun before the first is there
            else:
                both.set()
            return super().sample(seed, position, crop)

    asked, both = [], threading.Event()
    whole = fit(build(CONFIG), Disks(), RECIPE, tmp_path / "whole")
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert losses(fit(build(CONFIG), Late(), RECIPE, tmp_path / "late")) == losses(whole)
    assert len(set(asked)) == 3 and len(asked) == RECIPE.steps * RECIPE.batch_size


def test_a_stopped_run_resumes_bit_exactly(tmp_path):
    whole = fit(build(CONFIG), Disks(), RECIPE, tmp_path / "whole")

    class Stopping(Disks):
        def sample(self, seed, position, crop):
            if position >= 5 * RECIPE.batch_size:
                raise KeyboardInterrupt
            return super().sample(seed, position, crop)

    with pytest.raises(KeyboardInterrupt):
        fit(build(CONFIG), Stopping(), RECIPE, tmp_path / "cut")
    again = fit(build(CONFIG, seed=9), Disks(), RECIPE, tmp_path / "cut")
    assert losses(again) == losses(whole)
    for x, y in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(x, y)


def test_learns_disks(tmp_path):
    recipe = replace(RECIPE, steps=60, warmup=10, lr=3e-3, ema=0.9, save_every=60)
    history = fit(build(CONFIG), Disks(), recipe, tmp_path).history
    first, last = (np.mean([r["iou3"] for r in part]) for part in (history[:5], history[-5:]))
    assert last > 0.6 > first


def test_early_fusion_trains_too(tmp_path):
    config = replace(CONFIG, fusion="early", prompt_maps="none")
    history = fit(build(config), Disks(), replace(RECIPE, steps=2), tmp_path).history
    assert all(np.isfinite(losses_) for losses_ in [r["loss"] for r in history])


def test_a_bad_step_is_skipped_and_counted(tmp_path):
    model = build(CONFIG)
    with torch.no_grad():
        model.decoder.head.bias.fill_(torch.nan)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    result = fit(model, Disks(), replace(RECIPE, steps=2), tmp_path)
    assert result.history[-1]["skipped"] == 2
    for key, value in model.state_dict().items():
        assert torch.equal(value.nan_to_num(), before[key].nan_to_num())
    rows = (tmp_path / "log.jsonl").read_text().splitlines()
    strict = [json.loads(row, parse_constant=pytest.fail) for row in rows]  # no NaN in JSON
    assert [row["loss"] for row in strict] == [None, None]


def test_another_recipe_is_refused(tmp_path):
    fit(build(CONFIG), Disks(), replace(RECIPE, steps=3), tmp_path)
    with pytest.raises(CheckpointError, match="another model or recipe"):
        fit(build(CONFIG), Disks(), RECIPE, tmp_path)
    with pytest.raises(ConfigError, match=r"weights .*: give one each"):
        fit(build(CONFIG), Disks(), replace(RECIPE, rounds=2), tmp_path / "x")


def test_log_is_json_lines(tmp_path):
    result = fit(build(CONFIG), Disks(), replace(RECIPE, steps=2), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [r["step"] for r in lines] == [1, 2] and lines[0]["loss"] == result.history[0]["loss"]
    assert {"nfl1", "dice3", "p2cl2", "iou1", "images_per_s"} <= lines[0].keys()


def test_the_average_has_the_statistics_of_the_model():
    model, ema = torch.nn.BatchNorm2d(2), torch.nn.BatchNorm2d(2)
    model(torch.rand(4, 2, 3, 3) + 5)
    update_ema(ema, model, 0.9, 0)
    assert torch.equal(ema.running_mean, model.running_mean) and ema.num_batches_tracked == 1


def test_rounds_that_count_nothing_are_refused_or_left_out(tmp_path):
    for few in (
        {"round_weights": (0.0, 0.0, 0.0)},
        {"fewest": 1, "round_weights": (0.0, 0.0, 1.0)},
    ):
        with pytest.raises(ConfigError, match="not 0 throughout"):
            fit(build(CONFIG), Disks(), replace(RECIPE, **few), tmp_path)
    one = replace(RECIPE, graded=1, round_weights=(0.0, 1.0, 0.0))
    assert all(round_weights(one, step).tolist() == [0, 1, 0] for step in range(9))


def test_an_empty_answer_where_nothing_is_asked_for_is_right():
    nothing, all_ = torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4)
    assert rounds._iou(nothing, nothing, all_) == 1 and rounds._iou(all_, nothing, all_) == 0


def test_rate_warms_up_and_falls():
    recipe = shipped(1000)
    rates = [learning_rate(recipe, s) for s in range(1000)]
    assert rates[0] == pytest.approx(recipe.lr / recipe.warmup)
    assert max(rates) == pytest.approx(recipe.lr) and rates[-1] < 0.02 * recipe.lr
    assert recipe.crop_at(0) == 256 and recipe.crop_at(999) == 320


def test_optimiser_groups():
    groups = make_optimizer(build(CONFIG), replace(RECIPE, encoder_lr_scale=0.2)).param_groups
    assert {(g["scale"], g["weight_decay"]) for g in groups} == {
        (0.2, 0.05),
        (0.2, 0.0),
        (1.0, 0.05),
        (1.0, 0.0),
    }


def test_checkpoints_keep_two_and_survive_a_torn_file(tmp_path):
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, step, {"x": torch.full((2,), float(step))}, {"note": "a"})
    assert [p.name for p in sorted(tmp_path.iterdir())] == [
        "step-0000002.safetensors",
        "step-0000003.safetensors",
    ]
    newest = tmp_path / "step-0000003.safetensors"
    newest.write_bytes(newest.read_bytes()[:40])
    tensors, meta = load_checkpoint(tmp_path)
    assert meta == {"step": 2, "note": "a"} and tensors["x"].tolist() == [2, 2]
    (tmp_path / "step-0000002.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match="No readable checkpoint"):
        load_checkpoint(tmp_path)
    assert load_checkpoint(tmp_path / "empty") is None


def test_only_drawn_rounds_have_a_loss_and_every_round_is_drawn_in_time():
    recipe = replace(RECIPE, rounds=5, graded=2, round_weights=(1.0, 1.0, 1.0, 1.0, 4.0))
    drawn = torch.stack([round_weights(recipe, step) for step in range(40)])
    assert ((drawn > 0).sum(1) == 2).all() and torch.allclose(drawn.sum(1), torch.ones(40))
    assert (drawn > 0).any(0).all()
    last = drawn[(drawn[:, 4] > 0), 4]
    assert torch.allclose(last, torch.full_like(last, 0.8))  # 4 of 1 + 4
    assert torch.equal(round_weights(recipe, 3), drawn[3])


def test_a_round_without_loss_still_prompts(tmp_path):
    recipe = replace(onward(2), batch_size=4, crops=((0.0, 64),), log_every=1, save_every=2)
    history = fit(build(CONFIG), Disks(), recipe, tmp_path).history
    for row in history:
        assert sum(k.startswith("dice") for k in row) == recipe.graded
        assert sum(k.startswith("iou") for k in row) == recipe.rounds == 6


def test_p2cl_hears_of_each_prompts_own_region(tmp_path, monkeypatch):
    heard = []

    def listen(answer, prompts, *given, regions, **kept):
        heard.append((prompts, regions))
        return total_loss(answer, prompts, *given, regions=regions, **kept)

    monkeypatch.setattr(rounds, "total_loss", listen)
    recipe = replace(RECIPE, steps=1, loss=replace(RECIPE.loss, p2cl_target="error"))
    fit(build(CONFIG), Disks(), recipe, tmp_path)
    assert len(heard) == 3
    for prompts, regions in heard:
        assert regions.shape[:2] == prompts.kind.shape
        clicks = (prompts.kind == 0) & prompts.valid
        x, y = prompts.xywh[clicks][:, :2].round().long().unbind(-1)
        assert clicks.any() and (regions[clicks][torch.arange(len(x)), y, x] == 1).all()


def test_refuses_more_graded_rounds_than_rounds(tmp_path):
    with pytest.raises(ConfigError, match="graded is 4, expected 1 to 3"):
        fit(build(CONFIG), Disks(), replace(RECIPE, graded=4), tmp_path)


def test_a_batch_in_parts_gives_the_losses_of_a_whole_one(tmp_path):
    recipe = replace(RECIPE, steps=4)
    whole = fit(build(CONFIG), Disks(), recipe, tmp_path / "whole")
    cut = fit(build(CONFIG), Disks(), replace(recipe, accumulate=2), tmp_path / "parts")
    assert losses(cut)[0] == pytest.approx(losses(whole)[0], abs=1e-6)
    assert losses(cut) == pytest.approx(losses(whole), rel=1e-3)  # Adam enlarges rounding


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="Give a multiple of 3"):
        fit(build(CONFIG), Disks(), replace(RECIPE, accumulate=3), tmp_path)
    with pytest.raises(ConfigError, match="fewest is 4, expected 0 to 3"):
        fit(build(CONFIG), Disks(), replace(RECIPE, fewest=4), tmp_path)


def test_bfloat16_follows_float32(tmp_path):
    recipe = replace(RECIPE, steps=3)
    exact = fit(build(CONFIG), Disks(), recipe, tmp_path / "a")
    model = build(CONFIG)
    rough = fit(model, Disks(), replace(recipe, precision="bf16-mixed"), tmp_path / "b")
    assert losses(rough) == pytest.approx(losses(exact), rel=0.1) and losses(rough) != losses(exact)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("crops", [(), ((0.1, 256), (0.8, 320))])
def test_crops_begin_with_the_run(crops):
    with pytest.raises(ConfigError, match=r"crops from 0\.0 on"):
        replace(shipped(), crops=crops)


def test_the_papers_rate_falls_in_steps():
    recipe = paper("mit_b0", steps=5500)
    rates = [learning_rate(recipe, s) for s in (0, 4999, 5000, 5499)]
    assert rates == pytest.approx([5e-4, 5e-4, 5e-5, 5e-5])
    assert paper("vit_b").lr == 5e-5 and paper("resnet50").lr == paper("hrnet18s").lr == 5e-4
    recipe = official(steps=2300)
    rates = [learning_rate(recipe, s) for s in (1899, 1900, 2100)]
    assert rates == pytest.approx([5e-5, 5e-6, 5e-7])


def test_official_draws_one_to_three_rounds_that_count_1_2_3():
    drawn = [round_weights(official(), step) for step in range(60)]
    assert {len(w) for w in drawn} == {1, 2, 3}
    for weights in drawn:
        expected = torch.arange(1, len(weights) + 1).float()
        assert torch.allclose(weights, expected / expected.sum())


def test_official_recipe_trains_small(tmp_path):
    recipe = replace(official(3), batch_size=4, crops=((0.0, 64),), log_every=1)
    history = fit(build(CONFIG), Disks(), recipe, tmp_path).history
    counts = [sum(k.startswith("iou") for k in row) for row in history]
    assert counts == [len(round_weights(recipe, s)) for s in range(3)]


def test_seconds_and_log_go_on_over_a_resumed_run(tmp_path):
    def stop(step, ema):
        assert not ema.training
        return step == 3

    first = fit(build(CONFIG), Disks(), RECIPE, tmp_path, watch=stop)
    assert [r["step"] for r in first.history] == [1, 2, 3]
    with open(tmp_path / "log.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step": 4, "loss": 9}\n{"step"')  # a leg that died before its checkpoint
    second = fit(build(CONFIG), Disks(), RECIPE, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [r["step"] for r in lines] == [1, 2, 3, 4, 5, 6] and lines == second.history
    seconds = [r["seconds"] for r in lines]
    assert seconds == sorted(seconds) and seconds[3] >= seconds[2] > 0


def test_a_full_disk_is_named_and_the_last_checkpoint_stays(tmp_path):
    resource = pytest.importorskip("resource")
    fit(
        build(CONFIG),
        Disks(),
        replace(RECIPE, steps=6),
        tmp_path,
        watch=lambda step, _: step == 3,
    )
    before = (tmp_path / "step-0000003.safetensors").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        with pytest.raises(CheckpointError, match="free some space"):
            fit(build(CONFIG), Disks(), RECIPE, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "log.jsonl",
        "samples",
        "step-0000003.safetensors",
    ]
    assert (tmp_path / "step-0000003.safetensors").read_bytes() == before
    assert len(fit(build(CONFIG), Disks(), RECIPE, tmp_path).history) == 6


def test_a_checkpoint_from_before_a_config_field_resumes(tmp_path):
    fit(build(CONFIG), Disks(), replace(RECIPE, steps=3), tmp_path)
    tensors, meta = load_checkpoint(tmp_path)
    del meta["config"]["decoder"]  # a field that once was not there, at its default
    meta["recipe"]["steps"] = 6
    save_checkpoint(tmp_path, meta.pop("step"), tensors, meta)
    again = fit(build(CONFIG), Disks(), RECIPE, tmp_path)
    assert [r["step"] for r in again.history] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(CheckpointError, match="another model or recipe"):
        fit(build(replace(CONFIG, decoder_depth=2)), Disks(), RECIPE, tmp_path)


def test_a_run_begun_anew_keeps_its_own_checkpoints(tmp_path):
    fit(build(CONFIG), Disks(), RECIPE, tmp_path)
    anew = replace(RECIPE, seed=1)
    fit(build(CONFIG), Disks(), anew, tmp_path, resume=False, watch=lambda step, _: step == 3)
    assert [p.name for p in tmp_path.glob("step-*")] == ["step-0000003.safetensors"]
    assert fit(build(CONFIG), Disks(), anew, tmp_path).history[-1]["step"] == 6


def test_trained_weights_do_not_bear_the_hash_they_began_with(tmp_path):
    model = build(CONFIG)
    model.weights_hash, model.card = "0" * 64, {"recipe": "another"}
    trained = fit(model, Disks(), replace(RECIPE, steps=1), tmp_path).model
    assert model.weights_hash is trained.weights_hash is None and not trained.card
