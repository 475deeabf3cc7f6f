"""The shape of the repository: sizes, names, homes of equations, colours, imports, README."""

import ast
import io
import os
import re
import subprocess
import sys
import tokenize
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "vpuformer").rglob("*.py"))
BESIDE = sorted((ROOT / "notebooks").glob("vpu*/*.py"))  # the widget and the course's own code
BAD_ROOMS = {"utils", "misc", "common", "helpers", "core", "base"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def docstrings(path: Path) -> list[str]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found = (ast.get_docstring(n) for n in ast.walk(tree(path)) if isinstance(n, owners))
    return [text for text in found if text]


def lines_of_code(path: Path) -> int:
    skip = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    rows = set()
    previous = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        is_doc = token.type == tokenize.STRING and previous in skip
        if token.type not in skip and token.type != tokenize.ENDMARKER and not is_doc:
            rows.update(range(token.start[0], token.end[0] + 1))
        previous = token.type
    return len(rows)


@pytest.mark.parametrize("path", MODULES + BESIDE, ids=name)
def test_a_file_holds_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_the_package_stays_small():
    assert 500 < sum(lines_of_code(path) for path in MODULES) <= 6000


def test_rooms_have_names():
    rooms = {part for path in MODULES + BESIDE for part in Path(name(path)).with_suffix("").parts}
    assert not rooms & BAD_ROOMS


@pytest.mark.parametrize("path", MODULES + BESIDE, ids=name)
def test_functions_are_short(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 40, f"{name(path)}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES + BESIDE, ids=name)
def test_init_files_only_re_export(path):
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr)
    if path.name == "__init__.py" and path.parent != ROOT / "vpuformer":
        assert all(isinstance(node, allowed) for node in tree(path).body)


def test_top_exports():
    import vpuformer as vpu

    assert len(vpu.__all__) <= 15 and vpu.__all__ == sorted(vpu.__all__)
    missing = [n for n in vpu.__all__ if not callable(getattr(vpu, n))]
    assert not missing
    assert set(vpu.__all__) == set(vpu._HOMES)
    with pytest.raises(AttributeError, match="It has Box, Click"):
        vpu.Lasso  # noqa: B018


def test_a_name_whose_extra_is_not_installed_says_so():
    code = "import sys; sys.modules['ipywidgets'] = None; import vpuformer as v; v.PromptWidget"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "ipywidgets is not installed. Run: pip install 'vpuformer[notebooks]'" in done.stderr


def test_doctor_stays_a_function_whoever_imports_first():
    code = (
        "import vpuformer.doctor; from vpuformer.doctor import Check; import vpuformer as vpu; "
        "assert type(vpu.doctor).__name__ == 'function'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_each_equation_has_one_home():
    # A home is a module with a docstring line that begins `Eq. (n)` or `Algorithm 1`.
    homes: dict[str, set[str]] = {}
    for path in MODULES:
        for text in docstrings(path):
            for found in re.findall(r"^\s*(Eq\. \(\d+\)|Algorithm 1)(?=\W)", text, re.M):
                homes.setdefault(found, set()).add(name(path))
    expected = [f"Eq. ({n})" for n in range(1, 19)] + ["Algorithm 1"]
    wrong = {e: sorted(homes.get(e, ())) for e in expected if len(homes.get(e, ())) != 1}
    assert not wrong


@pytest.mark.parametrize("path", MODULES + BESIDE, ids=name)
def test_colours_live_in_the_palette(path):
    if name(path) != "vpuformer/drawing/palette.py":
        strings = (
            n.value
            for n in ast.walk(tree(path))
            if isinstance(n, ast.Constant) and isinstance(n.value, str)
        )
        assert not [s for s in strings if re.fullmatch(r"#[0-9a-fA-F]{3,8}", s)]


@pytest.mark.parametrize("path", MODULES + BESIDE, ids=name)
def test_nothing_is_unpickled(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            call = ast.unparse(node.func)
            words = {k.arg: ast.unparse(k.value) for k in node.keywords}
            if call == "torch.load":
                assert words.get("weights_only") == "True", f"{name(path)}:{node.lineno}"
                assert words.get("map_location") == "'cpu'", f"{name(path)}:{node.lineno}"
            if call in ("np.load", "numpy.load"):
                assert words.get("allow_pickle", "False") == "False"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            assert not names & {"pickle", "dill", "cloudpickle", "joblib"}


@pytest.mark.parametrize("path", MODULES + BESIDE, ids=name)
def test_cv2_is_imported_inside_functions(path):
    for node in tree(path).body:
        if isinstance(node, ast.Import):
            assert "cv2" not in {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.module != "__future__" and (node.module or "").split(".")[0] != "cv2"


@pytest.mark.parametrize("file", ["palette.py", "overlay.py"])
def test_palette_and_overlay_need_numpy_and_pillow_only(file):
    found = set()
    for node in ast.walk(tree(ROOT / "vpuformer" / "drawing" / file)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    assert not found - set(sys.stdlib_module_names) - {"numpy", "PIL", "vpuformer"}


def test_import_contract():
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def loaded_after(code: str) -> set[str]:
    code += "; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {module.split(".")[0] for module in done.stdout.split()}


def test_import_is_light():
    heavy = {"torch", "matplotlib", "ipywidgets", "ipycanvas", "IPython", "cv2", "PIL", "scipy"}
    assert not loaded_after("import vpuformer") & heavy


def test_using_the_names_draws_nothing_and_needs_no_extra():
    code = "import vpuformer as v; v.Predictor, v.load, v.segment, v.evaluate, v.build"
    extra = {"matplotlib", "ipywidgets", "ipycanvas", "IPython", "cv2", "scipy", "torchvision"}
    loaded = loaded_after(code)
    assert "torch" in loaded and not loaded & (extra | {"lightning_fabric", "skimage"})


def has_shipped(weights: str) -> bool:
    return resources.files("vpuformer").joinpath("shipped", f"{weights}.safetensors").is_file()


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900


@pytest.mark.skipif(not has_shipped("lite0"), reason="the shipped weights are not here")
def test_readme_snippets_run(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (320, 400, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "photo.jpg")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", text, re.S)
    assert snippets
    for snippet in snippets:
        code = snippet + "\nassert answer.mask.shape == (320, 400) and answer.mask[80, 120]\n"
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )


def test_readme_names_only_what_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:vpuformer|docs|notebooks)/[\w./]+)`", text)
    paths += re.findall(r"\]\((?!http)([^)#]+)\)", text)
    assert paths and not [p for p in paths if not (ROOT / p).exists()]
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert set(re.findall(r"(?m)(?:^|`)make (\w+)", text)) <= targets
