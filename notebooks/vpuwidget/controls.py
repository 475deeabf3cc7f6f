"""The widget's controls: every button, switch and slider, with its key and its tool tip."""

import html
from typing import Any

import ipywidgets as W

from vpuformer.widget.export import KINDS

TOOLS = {  # name: key, icon, what it does
    "click": ("c", "crosshairs", "Click a point; click a mark to delete it"),
    "box": ("b", "square-o", "Drag a box"),
    "scribble": ("s", "pencil", "Draw a scribble"),
    "brush": ("p", "paint-brush", "Paint pixels"),
    "eraser": ("e", "eraser", "Erase pixels"),
    "pan": ("g", "arrows", "Grab and move the photo (or the middle button)"),
}
BUTTONS = {  # and a word on the button
    "undo": ("z", "undo", "Undo"),
    "redo": ("y", "repeat", "Redo"),
    "clear": ("k", "trash-o", "Clear: forget the object's prompts and strokes"),
    "nearer": ("+", "search-plus", "Zoom in (or the wheel)"),
    "farther": ("-", "search-minus", "Zoom out"),
    "whole": ("0", "expand", "Show the whole photo"),
    "new": ("n", "plus", "New object", "new"),
    "next": ("o", "step-forward", "Next object", "next"),
    "delete": ("d", "times", "Delete the object", "delete"),
    "write": ("w", "download", "Write the file", "save"),
}
SWITCHES = {  # name: key, label, what it does
    "negative": ("x", "negative", "Mark what does not belong (or right button, or Shift)"),
    "hide": ("h", "hide", "Hide the mask and the marks"),
    "outline": ("l", "outline", "Draw the mask's edge"),
    "vectors": ("v", "vectors", "Show the chosen prompt's q_h above, q_v beside the photo"),
    "preview": (
        "r",
        "preview",
        "Show what a click, or the box or scribble being drawn, would change",
    ),
}
MORE_KEYS = {
    "Arrows": "Move the cursor (Shift: by one pixel; Ctrl: move the photo)",
    "Enter": "Prompt at the cursor; box, scribble, brush: begin, then end (Shift: negative)",
    "Delete": "Delete the chosen prompt",
    ", .": "Choose another prompt",
    "m": "Show mask, probability or similarity",
    "[ ]": "Smaller or larger brush",
    "Escape": "Give up the stroke; leave the photo",
    "Tab": "Leave the photo",
}
PICK = "Pick a photo, or drop one anywhere on the widget"
VALUES = {  # of the other controls: what it is
    "show": "The mask, its probability, or how alike a pixel is to the chosen prompt: rho [m]",
    "opacity": "How much the mask covers the photo",
    "threshold": "A pixel belongs to the mask when its probability is above this",
    "radius": "The brush's radius in pixels of the photo [[ and ]]",
    "object": "The object that prompts and strokes are about [o]",
    "name": "The object's name",
    "colour": "The object's colour",
    "format": "What the file holds",
    "upload": PICK,
}
TABLES = (TOOLS, BUTTONS, SWITCHES)
SHOWN = ("mask", "probability", "similarity")
STYLE = """<style>
.vpu-widget {color: var(--jp-ui-font-color1); overflow: visible}
.vpu-widget .widget-button, .vpu-widget .widget-toggle-button {width: auto; min-width: 34px}
.vpu-widget .widget-toggle-button, .vpu-widget .widget-upload {padding: 0 5px; width: auto}
.vpu-widget .widget-upload {font-size: 0}
.vpu-widget .widget-upload * {font-size: var(--jp-widgets-font-size)}
.vpu-widget .widget-upload::after {font-size: var(--jp-widgets-font-size);
content: "Pick or drop a photo"}
.vpu-widget canvas:focus {outline: 2px solid var(--jp-brand-color1); outline-offset: -2px}
.vpu-widget summary {cursor: pointer; color: var(--jp-ui-font-color2)}
.vpu-widget kbd {background: var(--jp-layout-color2); color: inherit; padding: 0 4px}
.vpu-widget .vpu-keys {columns: 2 280px; line-height: 1.7}
.vpu-widget [role=status] {line-height: 1.4; padding: 4px 0}
.vpu-widget .vpu-wrong {color: var(--jp-error-color1); white-space: pre-wrap}
</style>"""
TOO_LARGE = (
    "empty, or over 10 MB, the most a page sends. Upload it to the notebook's folder in Jupyter's"
    " file browser, and give its name to PromptWidget."
)
MOST = 10_000_000  # bytes of a file: Jupyter's server cuts the line at 10 MiB, and nobody tells
# Traits cannot say this: no key of JupyterLab's or Notebook 7's acts in here ("x" would cut the
# cell); a press focuses the canvas before ipycanvas does, which would let the page jump; a drag
# goes on outside the canvas; Enter is enough for a colour, as it is for a name; a dropped file goes
# the way of a picked one (FileUpload keeps its input off the page: only its own click says which it
# is); one that is too large comes empty.
GUARD = """<img src="" hidden onerror="const root = this.closest('.vpu-widget');
root.addEventListener('focusin', e => { e.target.dataset.lmSuppressShortcuts = 'true' });
root.addEventListener('mousedown', e => e.target.closest('canvas')?.focus({preventScroll: true}),
true);
root.addEventListener('pointerdown', e => {
  if (e.pointerType === 'mouse' && e.target.matches('canvas'))
    e.target.setPointerCapture(e.pointerId) });
root.addEventListener('keydown', e => {
  if (e.key === 'Enter' && e.target.closest('.widget-colorpicker')) e.target.blur() });
let dropped = null;
root.addEventListener('dragover', e => {
  if (e.dataTransfer.types.includes('Files')) e.preventDefault() });
root.addEventListener('drop', e => {
  if (!e.dataTransfer.files.length) return;
  e.preventDefault();
  dropped = e.dataTransfer.files;
  root.querySelector('.widget-upload').click();
  dropped = null });
root.addEventListener('click', e => {
  if (!e.target.closest('.widget-upload:enabled')) return;
  const input = HTMLInputElement.prototype, click = input.click, files = dropped;
  input.click = function () {
    input.click = click;
    const take = files => {
      const sent = new DataTransfer(), size = [...files].reduce((sum, f) => sum + f.size, 0);
      for (const f of files) sent.items.add(size > MOST ? new File([], f.name) : f);
      this.files = sent.files };
    if (files) { take(files); this.dispatchEvent(new Event('change')); return }
    this.addEventListener('change', () => take(this.files), {once: true, capture: true});
    click.call(this) } }, true)">""".replace("MOST", str(MOST))
UPLOAD = {"accept": "image/*", "description": "Pick or drop a photo"}
WRAP = {"flex_flow": "row wrap", "align_items": "center", "overflow": "visible"}
SLIM: dict[str, Any] = {"style": {"description_width": "64px"}, "layout": {"width": "232px"}}


class Controls(W.VBox):
    """All controls around a canvas; `act(name)` hears which one was used.

    Args:
        canvas: the widget in the middle.
    """

    def __init__(self, canvas: W.Widget) -> None:
        self.button = {name: _button(*spec) for name, spec in (TOOLS | BUTTONS).items()}
        self.switch = {
            name: W.ToggleButton(description=label, tooltip=f"{tip} [{key}]", value=key == "l")
            for name, (key, label, tip) in SWITCHES.items()
        }
        self.value = _values()
        for name, button in self.button.items():
            button.on_click(lambda _, name=name: self.act(name))
        for name, control in (self.switch | self.value).items():
            control.observe(lambda _, name=name: self.act(name), "value")
        self.status = W.HTML()
        self.middle = W.VBox(
            [canvas, self.status], layout={"flex": "1 1 300px", "min_width": "0"}
        )
        side = [
            *(self._row("new", "next", "delete"), *self._of("object", "name", "colour")),
            *(
                self._row(*list(SWITCHES)[1:]),
                *self._of("show", "opacity", "threshold", "radius"),
            ),
            *(self.value["format"], self._row("write", "upload")),
        ]
        body = W.HBox(
            [self.middle, W.VBox(side, layout={"flex": "0 0 248px", "padding": "0 0 0 8px"})]
        )
        body.layout.flex_flow, body.layout.overflow = "row wrap", "visible"
        tools = self._row(*TOOLS, "negative", *list(BUTTONS)[:6])
        unseen = W.HTML(STYLE + GUARD, layout={"display": "none"})
        self.listed = W.HTML(keys_listed({}))
        super().__init__([tools, body, unseen, self.listed])
        self.add_class("vpu-widget")

    def _of(self, *names: str) -> list[Any]:
        every = self.button | self.switch | self.value
        return [every[name] for name in names]

    def _row(self, *names: str) -> W.HBox:
        return W.HBox(self._of(*names), layout=WRAP)

    def act(self, name: str) -> None:
        """What a control does, by its name in the tables."""
        raise NotImplementedError


def _button(key: str, icon: str, tip: str, word: str = "") -> W.Button:
    return W.Button(icon=icon, tooltip=f"{tip} [{key}]", description=word)


def _values() -> dict[str, Any]:
    part: dict[str, Any] = {"min": 0.05, "max": 0.95, "step": 0.05, **SLIM}
    values: dict[str, Any] = {
        "show": W.Dropdown(options=SHOWN, description="show", **SLIM),
        "opacity": W.FloatSlider(0.45, description="opacity", **part),
        "threshold": W.FloatSlider(0.5, description="threshold", **part),
        "radius": W.IntSlider(8, min=1, max=100, description="brush", **SLIM),
        "object": W.Select(rows=4, layout=SLIM["layout"]),
        "name": W.Text(description="name", continuous_update=False, **SLIM),
        "colour": W.ColorPicker(description="colour", **SLIM),
        "format": W.Dropdown(options=list(KINDS), description="save as", **SLIM),
        "upload": W.FileUpload(**UPLOAD),
    }
    for name, tip in VALUES.items():
        values[name].tooltip = tip
    return values


def keys_listed(more: dict[str, str]) -> str:
    """The list of the keys that can be unfolded: these, then all of the tables'."""
    listed = (
        more | {spec[0]: spec[2] for table in TABLES for spec in table.values()} | MORE_KEYS
    )
    rows = (f"<div><kbd>{k}</kbd> {html.escape(tip)}</div>" for k, tip in listed.items())
    title = "<summary>Keys, while the photo has the focus</summary>"
    return f"<details>{title}<div class='vpu-keys'>{''.join(rows)}</div></details>"


def close(*widgets: Any) -> None:
    """Close widgets, what they hold and what they look like, on the page and in the kernel."""
    for widget in widgets:
        close(*getattr(widget, "children", ()))
        close(
            *(getattr(widget, part) for part in ("layout", "style") if widget.has_trait(part))
        )
        widget.close()
