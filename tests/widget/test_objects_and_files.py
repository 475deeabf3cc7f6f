"""Objects, views, files and folders, as a person does them in a real JupyterLab."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from widget.conftest import PHOTO

pytestmark = pytest.mark.browser
COUNT = "len(w.session.prompts)"
NAMES = "[t.name for t in w.session.objects]"


def field(lab, name):
    """The text field of a control by its label."""
    label = lab.page.locator(".vpu-widget .widget-label", has_text=name)
    return label.locator("xpath=..").locator("input").first


def choose(lab, path):
    with lab.page.expect_file_chooser() as chooser:
        lab.page.locator(".vpu-widget button", has_text="drop a photo").click()
    chooser.value.set_files(path)


def drop(lab, path):
    """What the browser does when a file is let go over the photo."""
    box, devtools = lab.box(), lab.page.context.new_cdp_session(lab.page)
    where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "data": data, **where})


def test_objects_are_added_selected_renamed_recoloured_and_deleted(lab):
    lab.click(150, 140)
    lab.button("New object")
    lab.until(NAMES, ["object 1", "object 2"])
    lab.click(330, 240)
    lab.until("[len(t.prompts) for t in w.session.objects]", [1, 1])
    field(lab, "name").fill("corner")
    field(lab, "name").press("Enter")
    lab.until(NAMES, ["object 1", "corner"])
    field(lab, "colour").fill("#009e73")
    field(lab, "colour").press("Enter")
    lab.until("w.session.objects[1].colour.lower()", "#009e73")
    lab.settle()
    lab.shot("objects")
    lab.page.locator(".vpu-widget select[size], .vpu-widget select[multiple]").first.select_option(
        label="object 1"
    )
    lab.until("w.session.selected", 1)
    lab.press("o")
    lab.until("w.session.selected", 2)
    lab.press("d")
    lab.until(NAMES, ["object 1"])
    lab.press("z")
    lab.until(NAMES, ["object 1", "corner"])


def test_views_of_the_answer(lab):
    lab.click(150, 140)
    lab.until(COUNT, 1)
    lab.settle()
    mask, at = lab.pixel(180, 120), (330, 240)
    ground = lab.pixel(*at)
    lab.press("h")
    assert lab.pixel(180, 120) != mask
    lab.press("h")
    assert lab.pixel(180, 120) == mask
    lab.press("m")
    lab.until('w.value["show"].value', "probability")
    lab.settle()
    lab.shot("probability")
    assert lab.pixel(*at) != ground
    lab.press("m")
    lab.until('w.value["show"].value', "similarity")
    lab.settle()
    lab.shot("similarity")
    assert lab.pixel(*at) != ground
    lab.press("m")
    slider = lab.page.locator(".vpu-widget .widget-label", has_text="opacity").locator("xpath=..")
    slider.locator(".noUi-handle").focus()
    for _ in range(6):
        lab.page.keyboard.press("ArrowRight")
    lab.until('w.value["opacity"].value > 0.7')
    lab.settle()
    assert lab.pixel(180, 120) != mask
    lab.press("l")
    lab.until('w.switch["outline"].value', False)


def test_the_threshold_moves_the_mask(lab):
    lab.click(150, 140)
    lab.until(COUNT, 1)
    area = lab.kernel("w.mask.sum().item()")
    slider = lab.page.locator(".vpu-widget .widget-label", has_text="threshold").locator("xpath=..")
    slider.locator(".noUi-handle").focus()
    for _ in range(8):
        lab.page.keyboard.press("ArrowRight")
    lab.until("w.session.threshold > 0.85")
    assert lab.kernel("w.mask.sum().item()") < area


def test_vectors_stand_beside_the_photo(lab):
    lab.click(150, 140)
    lab.until(COUNT, 1)
    plain = lab.kernel("[w.canvas.widget.height, w.canvas.widget.width]")
    lab.press("v")
    lab.until(f"[w.canvas.widget.height, w.canvas.widget.width] != {plain}")
    lab.settle()
    lab.shot("vectors")
    high = lab.kernel("w.canvas.view.margin")
    u, _ = lab.kernel("list(map(float, w.canvas.view.to_canvas(150, 140)))")
    script = (
        "([u, high]) => { const c = document.querySelector('.vpu-widget canvas');"
        " const d = c.getContext('2d').getImageData(u - 3, 0, 7, high).data;"
        " let blue = 0; for (let i = 0; i < d.length; i += 4) blue += d[i] < 80 && d[i+2] > 120;"
        " return blue }"
    )
    assert lab.page.evaluate(script, [u, high]) > 10  # q_h peaks over the click
    lab.click(330, 240, button="right")
    lab.until(COUNT, 2)
    lab.press("v")
    lab.until("[w.canvas.widget.height, w.canvas.widget.width]", plain)


def test_a_start_mask_is_shown_and_refined(lab):
    lab.kernel("0", "w.show(Session(photo, model, mask=truth, truth=truth))")
    lab.settle()
    assert lab.kernel("w.session.score") == 1.0 and lab.pixel(180, 120)[1] > 140
    lab.shot("start-mask")
    lab.click(150, 140)
    lab.until(COUNT, 1)
    assert lab.kernel("w.session.score > 0.8")


def test_files_are_written_and_read_back(lab, folder):
    lab.kernel("0", f"from pathlib import Path; w.out_dir = Path({str(folder)!r})")
    lab.click(150, 140)
    lab.until(COUNT, 1)
    formats = lab.page.locator(".vpu-widget .widget-label", has_text="save as").locator("xpath=..")
    for kind in ("cutout", "cropped", "mask", "labels", "coco", "polygons", "numpy", "session"):
        formats.locator("select").select_option(kind)
        lab.button("Write the file")
        lab.page.locator(".vpu-widget [role=status]", has_text=f"{kind}.").wait_for()
    lab.shot("written")
    with Image.open(folder / "mask.png") as mask, Image.open(folder / "cutout.png") as cutout:
        assert (np.asarray(mask) > 0).sum() == lab.kernel("w.mask.sum().item()")
        assert cutout.mode == "RGBA"
    assert json.loads((folder / "session.json").read_text())["objects"]


def test_a_photo_is_opened_from_the_page(lab, tmp_path):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 200, 3), np.uint8))
    picture.save(tmp_path / "other.png")
    choose(lab, tmp_path / "other.png")
    lab.until("list(w.session.size)", [90, 200])
    lab.settle()
    lab.shot("opened")
    box = lab.box()
    assert abs(box["width"] / box["height"] - 200 / 90) < 0.05
    (tmp_path / "bad.png").write_bytes(b"no picture")
    choose(lab, tmp_path / "bad.png")
    lab.page.locator(".vpu-widget [role=status]", has_text="is no image").wait_for()
    lab.click(50, 40)
    lab.until(COUNT, 1)


def test_a_photo_is_dropped_on_the_widget(lab, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (90, 200, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "other.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    drop(lab, tmp_path / "other.png")
    lab.until("list(w.session.size)", [90, 200])
    assert lab.kernel("(w.session.image.astype(int) ** 2).sum().item()") == (
        (pixels.astype(int) ** 2).sum()
    )
    lab.settle()
    lab.click(50, 40)
    lab.until(COUNT, 1)
    lab.settle()
    lab.shot("dropped")
    drop(lab, tmp_path / "bad.png")
    lab.page.locator(".vpu-widget [role=status]", has_text="is no image").wait_for()
    assert lab.kernel(COUNT) == 1 and lab.page.url.startswith("http")
    (tmp_path / "large.png").write_bytes(bytes(10_100_000))  # Jupyter's server would hang up
    status = lab.page.locator(".vpu-widget [role=status]", has_text="large.png: empty, or over")
    for way in (drop, choose):
        way(lab, tmp_path / "large.png")
        status.wait_for()
        lab.shot("too-large")
        assert lab.kernel(COUNT) == 1
        lab.press("c")
        lab.press("0")
        lab.kernel("0", "w._say('')")
        status.wait_for(state="detached")
    Image.fromarray(pixels[::-1]).save(tmp_path / "third.png")
    choose(lab, tmp_path / "third.png")  # picking works as before
    lab.until(COUNT, 0)
    choose(lab, tmp_path / "other.png")
    lab.until(COUNT, 1)
    lab.page.locator(".vpu-widget [role=status]", has_text="Back from before").wait_for()
    lab.shot("back")


def test_a_folder_is_stepped_through(opened, folder):
    images = folder / "images"
    images.mkdir()
    for k, name in enumerate(("a", "b", "c", "d")):
        pixels = np.random.default_rng(k).integers(0, 255, (120, 160 + 10 * k, 3), np.uint8)
        Image.fromarray(pixels).save(images / f"{name}.png")
    (images / "b.png").write_bytes(b"broken")
    make = f"from vpuwidget.stepper import FolderWidget\nwhere = {str(images)!r}\n"
    show = "f = FolderWidget(where, model=model)\nw = f.panel\nf"
    book = opened("folder.ipynb", PHOTO, make, show)
    book.run()
    book.click(60, 60)
    book.until(COUNT, 1)
    book.settle()
    book.shot("folder")
    book.button("Write the mask")
    book.until("f.folder.images[f.folder.at].name", "c.png")  # b.png is no picture
    book.settle()
    book.shot("folder-next")
    book.press("End")
    book.until("f.folder.images[f.folder.at].name", "d.png")
    book.press("PageUp")
    book.until("f.folder.images[f.folder.at].name", "c.png")
    assert "skipped" in book.page.locator(".vpu-widget", has_text="of 4").first.inner_text()
    assert (folder / "masks" / "a.png").is_file()
    code = "from vpuwidget.folder import Folder; again = Folder(where, model=model)"
    again = book.kernel("again.images[again.at].name", code)
    assert again == "d.png"
    drop(book, images / "a.png")  # no photo from elsewhere: its mask would have no place here
    book.settle()
    assert book.kernel("f.panel.session is f.folder.session")
    assert book.page.url.startswith("http")
    book.close()


def test_many_prompts_and_images_leave_memory_flat(lab):
    code = """
import resource, time, ipywidgets
from vpuformer.prompts import Click
def many(images, prompts):
    for k in range(images):
        w.show(Session(photo[: 280 + k], model))
        for j in range(prompts):
            w.session.add(Click(20 + 13 * k, 30 + 20 * j, j % 2 == 0))
    for k in range(images * prompts):  # each is drawn
        w.session.paint([(20 + 37 * k % 360, 20 + 53 * k % 240)], 9)
        time.sleep(0.01)
        while not w.idle:
            time.sleep(0.005)
"""
    kernel = "[len(ipywidgets.widgets.widget._instances), resource.getrusage(0).ru_maxrss // 1024]"
    page = lab.page.context.new_cdp_session(lab.page)
    page.send("Performance.enable")

    def used():
        lab.settle()
        page.send("HeapProfiler.collectGarbage")
        found = page.send("Performance.getMetrics")["metrics"]
        heap = {metric["name"]: metric["value"] for metric in found}
        return lab.kernel(kernel), heap["JSHeapUsedSize"] / 2**20, heap["Nodes"]

    lab.kernel("0", code)
    lab.kernel("0", "many(2, 3)")
    (models, megabytes), heap, nodes = used()
    lab.kernel("0", "many(20, 10)")
    (after, more), heap_after, nodes_after = used()
    assert after == models and more < megabytes + 60
    assert heap_after < heap + 3 and nodes_after < nodes + 100


def test_a_static_picture_goes_with_the_widget(lab):
    code = "import base64; bundle = w._repr_mimebundle_()"
    shown = lab.kernel("[sorted(bundle), bundle['image/png']]", code)
    assert "application/vnd.jupyter.widget-view+json" in shown[0]
    import base64

    picture = Image.open(io.BytesIO(base64.b64decode(shown[1])))
    assert picture.size == (400, 300)
