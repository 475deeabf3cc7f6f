import numpy as np
import pytest
from PIL import Image

from vpuformer.data.samples import folder_samples, split_labels
from vpuformer.errors import DataError

SIZE = (20, 30)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    return tmp_path


def put(root, name, labels, ending=".jpg", size=SIZE, **options):
    Image.new("RGB", size[::-1], (200, 10, 30)).save(root / "images" / f"{name}{ending}")
    mask = labels if isinstance(labels, Image.Image) else Image.fromarray(labels)
    mask.save(root / "masks" / f"{name}.png", **options)


def labels_with(*values):
    labels = np.zeros(SIZE, np.uint8)
    for row, value in enumerate(values):
        labels[row * 3 : row * 3 + 2, 4:20] = value
    return labels


def test_both_mask_layouts(root):
    put(root, "b", labels_with(255))
    put(root, "a", labels_with(2, 1, 255), ".png")
    samples = list(folder_samples(root, "demo"))
    assert [s.key for s in samples] == [("demo", "a", 1), ("demo", "a", 2), ("demo", "b", 255)]
    first, second, third = samples
    assert first.image is second.image and first.image.shape == (*SIZE, 3)
    assert first.image[0, 0].tolist() == [200, 10, 30]
    assert first.gt.sum() == second.gt.sum() == 32 and not (first.gt & second.gt).any()
    assert first.ignore is not None and first.ignore.sum() == 32
    assert not (first.ignore & (first.gt | second.gt)).any()
    assert third.ignore is None and third.gt.dtype == bool and third.gt.sum() == 32


def test_name_and_limit(root):
    put(root, "a", labels_with(1, 2, 3))
    put(root, "b", labels_with(1))
    assert [s.instance for s in folder_samples(root, limit=2)] == [1, 2]
    assert next(folder_samples(root)).set == root.name
    assert not list(folder_samples(root, limit=0))


def test_empty_and_void_masks():
    assert split_labels(np.zeros(SIZE, np.uint8)) == []
    ((label, gt, ignore),) = split_labels(labels_with(255, 7))
    assert (label, gt.sum()) == (7, 32) and ignore is not None and ignore.sum() == 32


def test_palette_and_black_and_white_masks(root):
    palette = Image.fromarray(labels_with(1, 2))
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    put(root, "p", palette)
    put(root, "q", Image.fromarray(labels_with(255)).convert("1"))
    assert [s.key[1:] for s in folder_samples(root)] == [("p", 1), ("p", 2), ("q", 255)]


def test_two_colours_mean_what_they_show(root):
    """Pillow's own quantize may put white first."""
    labels = labels_with(255)
    for name, first in (("a", [0, 0, 0, 255, 255, 255]), ("b", [255, 255, 255, 0, 0, 0])):
        picture = Image.fromarray(np.uint8((labels > 0) == (first[3] == 255)))
        picture.putpalette(first)
        put(root, name, picture)
    a, b = folder_samples(root)
    assert a.instance == b.instance == 255
    assert np.array_equal(a.gt, labels > 0) and np.array_equal(b.gt, labels > 0)


def test_a_damaged_mask_is_named(root):
    put(root, "a", labels_with(1))
    path = root / "masks" / "a.png"
    content = bytearray(path.read_bytes())
    at = content.index(b"IDAT")
    content[at - 4 : at] = (16).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.png cannot be read as a mask"):
        list(folder_samples(root))


def test_files_are_read_when_asked_for(root):
    put(root, "a", labels_with(1))
    put(root, "b", labels_with(1))
    (root / "masks" / "b.png").write_bytes(b"torn")
    samples = folder_samples(root)
    assert next(samples).image_name == "a"
    with pytest.raises(DataError, match=r"b\.png cannot be read as a mask"):
        next(samples)


def test_a_wrong_layout_is_refused_at_once(root):
    with pytest.raises(DataError, match="holds no photo in images/"):
        folder_samples(root)
    put(root, "a", labels_with(1))
    (root / "masks" / "a.png").unlink()
    with pytest.raises(DataError, match=r"lacks 1 files, first a\.png"):
        folder_samples(root)


def test_sizes_and_channels_must_fit(root):
    put(root, "a", labels_with(1), size=(30, 20))
    with pytest.raises(DataError, match="is 20 x 30, its mask 30 x 20"):
        list(folder_samples(root))
    put(root, "a", np.zeros((*SIZE, 3), np.uint8))
    with pytest.raises(DataError, match="expected one 8-bit channel"):
        list(folder_samples(root))
