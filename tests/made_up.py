"""Small made-up archives in the exact layouts of the published ones."""

import io
import json
import tarfile
import zipfile

import numpy as np
from PIL import Image
from scipy.io import savemat

SIZE = (40, 60)  # H, W


def photo(seed, kind="JPEG", size=SIZE):
    noise = np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)
    return encoded(Image.fromarray(noise), kind)


def encoded(image, kind="PNG"):
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


def blob(value=1, at=5, size=SIZE):
    """A square of 12 pixels a side."""
    mask = np.zeros(size, np.uint8)
    mask[at : at + 12, at : at + 12] = value  # row = y
    return mask


def rgb(mask):
    return Image.fromarray(np.stack([mask, np.zeros_like(mask), mask // 2], -1))


def zipped(members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in members.items():
            archive.writestr(name, part)
    return content.getvalue()


def tarred(members, mode):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:
        for name, part in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(part)
            archive.addfile(info, io.BytesIO(part))
    return content.getvalue()


def grabcut():
    """Photos of mixed kinds, trimaps as grey BMP; macOS's hidden files beside them."""
    trimap = blob(255)
    trimap[5:17, 5] = 128
    members = {"GrabCut/": b"", "__MACOSX/GrabCut/data_GT/._a.bmp": b"\0\5\26\7"}
    for i, (suffix, kind) in enumerate({"jpg": "JPEG", "bmp": "BMP", "JPG": "JPEG"}.items()):
        members[f"GrabCut/data_GT/{i}.{suffix}"] = photo(i, kind)
        members[f"GrabCut/boundary_GT/{i}.bmp"] = encoded(Image.fromarray(trimap), "BMP")
    return {"GrabCut.zip": zipped(members)}


def berkeley():
    """Scene 12 has two objects; 12b has a photo of its own, 12a's is called 12."""
    members = {f"Berkeley/images/{n}.jpg": photo(1) for n in ("12", "12b", "77")}
    for name in ("12a", "12b", "77"):
        members[f"Berkeley/masks/{name}.png"] = encoded(rgb(blob(255)).convert("L").point(bool_))
    return {"Berkeley.zip": zipped(members)}


def bool_(value):
    return 255 if value else 0


def davis(last=b""):
    two = blob(200) + blob(90, at=25)
    members = {f"DAVIS345/img/{n}.jpg": photo(n) for n in range(3)}
    members |= {f"DAVIS345/gt/{n}.png": encoded(rgb(two)) for n in range(3)}
    members["DAVIS345/gt/2.png"] = last or members["DAVIS345/gt/2.png"]
    return {"DAVIS.zip": zipped(members)}


def coco_mval():
    names = ("cat 1", "traffic light 2")
    members = {f"COCO_MVal/img/{n}.jpg": photo(1) for n in names}
    members |= {f"COCO_MVal/gt/{n}.png": encoded(rgb(blob(1))) for n in names}
    return {"COCO_MVal.zip": zipped(members)}


def matlab(content):
    file = io.BytesIO()
    savemat(file, content, do_compression=True)
    return file.getvalue()


def sbd():
    return {"benchmark.tgz": tarred(sbd_members(), "w:gz")}


def sbd_members():
    """GTinst is a struct array 1 x 1 with Segmentation, Boundaries and Categories."""
    thin = np.zeros(SIZE, np.uint8)
    thin[np.arange(36), np.arange(36)] = 3  # a diagonal fills a 36th of its box
    root, members = "benchmark_RELEASE/dataset", {"benchmark_RELEASE/README": b"words"}
    for name in ("2008_1", "2008_2", "2010_3"):
        labels = np.where(blob() > 0, 1, np.where(blob(at=25) > 0, 2, thin)).astype(np.uint8)
        parts = {"Segmentation": labels, "Boundaries": np.zeros(2), "Categories": [[1], [2]]}
        members[f"{root}/img/{name}.jpg"] = photo(1)
        members[f"{root}/inst/{name}.mat"] = matlab({"GTinst": parts})
    members[f"{root}/val.txt"] = b"2010_3\n"
    members[f"{root}/train.txt"] = b"2008_1\n2008_2\n"
    return members


def palette():
    """VOC's colours: bit 3k, 3k + 1, 3k + 2 of an entry is bit 7 - k of red, green, blue."""
    return [
        sum(((entry >> (3 * k + channel)) & 1) << (7 - k) for k in range(3))
        for entry in range(256)
        for channel in range(3)
    ]


def voc():
    """Objects 1 and 16 have one grey value."""
    labels = blob(1) + blob(16, at=25)
    labels[0] = 255
    mask = Image.fromarray(labels)
    mask.putpalette(palette())
    root, members = "VOCdevkit/VOC2012", {}
    for name in ("2007_000033", "2007_000042"):
        members[f"{root}/JPEGImages/{name}.jpg"] = photo(2)
        members[f"{root}/SegmentationObject/{name}.png"] = encoded(mask)
    members[f"{root}/JPEGImages/2007_unused.jpg"] = photo(2)
    lists = f"{root}/ImageSets/Segmentation"
    members |= {f"{lists}/val.txt": b"2007_000033\n2007_000042\n", f"{lists}/train.txt": b""}
    return {"VOCtrainval_11-May-2012.tar": tarred(members, "w:")}


def square(x, y, side):
    return [x, y, x + side, y, x + side, y + side, x, y + side]


def coco_lvis():
    """Photo 9: LVIS's person and tie on it, COCO's person again and a dog; photo 25: a crowd."""
    images = [
        {
            "id": key,
            "coco_url": f"http://images.cocodataset.org/train2017/{key:012}.jpg",
            "height": SIZE[0],
            "width": SIZE[1],
            "license": 4,
        }
        for key in (9, 25, 30)
    ]
    runs = {"counts": [0, SIZE[0] * 6, SIZE[0] * (SIZE[1] - 6)], "size": list(SIZE)}

    def objects(*found):
        return [
            {"image_id": key, "segmentation": shape, "iscrowd": crowd}
            for key, shape, crowd in found
        ]

    person, tie = [square(10, 5, 20)], [square(18, 10, 4)]
    lvis = objects((9, person, 0), (9, tie, 0))
    again = objects((9, [square(10.5, 5, 20)], 0), (9, [square(40, 20, 10)], 0))
    crowd = objects((25, runs, 1), (25, [square(30, 10, 8)], 0))
    licences = [{"id": 4, "name": "Attribution License", "url": "http://x"}]
    shared = {"info": {"year": 2017, "annotations": "a trap"}, "licenses": licences}
    files = {
        "lvis": shared | {"annotations": lvis, "images": images[:1], "categories": []},
        "coco": shared | {"images": images, "annotations": again + crowd},
    }
    texts = {name: json.dumps(content, indent=1) for name, content in files.items()}
    photos = {f"train2017/{i['id']:012}.jpg": photo(i["id"]) for i in images}
    return {
        "train2017.zip": zipped(photos),
        "annotations_trainval2017.zip": zipped(
            {"annotations/instances_train2017.json": texts["coco"]}
        ),
        "lvis_v1_train.json.zip": zipped({"lvis_v1_train.json": texts["lvis"]}),
    }


def sstem():
    """Two parts that touch at a corner only are two objects; stack 2 has no labels."""
    parts = blob(255)
    parts[17:25, 17:25] = 255
    root, members = "groundtruth-drosophila-vnc-68c1639", {}
    for i in range(2):
        grey = Image.open(io.BytesIO(photo(i))).convert("L")
        members[f"{root}/stack1/raw/{i:02}.tif"] = encoded(grey, "TIFF")
        members[f"{root}/stack2/raw/{i:02}.tif"] = encoded(grey, "TIFF")
        members[f"{root}/stack1/mitochondria/{i:02}.png"] = encoded(Image.fromarray(parts))
        members[f"{root}/stack1/membranes/{i:02}.png"] = encoded(Image.fromarray(parts))
    return {"sstem.zip": zipped(members)}


def brats():
    members = {f"BraTS20/image/{i}.png": photo(i, "PNG") for i in range(2)}
    grades = blob(1) + blob(4, at=25)
    members |= {f"BraTS20/annotation/{i}.png": encoded(Image.fromarray(grades)) for i in range(2)}
    return {"BraTS20.zip": zipped(members)}


def oaizib():
    two = blob(128) + blob(255, at=25)
    members = {}
    for part in ("test", "train"):
        root = f"OAI-ZIB/{part}"
        members |= {f"{root}/image/{part}{i}.png": photo(i, "PNG") for i in range(2)}
        members |= {
            f"{root}/annotations/{part}{i}.png": encoded(Image.fromarray(two)) for i in range(2)
        }
    return {"OAI-ZIB.zip": zipped(members)}
