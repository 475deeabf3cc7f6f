"""The committed notebooks are what their sources say, executed, small and clean."""

import importlib.util
import json
import re
from copy import deepcopy
from pathlib import Path

import pytest

pytest.importorskip("jupytext")
pytest.importorskip("papermill")
import nbformat

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("notebook_build", ROOT / "notebooks" / "build.py")
build = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(build)

SOURCES = build.sources()
LESSONS = [s for s in SOURCES if s.parent.name == "src"]
WIDEST = 600_000  # bytes
LONGEST = 120  # words of prose in one piece
NO_PROSE = (
    r"(?ms)^\$\$.*?\$\$|^```.*?^```|^(?:#+ |\||>|!\[|\[\d+\]: ).*?$"  # equation, code, table...
)


def name(path):
    return path.relative_to(ROOT / "notebooks" / "src").as_posix()


def committed(source):
    return nbformat.read(build.product(source), as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def words(notebook):
    prose = (c.source for c in notebook.cells if c.cell_type == "markdown")
    return sum(len(text.split()) for text in prose)


def longest(text):
    """The words of the longest piece between headings, equations, tables, pictures, readings."""
    return max(len(piece.split()) for piece in re.split(NO_PROSE, text))


def picture_of(output):
    kinds = ("image/png", "image/jpeg")
    return next((kind for kind in kinds if kind in output.get("data", {})), None)


every = pytest.mark.parametrize("source", SOURCES, ids=name)
lesson = pytest.mark.parametrize("source", LESSONS, ids=name)


def test_there_are_lessons():
    assert LESSONS and LESSONS[0].name == "00_quick_start.py"


@every
def test_outputs_belong_to_this_source(source):
    notebook = committed(source)
    assert notebook.metadata.vpuformer.source_sha256 == build.source_hash(source), (
        f"{name(source)} changed after it was executed. Run: make notebooks"
    )
    fresh = build.read(source)
    assert [c.source for c in notebook.cells] == [c.source for c in fresh.cells]
    assert [c.id for c in notebook.cells] == [c.id for c in fresh.cells]


@every
def test_a_changed_source_would_be_noticed(source, tmp_path):
    other = tmp_path / source.name
    other.write_text(source.read_text(encoding="utf-8") + "\n# one more line\n", "utf-8")
    assert build.source_hash(other) != committed(source).metadata.vpuformer.source_sha256


@every
def test_it_ran_once_from_top_to_bottom(source):
    cells = code_cells(committed(source))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


@every
def test_no_errors_and_no_warnings(source):
    outputs = [out for cell in code_cells(committed(source)) for out in cell.outputs]
    assert outputs
    assert not [out for out in outputs if out.output_type == "error"]
    assert not [out for out in outputs if out.get("name") == "stderr"]


@every
def test_small_and_without_widget_state(source):
    path = build.product(source)
    assert path.stat().st_size <= WIDEST
    text = path.read_text(encoding="utf-8")
    assert "widget-state" not in text and "widget-view" not in text


@every
def test_metadata_hold_no_times(source):
    notebook = committed(source)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "vpuformer"}
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


@every
def test_outputs_name_no_place(source):
    texts = []
    for cell in code_cells(committed(source)):
        for out in cell.outputs:
            texts += [out.get("text", ""), out.get("data", {}).get("text/plain", "")]
    assert not re.search(r"(/home/|/root/|/Users/|/tmp/|[A-Z]:\\|0x[0-9a-f]{6,})", "".join(texts))


@lesson
def test_outputs_come_from_the_shipped_weights(source):
    texts = [o.get("text", "") for c in code_cells(committed(source)) for o in c.outputs]
    named = re.findall(r"^weights +(\w+)$", "\n".join(texts), re.M)
    if 'vpu.load("lite0")' not in source.read_text(encoding="utf-8"):
        pytest.skip("this lesson does not use the shipped weights")
    if not (ROOT / "vpuformer" / "shipped" / "lite0.safetensors").is_file():
        pytest.skip("the shipped weights are not here")
    from vpuformer.weights import load

    assert named == [load("lite0", device="cpu").weights_hash[:12]], (
        f"{name(source)} was executed with other weights. Run: make notebooks"
    )


@lesson
def test_masthead(source):
    notebook = committed(source)
    ours = notebook.metadata.vpuformer
    assert ours.number == source.name[:2]
    assert ours.minutes_cpu > 0
    assert set(ours.houses) == {"equations", "algorithms", "figures", "tables", "sections"}
    first = notebook.cells[0]
    assert first.cell_type == "markdown" and first.source.startswith(f"# {ours.number} · ")
    assert "?" in first.source.splitlines()[0]
    assert f"](here/{ours.number}.png)" in first.source, "its strip is missing"


AMOUNTS = {
    "half": 0.5,
    "one": 1,
    "two": 2,
    "four": 4,
    "six": 6,
    "eight": 8,
    "ten": 10,
    "twelve": 12,
}


def minutes(text):
    """What "half a minute", "45 seconds" or "ten minutes" comes to, in minutes."""
    found = re.match(r"(\w+) (?:a )?(second|minute)s?\b", text)
    assert found, text
    amount, unit = found.groups()
    number = float(amount) if amount.isdigit() else AMOUNTS[amount]
    return number / (60 if unit == "second" else 1)


@lesson
def test_masthead_and_readme_promise_the_same_minutes(source):
    notebook = build.read(source)
    (takes,) = re.findall(r"^\| takes \| (.+) on two CPU cores", notebook.cells[0].source, re.M)
    assert minutes(takes) == pytest.approx(notebook.metadata.vpuformer.minutes_cpu, rel=0.15)


def test_promised_times_are_read():
    said = {"half a minute": 0.5, "one minute": 1, "ten minutes": 10, "45 seconds": 0.75}
    assert {text: minutes(text) for text in said} == said


@lesson
def test_imports_fit_a_cell(source):
    cells = [cell.source.splitlines() for cell in code_cells(build.read(source))]
    (lines,) = (lines for lines in cells if "import vpuformer as vpu" in lines)
    assert len([line for line in lines if line.strip()]) <= 8


@lesson
def test_parameters(source):
    tagged = [c for c in committed(source).cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    lines = tagged[0].source.splitlines()
    assert len(lines) <= 8
    number = source.name[:2]
    assert 'profile = "cpu"' in tagged[0].source and "seed = 0" in tagged[0].source
    assert f'out_dir = "out/{number}"' in tagged[0].source


@lesson
def test_budgets(source):
    notebook = committed(source)
    code = [cell.source.splitlines() for cell in code_cells(notebook)]
    assert 25 <= len(notebook.cells) <= 45
    assert 1400 <= words(notebook) <= 2600
    assert sum(map(len, code)) <= 260 and max(map(len, code)) <= 25
    assert sorted(map(len, code))[len(code) // 2] <= 8


@every
def test_what_a_cell_printed_is_in_one_piece(source):
    for cell in committed(source).cells:
        outputs = cell.get("outputs", [])
        assert build.joined(deepcopy(outputs)) == outputs, cell.source


def test_printed_pieces_are_joined_and_pictures_stay_between():
    new = nbformat.v4.new_output
    text = [new("stream", name="stdout", text=part) for part in ("a ", "b\n", "c\n", "d\n")]
    other, picture = new("stream", name="stderr", text="e"), new("display_data")
    found = build.joined([*text[:2], picture, text[2], other, text[3]])
    assert [out.get("text") for out in found] == ["a b\n", None, "c\n", "e", "d\n"]


@lesson
def test_prose_comes_in_pieces(source):
    for cell in build.read(source).cells:
        if cell.cell_type == "markdown":
            assert longest(cell.source) <= LONGEST, cell.source


def test_a_long_piece_is_counted_and_what_is_no_prose_is_not():
    many = "word " * 60
    assert longest(many + "\n" + many) == longest(f"# T\n{many}{many}\n$$x$$\nend") == 120
    for between in ("## 2 Next", "$$\na = b\n$$", "| a | b |", "> **Reading R1.** c", "![d](e)"):
        assert longest(f"{many}\n\n{between}\n\n{many}end") == 61


@lesson
def test_figures_have_words_and_claims(source):
    cells = code_cells(committed(source))
    drawn = [c for c in cells if any(map(picture_of, c.outputs))]
    assert 4 <= len(drawn) <= 8
    for cell in drawn:
        assert any("text/markdown" in out.get("data", {}) for out in cell.outputs)
        pictures = [(out, picture_of(out)) for out in cell.outputs if picture_of(out)]
        assert all(out.metadata[kind]["alt"] for out, kind in pictures)
    asserts = sum(len(re.findall(r"^\s*assert |\bsame\(", c.source, re.M)) for c in cells)
    assert 4 <= asserts <= 14


@every
def test_no_shell_and_no_magics(source):
    for cell in code_cells(committed(source)):
        assert not [x for x in cell.source.splitlines() if x.lstrip().startswith(("!", "%"))]


def test_readme_lists_the_lessons_by_their_mastheads():
    found = re.findall(build.TABLE, (ROOT / "README.md").read_text(encoding="utf-8"))
    assert found == [build.course_table()], "Run: make notebooks"


def test_training_from_nothing_pays():
    source = next(s for s in LESSONS if s.name.startswith("07"))
    said = "".join(o.get("text", "") for c in code_cells(committed(source)) for o in c.outputs)
    numbers = re.search(r"NoC@85: untrained ([\d.]+), trained ([\d.]+)", said)
    untrained, trained = map(float, numbers.groups())
    assert untrained > 15 and 1 <= trained < 0.6 * untrained


@pytest.mark.slow
@lesson
def test_smoke_run(source, tmp_path):
    import papermill
    from nbclient.exceptions import CellTimeoutError

    out = tmp_path / "files"
    for last in (False, True):
        try:
            papermill.execute_notebook(
                build.product(source),
                tmp_path / "run.ipynb",
                parameters={"profile": "smoke", "out_dir": str(out)},
                kernel_name="python3",
                cwd=tmp_path,
                progress_bar=False,
                execution_timeout=120,
            )
            break
        except CellTimeoutError:  # a kernel may be done, and its last message lost on the way
            if last:
                raise
    cells = json.loads((tmp_path / "run.ipynb").read_text(encoding="utf-8"))["cells"]
    assert any(c["metadata"].get("tags") == ["injected-parameters"] for c in cells)
    assert list(out.glob("*.png")), "a lesson keeps a picture in out_dir"
