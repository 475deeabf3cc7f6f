"""A folder of images, stepped through one after another: masks and sessions are written beside."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from vpuformer.data.samples import SUFFIXES
from vpuformer.errors import DataError, VPUError, read_json
from vpuformer.imaging import save_mask
from vpuformer.model import VPUFormer
from vpuformer.predictor import load_once
from vpuformer.widget.export import exported, save
from vpuformer.widget.replay import replay
from vpuformer.widget.session import Session


class Folder:
    """The images of a folder and where each stands; begins at the first one still to do.

    Everything lies in `out_dir`, so that a new Folder goes on where the last one stopped:
    masks/NAME.png (with the images a folder data set as `finetune` takes it), sessions/NAME.json
    (saved after each change) and skipped.json.

    Args:
        images_dir: holds the images.
        out_dir: by default the folder that holds `images_dir`.
        model: a VPUFormer; the shipped weights by default.

    Attributes:
        images: paths of all images in name order.
        bad: file name to why the image cannot be opened, as far as was tried.
        at: the place of the open image among `images`.
        session: the open image's session.
    """

    session: Session

    def __init__(
        self, images_dir: str | Path, out_dir: Any = None, model: VPUFormer | None = None
    ) -> None:
        folder = Path(images_dir).resolve()
        if not folder.is_dir():
            raise DataError(
                f"{images_dir} is no folder. Give the folder that holds the images."
            )
        self.images = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
        self.out_dir = Path(out_dir or folder.parent)
        self.model, self.at, self._is_new = model or load_once("lite0"), -1, False
        self.bad: dict[str, str] = {}
        skipped = self.out_dir / "skipped.json"
        self.skipped: list[str] = list(read_json(skipped)) if skipped.is_file() else []
        states = [self.state(at) for at in range(len(self.images))]
        todo = [at for at, state in enumerate(states) if state in ("open", "begun")] or [0]
        found = any(self.go(at) and self.at in todo for at in todo) or self.go(todo[0] - 1, -1)
        if not found and self.at < 0:
            faults = "".join(f"\n  {name}: {why}" for name, why in list(self.bad.items())[:40])
            raise DataError(f"{images_dir} holds no image that can be opened.{faults}")

    def state(self, at: int) -> str:
        """Where the image at a place stands: "bad", "skipped", "done", "begun" or "open"."""
        path = self.images[at]
        if path.name in self.bad:
            return "bad"
        if path.name in self.skipped:
            return "skipped"
        if self._file("masks", path).is_file():
            return "done"
        return "begun" if self._file("sessions", path).is_file() else "open"

    @property
    def counts(self) -> Counter[str]:
        """How many images stand where."""
        return Counter(self.state(at) for at in range(len(self.images)))

    def go(self, at: int, step: int = 1) -> bool:
        """Open the image at a place, or the first that opens from there on in steps of `step`.

        False when there is none: then the open one stays. A mask that was written before is written
        again when the open image's session has changed since.
        """
        if self._is_new and self.state(self.at) == "done":
            self.save()
        while 0 <= at < len(self.images):
            path = self.images[at]
            try:
                session = self._opened(path)
            except VPUError as error:
                self.bad[path.name] = str(error)
                at += step
                continue
            self.bad.pop(path.name, None)
            self.at, self.session, self._is_new = at, session, False
            return True
        return False

    def next(self) -> bool:
        """Go on to the next image that opens; False at the end."""
        return self.go(self.at + 1)

    def previous(self) -> bool:
        """Go back to the last image that opens; False at the beginning."""
        return self.go(self.at - 1, -1)

    def save(self) -> Path:
        """Write the open image's mask: 0 and 255 for one object, else labels 1..K."""
        masks, path = self.session.masks().values(), self.images[self.at]
        marked = [mask for mask in masks if mask.any()]
        if not marked:
            raise DataError(
                f"Nothing is marked in {path.name}. Mark an object, or skip the image."
            )
        file = self._file("masks", path)
        if len(marked) == 1:
            save_mask(file, marked[0])
        else:
            save(file, exported("labels", self.session))
        self._skip(path, False)
        self._is_new = False
        return file

    def skip(self) -> bool:
        """Leave the open image out (its session stays, its mask goes) and go on to the next."""
        path = self.images[self.at]
        self._skip(path, True)
        self._file("masks", path).unlink(missing_ok=True)
        return self.next()

    def _skip(self, path: Path, skipped: bool) -> None:
        names = [name for name in self.skipped if name != path.name] + [path.name] * skipped
        if names != self.skipped:
            save(self.out_dir / "skipped.json", json.dumps(names).encode())
            self.skipped = names

    def _file(self, kind: str, path: Path) -> Path:
        return self.out_dir / kind / f"{path.stem}{'.png' if kind == 'masks' else '.json'}"

    def _opened(self, path: Path) -> Session:
        if sum(other.stem == path.stem for other in self.images) > 1:
            raise DataError(
                "Another image has this name with another ending. Rename one of them."
            )
        file = self._file("sessions", path)
        begun = file.is_file() and replay(file, path, self.model, any_weights=True)
        session = begun or Session(path, self.model)
        session.autosave = file
        session.changed.append(lambda: setattr(self, "_is_new", True))
        return session
