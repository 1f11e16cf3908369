"""Our methods, as a table of option lines, and one run of the command with one of them."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

# Richardson-Lucy from a flat start, as fast as may be and as long as held-out photons say.
HELD_OUT = "--method richardson-lucy --start flat --accelerate heavy-ball --stop held-out"


@dataclass(frozen=True)
class Method:
    """One way to deconvolve."""

    name: str
    options: str
    per_iteration: int
    """3D transforms of an iteration."""
    apart: int = 0
    """Those of a volume besides its iterations. What is done once a channel (transfer functions, a search) does not count."""
    linear: bool = False
    """Whether it is a filter, without iterations."""

    @property
    def formula(self) -> str:
        """Transforms a volume, with k for the iterations."""
        if self.linear:
            return str(self.apart)
        return f"{self.per_iteration} k" + (f" + {self.apart}" if self.apart else "")

    def transforms(self, iterations: int) -> int:
        """Transforms of a volume."""
        return self.apart + (0 if self.linear else self.per_iteration * iterations)


METHODS = [
    Method("plain 10", "--method richardson-lucy --iterations 10 --accelerate none", 4),
    Method("plain 10 flat", "--method richardson-lucy --iterations 10 --accelerate none --start flat", 4),
    Method("plain 20 flat", "--method richardson-lucy --iterations 20 --accelerate none --start flat", 4),
    Method("plain 50", "--method richardson-lucy --iterations 50 --accelerate none", 4),
    Method("auto", "--method auto", 4),
    Method("held-out", HELD_OUT, 4),
    Method("whiteness", HELD_OUT.replace("held-out", "whiteness"), 4),
    Method("fast", "--method fast", 4, apart=3),
    Method("gated", "--method gated", 4),
    Method("rlgc", "--method rlgc", 8),
    Method("sieve", f"{HELD_OUT} --sieve 0.25", 4, apart=2),
    Method("good-roughness", f"{HELD_OUT} --good-roughness 0.05", 4),
    Method("tikhonov-miller", f"{HELD_OUT} --tikhonov-miller 0.003", 4),
    Method("wiener", "--method wiener", 0, apart=2, linear=True),
    Method("tikhonov", "--method tikhonov", 0, apart=2, linear=True),
    Method("wiener-butterworth", "--method wiener-butterworth", 4, apart=3),
    Method("otf-masked-wiener", "--method otf-masked-wiener", 4, apart=3),
    Method("landweber 50", "--method landweber --iterations 50", 4),
    Method("ictm 50", "--method ictm --iterations 50", 4),
    Method("fista 50", "--method fista --iterations 50", 4),
]


def method(name: str) -> Method:
    """The one of that name."""
    return next(m for m in METHODS if m.name == name)


class Failure(Exception):
    """The command did not do it; the text is what it complained with."""


@dataclass(frozen=True)
class Run:
    """One result and its report."""

    result: np.ndarray
    report: dict[str, Any]

    @property
    def iterations(self) -> int:
        """Those of every volume."""
        return int(self.report.get("iterations") or 0)

    @property
    def tuning(self) -> dict[str, Any]:
        """What was found for the channel, if anything was."""
        return next(iter(self.report.get("tuning") or []), {})


class Program:
    """The command, on the CPU."""

    def __init__(self, path: Path, threads: int, commit: str) -> None:
        self.path = path.resolve()
        self.threads = threads
        self.commit = commit
        listed = json.loads(self._output(["options", "--json"]))
        self.options = {option["name"]: option for option in listed}

    def unknown(self, options: str) -> str | None:
        """The first word of an option line that this build does not know."""
        words = options.split()
        for word, following in zip(words, words[1:] + [""]):
            option = self.options.get(word.removeprefix("--"))
            if word.startswith("--") and option is None:
                return word
            if option and option.get("type") == "word" and following not in option["values"]:
                return f"{word} {following}"
        return None

    def run(self, image: np.ndarray | Path, psf: np.ndarray | Path, options: str) -> Run:
        """Deconvolves an array, or a file with what it says of its voxels."""
        with tempfile.TemporaryDirectory(prefix="gpudeconv-quality-") as folder:
            here = Path(folder)
            inputs = [write(here / "observed.tif", image), "--psf", write(here / "psf.tif", psf)]
            outputs = ["--output", str(here / "result.tif"), "--report", str(here / "report.json")]
            where = ["--backend", "cpu", "--threads", str(self.threads), "--quiet"]
            self._output([*inputs, *outputs, *where, *options.split()])
            report = json.loads((here / "report.json").read_text())
            return Run(tifffile.imread(here / "result.tif").astype(np.float64), report)

    def _output(self, arguments: list[str]) -> str:
        done = subprocess.run([str(self.path), *arguments], capture_output=True, text=True)
        if done.returncode:
            complaint = next(iter(done.stderr.strip().splitlines()), "nothing said")
            raise Failure(f"{complaint.removeprefix('Error: ')} (exit code {done.returncode})")
        return done.stdout


def write(path: Path, volume: np.ndarray | Path) -> str:
    """The path of a file with a volume."""
    if isinstance(volume, Path):
        return str(volume)
    tifffile.imwrite(path, volume.astype(np.float32))
    return str(path)
