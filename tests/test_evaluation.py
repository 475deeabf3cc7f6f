import json
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from vpuformer.data.samples import Sample
from vpuformer.errors import CheckpointError, ConfigError
from vpuformer.evaluation import (
    EvaluationConfig,
    evaluate,
    evaluate_folders,
    read_results,
    run_sample,
    summary,
)
from vpuformer.prompts import Click, Prediction, Prompt
from vpuformer.robot.next_prompt import next_click
from vpuformer.robot.policy import Policy

SIZE = (24, 36)


class Painter:
    """Answers with a disc of radius 6 around every positive prompt, probability 0.495."""

    def __init__(self, radius: float = 6) -> None:
        self.settings = {"radius": radius}
        self.calls: list[str] = []

    def set_image(self, image, mask=None) -> None:
        self.calls.append("set_image")
        self.reset()
        self.calls.pop()

    def reset(self) -> None:
        self.calls.append("reset")
        self.prob = np.zeros(SIZE, np.float32)

    def add(self, *prompts: Prompt) -> Prediction:
        self.calls.append("add")
        y, x = np.mgrid[: SIZE[0], : SIZE[1]]
        for prompt in prompts:
            x0, y0, x1, y1 = prompt.bounds
            cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
            disc = (x - cx) ** 2 + (y - cy) ** 2 <= self.settings["radius"] ** 2
            self.prob = np.where(disc, 0.495 if prompt.positive else 0, self.prob)
        return Prediction(self.prob.astype(np.float32))


def sample(name="a", instance=1, *, centre=(18, 12), radius=6.0, ignore=None):
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    gt = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2
    return Sample("demo", name, instance, np.zeros((*SIZE, 3), np.uint8), gt, ignore)


@pytest.fixture
def samples():
    return [
        sample("a", 1),
        sample("a", 2, radius=9),
        sample("b", 1, centre=(9, 9)),
        sample("c", 1, radius=11),
    ]


def test_a_run_ends_at_the_target():
    row = run_sample(Painter(), sample(), EvaluationConfig())
    assert row["ious"] == [1.0] and row["kinds"] == ["click"]  # 0.495 is above the 0.49
    assert row["boundary_ious"] == [1.0]
    assert row["prompts"] == [{"kind": "click", "x": 18.0, "y": 12.0, "positive": True}]
    assert (row["set"], row["image"], row["instance"]) == ("demo", "a", 1)
    strict = EvaluationConfig(threshold=0.5, max_rounds=3)
    assert run_sample(Painter(), sample(), strict)["ious"] == [0.0] * 3


def test_a_run_ends_at_the_limit_or_when_nothing_is_wrong():
    config = EvaluationConfig(max_rounds=4, target=1.01)
    assert len(run_sample(Painter(3), sample(radius=10), config)["ious"]) == 4
    # The target is out of reach, but after one click there is nothing left to ask.
    assert run_sample(Painter(), sample(), config)["ious"] == [1.0]
    nothing = sample(ignore=np.ones(SIZE, bool))
    assert run_sample(Painter(), nothing, config)["ious"] == []


@dataclass(frozen=True, slots=True)
class Asks(Policy):
    """Clicks at (9, 12) whether something is wrong or not."""

    def __call__(self, gt, pred, history, rng, *, ignore=None):
        return Click(9, 12)


def test_an_empty_union_counts_as_one():
    nothing = sample(ignore=np.ones(SIZE, bool))
    row = run_sample(Painter(), nothing, EvaluationConfig(policy=Asks()))
    assert row["ious"] == row["boundary_ious"] == [1.0]


class Stubborn(Painter):
    def add(self, *prompts: Prompt) -> Prediction:
        return Prediction(np.ones(SIZE, np.float32))


def test_an_image_is_set_once_for_all_its_objects(samples, tmp_path):
    painter = Painter()
    evaluate(painter, samples, out=tmp_path / "r.jsonl")
    begun = [call for call in painter.calls if call != "add"]
    assert begun == ["set_image", "reset", "set_image", "set_image"]


def test_the_file_and_the_summary(samples, tmp_path):
    out = tmp_path / "new" / "r.jsonl"
    numbers = evaluate(Painter(), samples, out=out, header={"method": "painter"})
    header, rows = read_results(out)
    assert header is not None and len(rows) == 4
    assert set(header) >= {
        "schema", "method", "weights_hash", "config", "protocol", "seed", "versions", "command",
        "device",
    }  # fmt: skip
    assert header["method"] == "painter" and header["config"] == {"radius": 6}
    assert header["protocol"]["policy"]["name"] == "click"
    demo = numbers["demo"]
    assert demo == summary(out)["demo"] == summary(rows)["demo"]
    assert (demo["samples"], demo["images"], demo["without_prompt"]) == (4, 3, 0)
    nocs = [next((k for k, v in enumerate(r["ious"], 1) if v >= 0.9), 20) for r in rows]
    assert nocs[0] == nocs[2] == 1 < nocs[1]
    assert demo["NoC@90"][0] == pytest.approx(np.mean(nocs), abs=1e-4)
    assert demo["NoC@90"][1] <= demo["NoC@90"][0] <= demo["NoC@90"][2]
    assert demo["NoF20@90"] == {"never": nocs.count(20), "at_limit": nocs.count(20)}
    assert demo["IoU@1"][0] == pytest.approx(np.mean([r["ious"][0] for r in rows]), abs=1e-4)
    assert demo["boundary IoU@5"][0] <= 1


def test_a_killed_run_goes_on(samples, tmp_path):
    whole, torn = tmp_path / "whole.jsonl", tmp_path / "torn.jsonl"
    config = EvaluationConfig(policy=Policy("all"), seed=3)
    evaluate(Painter(), samples, out=whole, config=config)
    data = whole.read_bytes()
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    for cut in (5, ends[0], ends[0] + 9, ends[2], ends[3] - 1, len(data) - 40):
        torn.write_bytes(data[:cut])
        evaluate(Painter(), samples, out=torn, config=config)
        rows, expected = read_results(torn)[1], read_results(whole)[1]
        for row in rows + expected:
            row["cpu_s"] = 0
        assert rows == expected
    # A whole line of rubbish at the end is as torn.
    torn.write_bytes(data + b"\x00\x00\n")
    evaluate(Painter(), samples, out=torn, config=config)
    assert torn.read_bytes() == data


def test_nothing_is_run_again(samples, tmp_path):
    out = tmp_path / "r.jsonl"
    evaluate(Painter(), samples, out=out)
    painter = Painter()
    evaluate(painter, samples, out=out)
    assert painter.calls == []


@pytest.mark.parametrize(
    ("segmenter", "config", "word"),
    [
        (Painter(5), EvaluationConfig(), "config"),
        (Painter(), EvaluationConfig(max_rounds=3), "protocol"),
        (Painter(), EvaluationConfig(seed=1), "protocol, seed"),
        (Stubborn(), EvaluationConfig(), "method"),
    ],
)
def test_another_header_is_refused(samples, tmp_path, segmenter, config, word):
    out = tmp_path / "r.jsonl"
    evaluate(Painter(), samples[:1], out=out)
    before = out.read_bytes()
    with pytest.raises(CheckpointError, match=f"differs in {word}"):
        evaluate(segmenter, samples, out=out, config=config)
    assert out.read_bytes() == before
    evaluate(Painter(), samples, out=out, header={"command": "from elsewhere"})
    assert len(read_results(out)[1]) == len(samples)


def test_other_files_are_refused(tmp_path):
    out = tmp_path / "r.jsonl"
    for text in ("no json\nat all\n", '{"a": 1}\n', "[1]\n", "my notes, one line"):
        out.write_text(text)
        with pytest.raises(CheckpointError, match=r"results"):
            evaluate(Painter(), [], out=out)
        assert out.read_text() == text


def test_a_policy_is_the_same_in_any_order(samples, tmp_path):
    config = EvaluationConfig(policy=Policy("all"))
    runs = []
    for name, items in (("one", samples), ("two", samples[::-1])):
        evaluate(Painter(3), items, out=tmp_path / name, config=config)
        rows = read_results(tmp_path / name)[1]
        runs.append({(r["image"], r["instance"]): r["prompts"] for r in rows})
    assert runs[0] == runs[1]
    kinds = {p["kind"] for run in runs[0].values() for p in run}
    assert kinds >= {"click", "box", "scribble"}


def test_a_policy_of_ones_own_has_its_name_in_the_header(samples, tmp_path):
    class Boxes(Policy):
        def kind(self, history, rng):
            return "box"

    out = tmp_path / "r.jsonl"
    evaluate(Painter(3), samples[:1], out=out, config=EvaluationConfig(policy=Boxes()))
    header, rows = read_results(out)
    assert "Boxes" in header["policy"] and rows[0]["kinds"][0] == "box"
    with pytest.raises(CheckpointError, match="its header differs in policy"):
        evaluate(Painter(3), samples, out=out)


def click(gt, pred, history, rng, *, ignore=None):
    return next_click(gt, pred, [turn.prompt for turn in history], ignore=ignore)


def test_a_function_may_be_the_policy(samples, tmp_path):
    out, config = tmp_path / "r.jsonl", EvaluationConfig(policy=click)
    found = evaluate(Painter(3), samples, out=out, config=config)
    assert read_results(out)[0]["protocol"]["policy"] == "click"
    assert evaluate(Painter(3), samples, out=out, config=config) == found  # goes on


def test_an_object_may_be_the_policy(samples, tmp_path):
    class Clicks:
        def __call__(self, gt, pred, history, rng, *, ignore=None):
            return click(gt, pred, history, rng, ignore=ignore)

    out = tmp_path / "r.jsonl"
    evaluate(Painter(3), samples, out=out, config=EvaluationConfig(policy=Clicks()))
    assert "Clicks" in read_results(out)[0]["protocol"]["policy"]


def test_a_mixed_run_counts_interactions(samples, tmp_path):
    config = EvaluationConfig(policy=Policy("click+box"))
    demo = evaluate(Painter(3), samples, out=tmp_path / "r.jsonl", config=config)["demo"]
    assert "NoI@90" in demo and "NoC@90" not in demo


def test_a_threshold_above_the_target_is_left_out(samples, tmp_path):
    config = EvaluationConfig(target=0.85, max_rounds=3)
    demo = evaluate(Painter(3), samples, out=tmp_path / "r.jsonl", config=config)["demo"]
    assert "NoC@85" in demo and "NoC@90" not in demo
    assert "IoU@3" in demo and "IoU@5" not in demo
    assert "NoF3@85" in demo


def test_folders(tmp_path):
    for root in (tmp_path / "one", tmp_path / "two"):
        for folder, array in (
            ("images", sample().image),
            ("masks", sample().gt * np.uint8(255)),
        ):
            (root / folder).mkdir(parents=True)
            for name in ("x", "y"):
                Image.fromarray(array).save(root / folder / f"{name}.png")
    folders = [tmp_path / "one", tmp_path / "two"]
    numbers = evaluate_folders(Painter(), folders, out=tmp_path / "r.jsonl", limit=1)
    assert {k: v["samples"] for k, v in numbers.items()} == {"one": 1, "two": 1}
    numbers = evaluate_folders(Painter(), folders, out=tmp_path / "r.jsonl")
    assert {k: v["samples"] for k, v in numbers.items()} == {"one": 2, "two": 2}
    (tmp_path / "other").mkdir()
    (tmp_path / "one").rename(tmp_path / "other" / "two")
    alike = [tmp_path / "two", tmp_path / "other" / "two"]
    with pytest.raises(ConfigError, match="two folders of one name"):
        evaluate_folders(Painter(), alike, out=tmp_path / "new.jsonl")
    assert not (tmp_path / "new.jsonl").exists()


def test_summary_of_runs_that_needed_no_prompt():
    row = {
        "set": "s",
        "image": "a",
        "instance": 1,
        "ious": [],
        "boundary_ious": [],
        "kinds": [],
    }
    assert summary([row]) == {"s": {"samples": 0, "images": 0, "without_prompt": 1}}


def test_a_run_needs_a_round():
    for wrong in ({"max_rounds": 0}, {"seed": -1}):
        with pytest.raises(ConfigError, match="at least 1"):
            EvaluationConfig(**wrong)


def test_the_summary_is_plain_json(samples, tmp_path):
    numbers = evaluate(Painter(), samples, out=tmp_path / "r.jsonl")
    assert json.loads(json.dumps(numbers)) == numbers
