"""Tar shards in webdataset layout, and the crops cut from them."""

import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from small import shown

from vpuformer.data import shards as module
from vpuformer.data.augmentation import VOID, Choice, augment, crop_box, pick_object
from vpuformer.data.shards import Shards, ShardSamples, write_index
from vpuformer.errors import DataError


def photo(seed, size=(90, 140)):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, (*size, 3), dtype=np.uint8)
    labels = np.zeros(size, np.uint8)
    labels[10:40, 20:60], labels[50:80, 70:130], labels[:5] = 1, 2, VOID
    return image, labels


@pytest.fixture
def root(tmp_path):
    for name, seeds in (("human-0000", range(3)), ("teacher-0000", range(3, 7))):
        with tarfile.open(tmp_path / f"{name}.tar", "w") as archive:
            for seed in seeds:
                image, labels = photo(seed)
                for extension, content in (("webp", image), ("png", labels)):
                    buffer = io.BytesIO()
                    Image.fromarray(content).save(buffer, extension, lossless=True)
                    add(archive, f"photo{seed}.{extension}", buffer.getvalue())
                add(archive, f"photo{seed}.json", json.dumps({"source": f"s{seed}"}).encode())
    return tmp_path


def add(archive, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def one_photo(folder, image, labels, stuff):
    parts = ("webp", "webp", image), ("png", "png", labels), ("stuff", "png", stuff)
    with tarfile.open(folder / "human-0000.tar", "w") as archive:
        for extension, kind, content in parts:
            buffer = io.BytesIO()
            Image.fromarray(content).save(buffer, kind, lossless=True)
            add(archive, f"photo.{extension}", buffer.getvalue())


def test_reads_what_was_written(root):
    shards = Shards(root)
    assert len(shards) == 7 and shards.record(4) == {"source": "s4"}
    image, labels = shards.read(4)
    expected_image, expected_labels = photo(4)
    assert np.array_equal(labels, expected_labels)
    assert np.array_equal(np.asarray(image), expected_image)


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_webdataset_reads_the_same_layout(root):
    wds = pytest.importorskip("webdataset")
    keys = [s["__key__"] for s in wds.WebDataset(str(root / "human-0000.tar"), shardshuffle=False)]
    assert keys == ["photo0", "photo1", "photo2"]


def test_order_is_seeded_and_takes_a_share_of_the_teachers(root):
    shards = Shards(root, teacher_share=0.0)
    assert sorted(shards.order(0, 0)) == [0, 1, 2]
    everything = Shards(root, teacher_share=1.0)
    assert sorted(everything.order(0, 0)) == list(range(7))
    assert everything.order(0, 1).tolist() == everything.order(0, 1).tolist()
    assert any(everything.order(0, e).tolist() != everything.order(0, 0).tolist() for e in (1, 2))


def test_position_decides_the_sample(root):
    positions = (11, 11, 12)
    a, b, c = (shown(ShardSamples(Shards(root)).sample(0, p, 64), 64) for p in positions)
    assert np.array_equal(a.image, b.image) and np.array_equal(a.target, b.target)
    assert not np.array_equal(a.image, c.image)
    assert a.image.shape == (64, 64, 3) and a.target.dtype == bool and a.target.any()


def test_stuff_is_asked_for_as_often_as_the_choice_says_and_only_where_no_object_is(tmp_path):
    labels, stuff = np.zeros((2, 90, 140), np.uint8)
    labels[10:40, 20:60], stuff[:60] = 1, 200
    one_photo(tmp_path, photo(0)[0], labels, stuff)
    shares = {}
    for share in (0.0, 0.3, 1.0):
        choice = Choice(parts=0.0, merged=0.0, whole=1.0, power=0.0, stuff=share)
        samples = ShardSamples(Shards(tmp_path, choice=choice))
        asked = [shown(samples.sample(0, p, 96), 96).target for p in range(200)]
        is_sky = np.array([target.mean() > 0.3 for target in asked])  # the object: 10 %
        assert not any(target[75:].any() for target in asked)
        shares[share] = is_sky.mean()
    assert shares[0.0] == 0 and 0.09 < shares[0.3] < 0.21 and 0.42 < shares[1.0] < 0.58


def test_stuff_of_another_size_than_its_photo_is_named(tmp_path):
    image, labels = photo(0)
    one_photo(tmp_path, image, labels, stuff=labels[1:])
    assert np.array_equal(Shards(tmp_path).read(0)[1], labels)
    with pytest.raises(DataError, match=r"labels are \(140, 89\), the photo is \(140, 90\)"):
        Shards(tmp_path).read(0, with_stuff=True)


def test_missing_and_broken_shards_are_named(tmp_path):
    with pytest.raises(DataError, match=r"No \.tar shard"):
        Shards(tmp_path)
    (tmp_path / "human-0000.tar").write_bytes(b"<html>" * 200)
    with pytest.raises(DataError, match="not a whole tar archive"):
        Shards(tmp_path)
    with tarfile.open(tmp_path / "human-0000.tar", "w") as archive:
        add(archive, "a.jpeg", b"x")
        add(archive, "a.mask.png", b"x")
    with pytest.raises(DataError, match=r"no shard holds key\.webp \(or \.jpg\) with key\.png"):
        Shards(tmp_path)


def test_a_broken_picture_is_named(tmp_path):
    with tarfile.open(tmp_path / "human-0000.tar", "w") as archive:
        add(archive, "a.webp", b"no picture")
        add(archive, "a.png", b"no picture")
    with pytest.raises(DataError, match=r"human-0000\.tar, photo 0: cannot identify"):
        Shards(tmp_path).read(0)


def test_masks_of_others_are_understood_or_named(tmp_path):
    """0 and 255 alone: 255 is the object, as in a folder."""
    image, labels = photo(0)
    for mask, expected in ((np.uint8(255) * (labels == 1), labels == 1), (labels, labels)):
        one_photo(tmp_path, image, mask, labels)
        assert np.array_equal(Shards(tmp_path).read(0)[1], expected)
    one_photo(tmp_path, image, image, labels)
    with pytest.raises(DataError, match=r"human-0000\.tar, photo 0: .* one 8-bit channel"):
        Shards(tmp_path).read(0)


@pytest.mark.parametrize("content", [b"{", b"[1]", b"5"])
def test_a_broken_record_is_named(tmp_path, content):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for extension in ("jpg", "png"):
            add(archive, f"p.{extension}", b"x")
        add(archive, "p.json", content)
    with pytest.raises(DataError, match=r"a\.tar, photo 0: .*Mend its \.json"):
        Shards(tmp_path).record(0)


def test_what_a_server_said_is_not_blamed_on_the_picture(root, monkeypatch):
    def refuse(*_):
        raise DataError("the server says 403")

    monkeypatch.setattr(Shards, "_bytes", refuse)
    with pytest.raises(DataError, match=r"^the server says 403$"):
        Shards(root).read(0)


@pytest.mark.parametrize("seed", range(20))
def test_crops_hold_the_object_and_stay_in_the_picture(seed):
    _, labels = photo(0)
    rng = np.random.default_rng(seed)
    mask = pick_object(labels, rng, Choice(parts=0.1))
    assert mask.any() and not mask[labels == VOID].any()
    x0, y0, x1, y1 = crop_box(mask, rng, 0.3)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert 0 <= x0 <= columns[0] and columns[-1] < x1 <= 140
    assert 0 <= y0 <= rows[0] and rows[-1] < y1 <= 90


def test_void_stays_out_and_flips_keep_things_together():
    image, labels = photo(0)
    image[labels == 1], image[labels != 1] = 255, 0
    labels[labels == 2] = 0
    for seed in range(8):
        sample = augment(Image.fromarray(image), labels, 48, np.random.default_rng(seed))
        sample = shown(sample, 48)
        inside, outside = (
            sample.image[sample.target].mean(),
            sample.image[~sample.target].mean(),
        )
        assert inside > outside + 60
        assert not (sample.target & ~sample.valid).any()


@pytest.fixture
def server(root, monkeypatch):
    """Serves the shards with ranges; `faults` are answered first, one a request."""
    monkeypatch.setattr(module, "PAUSE", 0)
    faults, asked = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            span, path = self.headers.get("Range"), root / unquote(self.path[1:])
            asked.append(self.path)
            fault = faults.pop() if faults else None
            if fault == "down" or not path.is_file():
                self.send_error(503 if fault else 404)
                return
            content = path.read_bytes()
            if span and fault != "whole":
                first, last = map(int, span.removeprefix("bytes=").split("-"))
                content = content[first : last + 1]
            self.send_response(206 if span and fault != "whole" else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.faults, server.asked = faults, asked
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_over_http_the_same_samples_by_ranges(root, server):
    write_index(root)
    here, there = Shards(root), Shards(server.url + "/")
    assert len(there) == 7 and np.array_equal(here.weights, there.weights)
    assert there.record(4) == {"source": "s4"}
    a, b = (ShardSamples(s).sample(0, 9, 48) for s in (here, there))
    assert np.array_equal(a.planes, b.planes) and np.array_equal(a.place, b.place)
    assert len(server.asked) == 3  # the index with all records, one photo, its labels


def test_shards_may_have_any_name(root, server):
    (root / "human-0000.tar").rename(root / "my zähne #1.tar")
    write_index(root)
    here, there = Shards(root), Shards(server.url)
    for index in range(len(here)):
        assert np.array_equal(here.read(index)[1], there.read(index)[1])
    assert {p.name for p, _ in here.entries} == {p.name for p, _ in there.entries}


def test_a_server_that_stumbles_is_asked_again(root, server):
    write_index(root)
    shards = Shards(server.url)
    server.faults[:] = ["cut", "down"]
    assert np.array_equal(shards.read(2)[1], photo(2)[1]) and not server.faults
    server.faults[:] = ["down"] * 4
    with pytest.raises(DataError, match=r"503 .* 4 times"):
        shards.read(2)
    server.faults[:] = ["whole"]
    with pytest.raises(DataError, match="sends whole files only"):
        shards.read(2)


def test_a_server_without_an_index_is_named(root, server):
    with pytest.raises(DataError, match="404"):
        Shards(server.url)
    (root / "index.json").write_text("<html>")
    foreign = "<html>", "[]", "null", '{"error": "x"}', '{"a.tar": [{"image": 1}]}'
    for content in foreign:
        (root / "index.json").write_text(content)
        with pytest.raises(DataError, match="is no index"):
            Shards(server.url)


def test_ranks_and_resumed_runs_take_each_sample_once_in_an_epoch(root, server, monkeypatch):
    write_index(root)
    shards, taken = Shards(server.url, teacher_share=1.0), []
    monkeypatch.setattr(shards, "read", lambda index, _: taken.append(index) or photo(index))
    monkeypatch.setattr(module, "augment", lambda *_: None)
    for rank in (0, 1):  # batches of 2; the run is cut after position 4 and resumed
        for leg in (range(rank, 4, 2), range(4 + rank, 14, 2)):
            samples = ShardSamples(shards)
            for position in leg:
                samples.sample(3, position, 32)
    assert sorted(taken) == sorted([*range(7), *range(7)])
    assert taken != sorted(taken)
