"""The command line: words become prompts, mistakes become one clear line and exit code 2."""

import importlib
import io
import json
import sys
import zipfile
from importlib import import_module

import made_up
import numpy as np
import pytest
from PIL import Image
from small import write_shard

from vpuformer import benchmark, cli
from vpuformer.config import ModelConfig
from vpuformer.errors import DataError, PromptError
from vpuformer.model import build, preset
from vpuformer.prompts import Box, Click, Scribble
from vpuformer.widget.session import Session

SIZE = (48, 64)  # H, W


@pytest.fixture
def photo(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "photo.png"
    Image.fromarray(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def tiny(monkeypatch):
    config: ModelConfig = preset("tiny")
    weights = import_module("vpuformer.weights")
    monkeypatch.setattr(weights, "load", lambda *args, **kwargs: build(config).eval())


def mask_of(path):
    return np.asarray(Image.open(path).convert("L")) > 127


def test_words_become_prompts():
    prompts = cli.parse_prompts(
        ["120,80", "3.5,4,-"],
        ["40,30,300,260", "9,9,1,1,-"],
        ["1,2 3,4 5,6", "7,8,-", "1,2 3,4 -"],
    )
    assert prompts == [
        Click(120, 80),
        Click(3.5, 4, positive=False),
        Box.from_corners(40, 30, 300, 260),
        Box.from_corners(1, 1, 9, 9, positive=False),
        Scribble([(1, 2), (3, 4), (5, 6)]),
        Scribble([(7, 8)], positive=False),
        Scribble([(1, 2), (3, 4)], positive=False),
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((["12"], [], []), "--click got '12', expected numbers as x,y"),
        ((["1,two"], [], []), "--click got '1,two'"),
        (([], ["1,2,3"], []), "expected numbers as x0,y0,x1,y1"),
        (([], ["1,2,1,9"], []), "w = 0"),
        (([], [], ["1,2 3"]), "--scribble got '3'"),
        (([], [], [",-"]), "Scribble is empty"),
    ],
)
def test_wrong_words_are_refused(words, message):
    with pytest.raises(PromptError, match=message):
        cli.parse_prompts(*words)


def test_segment_writes_a_mask(photo, tiny, capsys):
    out = photo.with_name("mask.png")
    words = ["--click", "10,20", "--click", "60,5,-", "--box", "2,3,30,40", "--out", str(out)]
    assert cli.main(["segment", str(photo), *words]) == 0
    mask = mask_of(out)
    assert mask.shape == SIZE and mask[20, 10] and not mask[5, 60]
    assert "mask.png" in capsys.readouterr().out


def test_segment_plays_a_session_again(photo, tiny, tmp_path):
    file, out = tmp_path / "session.json", tmp_path / "mask.png"
    session = Session(photo, build(preset("tiny")).eval(), autosave=file)
    session.add(Click(20, 20))
    session.add(Box.from_corners(5, 5, 40, 30, positive=False))
    session.paint([(50.0, 40.0)], 6, True)
    words = ["segment", str(photo), "--prompts", str(file), "--out", str(out)]
    assert cli.main(words) == 0
    assert session.mask.any() and not session.mask.all()
    np.testing.assert_array_equal(mask_of(out), session.mask)
    session.add_object()
    session.paint([(10.0, 10.0)], 4, True)
    assert cli.main(words) == 0
    np.testing.assert_array_equal(np.asarray(Image.open(out)), session.labels())
    assert cli.main([*words, "--click", "1,2"]) == 2  # a session holds all its prompts


def test_segment_default_name(photo, tiny, monkeypatch):
    monkeypatch.chdir(photo.parent)
    assert cli.main(["segment", photo.name, "--scribble", "10,20 20,20"]) == 0
    assert mask_of("photo_mask.png").shape == SIZE


def test_segment_a_folder_by_name(photo, tiny, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        (folder / name).write_bytes(photo.read_bytes())
    (folder / "notes.txt").write_text("not a photo")
    record = {"a.png": [Click(10, 20).to_json()], "c.png": [Click(50, 40).to_json()]}
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps(record))
    out = tmp_path / "masks"
    assert cli.main(["segment", str(folder), "--prompts", str(file), "--out", str(out)]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["a.png", "c.png"]
    assert mask_of(out / "a.png")[20, 10] and mask_of(out / "c.png")[40, 50]


@pytest.mark.parametrize("place", ["there", "new", "there.d"])
def test_a_folder_may_get_the_mask_of_one_photo(photo, tiny, tmp_path, place):
    for made in ("there", "there.d"):
        (tmp_path / made).mkdir()
    folder = tmp_path / place
    assert cli.main(["segment", str(photo), "--click", "1,2", "--out", str(folder)]) == 0
    assert mask_of(folder / "photo.png").shape == SIZE


def test_a_bad_photo_in_a_folder_is_named_and_the_others_are_cut(photo, tiny, tmp_path, capsys):
    Image.new("RGB", (9, 9)).save(tmp_path / "a small.png")
    (tmp_path / "b broken.png").write_bytes(b"no picture")
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps([Click(20, 20).to_json()]))
    words = ["--prompts", str(file), "--out", str(tmp_path / "masks")]
    assert cli.main(["segment", str(tmp_path), *words]) == 2
    small, broken = capsys.readouterr().err.splitlines()
    assert "a small.png: The click lies outside" in small
    assert broken.count("b broken.png") == 1 and "its format is unknown" in broken
    assert [p.name for p in (tmp_path / "masks").iterdir()] == ["photo.png"]


def test_one_list_serves_all_photos(tmp_path):
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps([Click(1, 2).to_json()]), "utf-8-sig")  # as Windows writes it
    images = [tmp_path / "a.png", tmp_path / "b.png"]
    assert cli.read_prompts(file, images) == {image: [Click(1, 2)] for image in images}


def test_masks_never_overwrite_each_other(photo, tmp_path, capsys):
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps([Click(1, 2).to_json()]))
    assert cli.main(["segment", str(tmp_path), "--prompts", str(file)]) == 2
    assert "differ only in their ending" in capsys.readouterr().err


@pytest.mark.parametrize("whole_folder", [False, True])
def test_a_mask_never_overwrites_its_photo(photo, tmp_path, whole_folder, capsys):
    file, before = tmp_path / "prompts.json", photo.read_bytes()
    file.write_text(json.dumps([Click(1, 2).to_json()]))
    given = ["--prompts", str(file)] if whole_folder else ["--click", "1,2"]
    place = tmp_path if whole_folder else photo
    assert cli.main(["segment", str(place), *given, "--out", str(place)]) == 2
    assert "would overwrite the photo" in capsys.readouterr().err and photo.read_bytes() == before


def test_hidden_files_are_no_photos(photo, tiny, tmp_path):
    (tmp_path / "._photo.jpg").write_bytes(b"of macOS")
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps([Click(1, 2).to_json()]))
    out = tmp_path / "masks"
    assert cli.main(["segment", str(tmp_path), "--prompts", str(file), "--out", str(out)]) == 0
    assert [p.name for p in out.iterdir()] == ["photo.png"]


def test_evaluate_a_baseline_and_resume(tmp_path, capsys):
    rng = np.random.default_rng(0)
    truth = np.zeros(SIZE, np.uint8)
    truth[10:38, 14:50] = 255
    picture = np.where(truth[..., None] > 0, 220, 40) + rng.integers(0, 12, (*SIZE, 3))
    root = tmp_path / "photos"
    for folder, array in (("images", picture.astype(np.uint8)), ("masks", truth)):
        (root / folder).mkdir(parents=True)
        Image.fromarray(array).save(root / folder / "a.png")
    out = tmp_path / "results.jsonl"
    words = ["evaluate", str(root), "--model", "grabcut", "--out", str(out)]
    assert cli.main(words) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["photos"]["samples"] == 1 and numbers["photos"]["IoU@5"][0] > 0.8
    before = out.read_bytes()
    assert cli.main(words) == 0 and out.read_bytes() == before
    assert cli.main([*words, "--policy", "box"]) == 2
    assert "its header differs in protocol" in capsys.readouterr().err
    both = ["evaluate", str(root), "--model", "grabcut", "random_walker", "--out"]
    assert cli.main([*both, str(out)]) == 2
    assert "2 models need a results file each" in capsys.readouterr().err
    assert cli.main([*both, str(tmp_path / "results_{model}.jsonl")]) == 0
    for name, method in (("grabcut", "GrabCut"), ("random_walker", "RandomWalker")):
        header = (tmp_path / f"results_{name}.jsonl").read_text().splitlines()[0]
        assert json.loads(header)["method"] == method


def test_evaluate_reads_published_sets(tmp_path, capsys):
    for name in ("grabcut", "berkeley"):
        (content,) = getattr(made_up, name)().values()
        zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    sets = [f"grabcut:{tmp_path / 'GrabCut'}", f"berkeley:{tmp_path / 'Berkeley'}"]
    words = ["--model", "grabcut", "--limit", "2", "--out", str(tmp_path / "r.jsonl")]
    assert cli.main(["evaluate", *sets, *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {name: numbers["samples"] for name, numbers in found.items()} == {
        "grabcut": 2,
        "berkeley": 2,
    }
    assert cli.main(["evaluate", *sets, *words[:2], "--limit", "0", *words[4:]]) == 2
    assert "limit is 0, expected at least 1" in capsys.readouterr().err
    for word, message in (
        (f"davos:{tmp_path}", "No set is called 'davos'. There are coco_lvis, grabcut"),
        (f"voc:{tmp_path}", "has no JPEGImages/. Give the folder with"),
    ):
        out = tmp_path / "none.jsonl"
        assert cli.main(["evaluate", word, "--model", "grabcut", "--out", str(out)]) == 2
        assert message in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("5", "must hold a list of prompt records"),
        ('{"a.png": 5}', "must hold a list"),
        ("{}", "must hold a list .*, got nothing"),
        ('[{"kind": ["a"]}]', "expected one of click, box, scribble"),
        ('{"x.png": []}', "names photos that are not there: x.png. There are a.png"),
    ],
)
def test_prompt_files_that_cannot_be_used(tmp_path, text, message):
    file = tmp_path / "prompts.json"
    file.write_text(text)
    with pytest.raises((DataError, PromptError), match=message):
        cli.read_prompts(file, [tmp_path / "a.png"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["segment", "{photo}"], "No prompt for"),
        (["segment", "{photo}", "--click", "1"], "--click got '1'"),
        (["segment", "gone.png", "--click", "1,2"], "gone.png does not exist"),
        (["segment", "{folder}", "--click", "1,2"], "is a folder: give --prompts"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(photo, words, message, capsys):
    words = [w.format(photo=photo, folder=photo.parent) for w in words]
    assert cli.main(words) == 2
    seen = capsys.readouterr()
    assert seen.out == "" and message in seen.err and len(seen.err.splitlines()) == 1


def test_a_missing_extra_is_named(tmp_path, monkeypatch, capsys):
    package = importlib.import_module("vpuformer.training")
    monkeypatch.setattr(sys.modules["vpuformer"], "training", package)  # put back afterwards
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    for name in [m for m in sys.modules if m.startswith("vpuformer.training")]:
        monkeypatch.delitem(sys.modules, name)
    assert cli.main(["train", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "pip install 'vpuformer[train]'" in capsys.readouterr().err
    for name in [m for m in sys.modules if m.startswith("vpuformer.training")]:
        del sys.modules[name]  # half loaded; those from before come back


def test_train_leaves_weights_and_a_log(tmp_path, capsys):
    write_shard(tmp_path, SIZE)
    out = tmp_path / "run"
    words = ["--preset", "tiny", "--recipe", "tiny", "--steps", "1", "--out", str(out)]
    assert cli.main(["train", str(tmp_path), *words]) == 0
    record = json.loads((out / "log.jsonl").read_text().splitlines()[-1])
    assert record["step"] == 1 and np.isfinite(record["loss"])
    assert (out / "tiny.safetensors").stat().st_size > 1000
    for name in ("curves.png", "samples/step-0000001.png"):
        assert np.ptp(np.asarray(Image.open(out / name).convert("L"))) > 100
    assert "tiny.safetensors" in capsys.readouterr().out


def test_a_folder_of_runs_has_one_data_set_and_one_start(tmp_path, capsys):
    for name in "ab":
        (tmp_path / name).mkdir()
        write_shard(tmp_path / name, SIZE, "abc" if name == "b" else "ab")
    out = tmp_path / "run"
    words = ["--preset", "tiny", "--recipe", "tiny", "--steps", "1", "--out", str(out)]
    assert cli.main(["train", str(tmp_path / "a"), *words]) == 0
    assert cli.main(["train", str(tmp_path / "a"), *words]) == 0
    before = (out / "tiny.safetensors").read_bytes()
    start = ["--start", str(out / "tiny.safetensors")]
    for changed, what in (
        ([str(tmp_path / "b")], "data"),
        ([str(tmp_path / "a"), *start], "start"),
    ):
        assert cli.main(["train", *changed, *words]) == 2
        assert f"holds another run (its {what} differ)" in capsys.readouterr().err
    assert (out / "tiny.safetensors").read_bytes() == before


@pytest.mark.parametrize("wrong", [["--steps", "0"], ["--steps", "-3"], ["--seed", "-1"]])
def test_steps_and_seeds_that_cannot_be(tmp_path, wrong, capsys):
    write_shard(tmp_path, SIZE)
    words = ["--preset", "tiny", "--recipe", "tiny", "--out", str(tmp_path / "run")]
    assert cli.main(["train", str(tmp_path), *words, *wrong]) == 2
    assert "expected >= 1 and >= 0" in capsys.readouterr().err
    assert not (tmp_path / "run" / "tiny.safetensors").exists()


def test_of_several_ranks_one_writes_the_weights(tmp_path, monkeypatch, capsys):
    write_shard(tmp_path, SIZE)
    out = tmp_path / "run"
    words = ["--preset", "tiny", "--recipe", "tiny", "--steps", "1", "--out", str(out)]
    monkeypatch.setenv("RANK", "1")
    assert cli.main(["train", str(tmp_path), *words]) == 0
    assert not [*out.glob("tiny.*")] and "Weights" not in capsys.readouterr().out


def test_unknown_command_exits_with_2(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["fly"])
    assert stop.value.code == 2
    capsys.readouterr()


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0 and f"vpuformer {command}" in capsys.readouterr().out


def test_doctor_prints_every_line(capsys, monkeypatch):
    from vpuformer.doctor import Check, Report

    rows = (Check("torch", True, "2.13"), Check("widget", False, "gone", "pip install 'a[b]'"))
    monkeypatch.setattr("vpuformer.doctor", lambda: Report(rows))
    assert cli.main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "FIX" in text and "OK" in text and "a[b]" in text


@pytest.mark.slow
def test_benchmark_prints_and_writes(tmp_path, capsys):
    out = tmp_path / "new" / "cost.json"
    words = ["benchmark", "--presets", "tiny", "--size", "64", "--repeats", "1", "--out"]
    assert cli.main([*words, str(out)]) == 0
    record = json.loads(out.read_text())
    assert record["command"].startswith("vpuformer") and "torch" in record["device"]
    assert {r["precision"] for r in record["records"]} == {"float32", "bfloat16"}
    for r in record["records"]:
        first, further = r["cpu_ms"]["first"], r["cpu_ms"]["further"]
        assert (r["preset"], r["size"], r["sweep"]) == ("tiny", 64, "quick")
        assert "encode" not in further and 0 < first["encode"] < first["all"]
        assert 0 < further["decoder"] < further["all"]
    assert "RITM" in capsys.readouterr().out


def test_benchmark_refuses_a_folder_before_it_measures(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "run", lambda chosen: pytest.fail("it measured"))
    assert cli.main(["benchmark", "--out", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
