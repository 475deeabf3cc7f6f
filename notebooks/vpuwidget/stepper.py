"""A folder of images under the prompting widget, one after another."""

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as W

from vpuwidget.controls import WRAP, close, keys_listed
from vpuwidget.folder import Folder
from vpuwidget.panel import PromptWidget


class FolderWidget(W.VBox):
    """Marks a folder of images: masks and sessions are written beside, ready for `finetune`.

    Args:
        images_dir: holds the images.
        out_dir: gets masks/ and sessions/; by default the folder that holds `images_dir`.
        model: a VPUFormer; the shipped weights by default.
        options: what else a PromptWidget takes.

    Attributes:
        folder: where each image stands.
        panel: the PromptWidget of the open image.
    """

    def __init__(
        self, images_dir: str | Path, out_dir: Any = None, model: Any = None, **options: Any
    ) -> None:
        self.folder = folder = Folder(images_dir, out_dir, model)
        self.panel = PromptWidget(folder.session, out_dir=folder.out_dir, **options)
        self.panel.value["upload"].disabled = True  # its mask would have no place in the folder
        self.panel.value["upload"].layout.display = "none"
        self.bar, self.where = W.IntProgress(max=len(folder.images)), W.HTML()
        back, done = W.Button(icon="arrow-left"), W.Button(icon="check", description="done")
        skip = W.Button(icon="step-forward", description="skip")
        steps = (
            (back, "PageUp", "Back to the last image", folder.previous),
            (done, "PageDown", "Write the mask and go on", self._done),
            (skip, "End", "Skip this image", folder.skip),
        )
        self.panel.listed.value = keys_listed({key: tip for _, key, tip, _ in steps})
        for button, key, tip, step in steps:
            button.tooltip = f"{tip} [{key}]"
            self.panel.more_keys[key] = lambda step=step: self.panel.ask(lambda: self._go(step))
            button.on_click(lambda _, key=key: self.panel.more_keys[key]())
        row = W.HBox([back, done, skip, self.bar, self.where], layout=WRAP)
        super().__init__([row, self.panel])
        self.add_class("vpu-widget")
        self._tell()

    def _done(self) -> bool:
        self.folder.save()
        return self.folder.next()

    def _go(self, step: Callable[[], bool]) -> None:
        if step():
            self.panel.show(self.folder.session)
        self._tell()

    def _tell(self) -> None:
        folder = self.folder
        counts, name = folder.counts, folder.images[folder.at].name
        self.bar.value = counts["done"] + counts["skipped"] + counts["bad"]
        parts = (f"{number} {state}" for state, number in sorted(counts.items()))
        self.where.value = (
            f"{html.escape(name)} ({folder.at + 1} of {len(folder.images)}): {', '.join(parts)}"
        )

    def close(self) -> None:
        """Free what the page and the kernel hold."""
        if self.comm is not None:
            close(*self.children, self.layout)
            super().close()
