"""What users install: the wheel, in a virtual environment of its own, away from this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("slochaos-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `slochaos` command of a new virtual environment with nothing but the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    _run(str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel))
    return folder / "bin" / "slochaos"


def _run(*command: str, cwd: Path | None = None) -> str:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_carries_the_example_and_nothing_left_over(wheel: Path) -> None:
    """Experiments, toxics and environments are in it, and the migrations and templates; no tests, no caches."""
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "slochaos/example/experiments/db_outage.json",
        "slochaos/example/toxics/db_outage.json",
        "slochaos/example/environments/local.yaml",
        "slochaos/example/environments/agentmesh/api.py",
        "slochaos/py.typed",
    ):
        assert wanted in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]
    sources = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src" / "slochaos").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources <= set(names)


def test_the_installed_command_lays_out_the_example_and_plans_it(installed: Path, tmp_path: Path) -> None:
    """After `pip install slochaos` in an empty folder: init, validate and plan work as in the checkout."""
    slochaos = str(installed)
    assert _run(slochaos, "--version", cwd=tmp_path).startswith("slochaos 0.")
    _run(slochaos, "init", "--example", cwd=tmp_path)
    _run(slochaos, "validate", "experiments/db_outage.json", "environments/local.yaml", cwd=tmp_path)
    assert "db_outage" in _run(slochaos, "plan", "experiments/db_outage.json", cwd=tmp_path)
