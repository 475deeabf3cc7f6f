"""A place to work: one made-up set, its archives behind the local server or in a folder."""

import importlib
import json
from pathlib import Path

import made_up
import numpy as np
import pytest
from PIL import Image
from run import MANIFEST

PUBLISHED = json.loads(MANIFEST.read_text("utf-8"))
# Photos and objects of the made-up sets, by set and split.
COUNTS = {
    ("grabcut", "test"): {"photos": 3, "objects": 3},
    ("berkeley", "test"): {"photos": 3, "objects": 3, "scenes": 2},
    ("davis", "test"): {"photos": 3, "objects": 3},
    ("coco_mval", "test"): {"photos": 2, "objects": 2},
    ("sbd", "val"): {"photos": 1, "objects": 3, "published objects": 3},
    ("sbd", "train"): {"photos": 2, "objects": 4, "published objects": 6},
    ("voc", "val"): {"photos": 2, "objects": 4, "objects read as grey": 2},
    ("coco_lvis", "train"): {"photos": 2, "lvis annotations": 2, "coco annotations": 4},
    ("sstem", "test"): {"photos": 2, "objects": 4},
    ("brats", "test"): {"photos": 2, "objects": 2},
    ("oaizib", "test"): {"photos": 2, "objects": 4},
}
BY_HAND = {"brats", "oaizib"}


class Desk:
    """A place to work, with the made-up set behind the local server."""

    def __init__(self, name, split, server, folder):
        self.name, self.split, self.folder, self.server = name, split, folder, server
        self.out, self.downloads = folder / "data" / name, folder / "downloads"
        self.archives = getattr(made_up, name)()
        server.files = {f"/{file}": content for file, content in self.archives.items()}
        self.entry = json.loads(json.dumps(PUBLISHED[name]))
        for file in self.entry["files"]:
            file |= {"urls": [f"{server.url}/{file['name']}"], "size": None, "sha256": None}
        self.entry["splits"][split]["counts"] = dict(COUNTS[name, split])

    def run(self, *words):
        manifest = self.folder / "manifest.json"
        manifest.write_text(json.dumps({self.name: self.entry}), "utf-8")
        words = [*words, "--manifest", manifest, "--out", self.out, "--split", self.split]
        main = importlib.import_module(self.name).main
        return main([str(w) for w in (*words, "--downloads", self.downloads)])

    def by_hand(self):
        if self.name not in BY_HAND:
            return ()
        return "--source", self.write(next(iter(self.archives)))

    def write(self, name) -> Path:
        path = self.folder / name
        path.write_bytes(self.archives[name])
        return path

    def labels(self, name):
        return np.asarray(Image.open(self.out / "masks" / f"{name}.png"))

    def nothing_made(self):
        return not self.out.exists() and not [*self.out.parent.glob(".*")]


def sets(*only):
    chosen = [key for key in COUNTS if not only or key[0] in only]
    return pytest.mark.parametrize("desk", chosen, ids="-".join, indirect=True)
