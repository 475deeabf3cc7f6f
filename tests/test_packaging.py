"""pyproject.toml, constraints.txt and environment.yml tell the same story."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
TABLES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, TOOL = TABLES["project"], TABLES["tool"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA = {"pytorch": "torch", "opencv": "opencv-python-headless"}


def requirements(*lists: list[str]) -> dict[str, Requirement]:
    found = [Requirement(line) for lines in lists for line in lines]
    return {canonicalize_name(r.name): r for r in found}


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pair) == 2 for pair in pairs)
    return {canonicalize_name(n): Version(v) for n, v in pairs}


def environment() -> dict[str, str]:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    found = re.findall(r"^ +- ([\w.-]+)(?:>=([\d.]+))?$", text, re.M)
    return {canonicalize_name(CONDA.get(n, n)): floor for n, floor in found}


def test_base_is_small():
    assert len(PROJECT["dependencies"]) <= 8
    assert not {"torchvision", "timm", "lightning"} & set(pins())


def test_extras():
    assert set(EXTRAS) == {"train", "notebooks", "experiments", "dev"}


ALL = requirements(PROJECT["dependencies"], *EXTRAS.values())


@pytest.mark.parametrize("package", sorted(ALL))
def test_every_requirement_is_pinned_within_its_floor(package):
    assert ALL[package].specifier, f"{package} has no floor"
    assert package in pins(), f"{package} is not in constraints.txt"
    assert ALL[package].specifier.contains(pins()[package])


def test_constraints_are_portable():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert pins()["torch"] == Version("2.13.0")  # no local label: any build of it
    assert not re.search(r"[+@/]|^-", text.split("\n", 1)[1], re.M)


def test_environment_agrees_with_pyproject():
    lists = [
        PROJECT["dependencies"],
        *(EXTRAS[e] for e in ("train", "notebooks", "experiments")),
    ]
    wanted = {n: str(r.specifier).removeprefix(">=") for n, r in requirements(*lists).items()}
    found = environment()
    assert "pip" in found and "conda-forge" in found
    del found["pip"], found["conda-forge"]
    assert found.pop("python") == PROJECT["requires-python"].removeprefix(">=")
    assert found.pop("distributed") == wanted["dask"]  # conda's name for dask[distributed]
    assert found == wanted


def test_whoever_checks_types_sees_the_packages():
    data = TOOL["setuptools"]["package-data"]["vpuformer"]
    assert "py.typed" in data and (ROOT / "vpuformer" / "py.typed").is_file()


def test_command_and_licence():
    assert PROJECT["scripts"] == {"vpuformer": "vpuformer.cli:main"}
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {PROJECT['version']}\n" in citation and "2306.06656" in citation


def test_the_makefile_installs_with_the_constraints():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in text.splitlines() if re.search(r"pip install", line)]
    assert installs and all("-c constraints.txt" in line for line in installs)
