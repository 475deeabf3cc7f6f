"""One table of OK and FIX lines: is everything here that the package, course and widget need?"""

import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

NOTEBOOKS = "pip install 'vpuformer[notebooks]'"
KERNEL = f"{sys.executable} -m ipykernel install --sys-prefix --name python3"
FREE_GB = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, whether it is fine, what was found, what to do if not."""

    what: str
    ok: bool
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """All lines; as text (also in a notebook) a table."""

    rows: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """True when nothing needs fixing."""
        return all(row.ok for row in self.rows)

    def __repr__(self) -> str:
        wide = max(len(row.what) for row in self.rows)
        fixes = (f"\n{'':<{wide + 5}}  -> {row.fix}" * (not row.ok) for row in self.rows)
        found = (f"{'OK' if r.ok else 'FIX':<3}  {r.what:<{wide}}  {r.found}" for r in self.rows)
        return "\n".join(map("".join, zip(found, fixes, strict=True)))


def doctor() -> Report:
    """What is installed and works here. Never raises: a failing check is a FIX line."""
    checks = (
        ("python", _python, "Install Python 3.11 or 3.12."),
        ("torch", _torch, "pip install 'torch>=2.4'"),
        ("cv2", _cv2, "pip install opencv-python-headless"),
        ("weights", _weights, "pip install --force-reinstall --no-deps vpuformer"),
        ("threads", _threads, "Set OMP_NUM_THREADS to the number of cores."),
        ("bf16", _bf16, 'Use precision="float32".'),
        ("disk", _disk, "Free some space, or work in another folder."),
        ("widget", _widget, NOTEBOOKS),
        ("kernel", _kernel, KERNEL),
    )
    return Report(tuple(_checked(*check) for check in checks))


def _checked(what: str, look: Callable[[], tuple[bool, str]], fix: str) -> Check:
    try:
        ok, found = look()
    except Exception as error:  # noqa: BLE001 - the table reports whatever went wrong
        ok, found = False, f"{type(error).__name__}: {error}".splitlines()[0]
    return Check(what, ok, found, "" if ok else fix)


def _python() -> tuple[bool, str]:
    return sys.version_info >= (3, 11), f"{platform.python_version()}, {sys.prefix}"


def _torch() -> tuple[bool, str]:
    torch = import_module("torch")
    others = "CPU and Apple GPU" if torch.backends.mps.is_available() else "CPU"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else others
    numbers = tuple(int(part) for part in torch.__version__.split(".")[:2])
    return numbers >= (2, 4), f"{torch.__version__}, {device}"


def _cv2() -> tuple[bool, str]:
    cv2, np = import_module("cv2"), import_module("numpy")
    field = np.pad(np.ones((1, 2), np.uint8), 1)
    works = cv2.distanceTransform(field, cv2.DIST_L2, 0).max() == 1.0
    return works, f"{cv2.__version__}, exact distance transform {'works' if works else 'is off'}"


def _weights() -> tuple[bool, str]:
    model = import_module("vpuformer.weights").load("lite0", device="cpu")  # checks the hash
    return True, f"lite0, sha256 {model.weights_hash[:12]}"


def _threads() -> tuple[bool, str]:
    used, cores = import_module("torch").get_num_threads(), os.cpu_count() or 1
    return used <= cores, f"{used} used by torch, {cores} cores"


def _bf16() -> tuple[bool, str]:
    torch = import_module("torch")
    x = torch.rand(8, 8)
    close = torch.allclose((x.bfloat16() @ x.bfloat16()).float(), x @ x, atol=0.1)
    fast = any(word in torch.backends.cpu.get_cpu_capability() for word in ("AVX512", "AMX"))
    return close, f"works, {'with wide vector instructions' if fast else 'likely slow here'}"


def _disk() -> tuple[bool, str]:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return free >= FREE_GB, f"{free:.0f} GB free in {Path.cwd()}"


def _widget() -> tuple[bool, str]:
    names = ("ipywidgets", "ipycanvas", "ipyevents", "jupyterlab")
    installed = {found.name: found.version for found in distributions()}
    found = {name: installed.get(name) for name in names}
    if not any(found.values()):
        return True, f"not installed, only notebooks need it: {NOTEBOOKS}"
    return all(found.values()), ", ".join(f"{n} {v or 'missing'}" for n, v in found.items())


def _kernel() -> tuple[bool, str]:
    if find_spec("ipykernel") is None:
        return True, f"not installed, only notebooks need it: {NOTEBOOKS}"
    if "ipykernel" in sys.modules:
        return True, f"this notebook runs on {sys.prefix}"
    manager = import_module("jupyter_client.kernelspec").KernelSpecManager()
    command = manager.get_kernel_spec("python3").argv[0]
    ours = command in ("python", "python3") or Path(command).parent == Path(sys.executable).parent
    return ours, f"python3 runs {sys.executable if ours else command}"
