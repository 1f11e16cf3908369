"""What mypy says of those who call the package."""

import pathlib
import re
import subprocess
import sys

import pytest

TYPED = pathlib.Path(__file__).parent / "typed"


def mypy(folder, files, *options):
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder), *options]
    process = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, cwd=folder)
    assert process.returncode in (0, 1) and not process.stderr, process.stdout + process.stderr
    lines = {file.name: {} for file in files}
    for path, line, message in re.findall(r"^(.+?):(\d+): error: (.*)$", process.stdout, re.MULTILINE):
        lines[pathlib.Path(path).name][int(line)] = message
    return lines


@pytest.fixture(scope="module")
def refused_lines(tmp_path_factory):
    """The lines of each file in `typed` that mypy finds errors in, with what it says."""
    return mypy(tmp_path_factory.mktemp("mypy"), sorted(TYPED.glob("*.py")))


def test_mypy_accepts_what_the_package_is_for(refused_lines):
    assert refused_lines["passes.py"] == {}


def test_numpy_gives_numpy_where_dask_is_not_installed(tmp_path):
    script, settings = tmp_path / "user.py", tmp_path / "mypy.ini"
    script.write_text(
        "import numpy as np\n"
        "from numpy.typing import NDArray\n"
        "from typing_extensions import assert_type\n"
        "import gpudeconv\n"
        "image = np.ones((3, 4, 5))\n"
        "assert_type(gpudeconv.deconvolve(image, image, mask=image > 0, snr=3), NDArray[np.float32])\n"
    )
    settings.write_text("[mypy]\n[mypy-dask.*]\nfollow_imports = skip\n")
    assert mypy(tmp_path, [script], "--config-file", str(settings)) == {"user.py": {}}


def test_mypy_refuses_every_line_that_is_marked_and_no_other(refused_lines):
    lines = (TYPED / "fails.py").read_text().splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.endswith("  # refused")]
    assert len(marked) > 20
    assert sorted(refused_lines["fails.py"]) == marked, refused_lines["fails.py"]
