"""Who is compared: our program with its options, and the peers. Each run is a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cases import HEAVY, Case, axes
from peers import PEERS

HERE = Path(__file__).resolve().parent
GPUDECONV = HERE.parent / ".build" / "release" / "gpudeconv"
SECONDS_AT_MOST = 3600


class Failure(Exception):
    """A contestant did not run; the text says why, in one line."""


@dataclass
class Round:
    """What one run of a contestant took."""

    seconds: list[float]
    first_seconds: float | None
    peak_bytes: int
    version: str
    figures: dict[str, Any] = field(default_factory=dict)
    """All that `gpudeconv bench` says of the device."""


@dataclass(frozen=True)
class Contestant:
    """Something that is timed."""

    name: str
    boundary: str
    timing: str

    def rounds(self, case: Case) -> int:
        """How often it runs."""
        return case.rounds

    def run(self, case: Case, folder: Path, result: Path | None) -> Round:
        """Runs it once on the volume in a folder.

        Leaves its image at `result`, .npy or .tif, where that is given and the image can be compared with ours.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Ours(Contestant):
    """`gpudeconv bench` on one device."""

    device: int
    threads: int | None
    is_slow: bool = False
    """Whether it is OpenCL on a CPU, whose large volumes take minutes."""

    def rounds(self, case: Case) -> int:
        return 1 if self.is_slow and case.name == "large" else case.rounds

    def command(self, case: Case) -> list[str]:
        """The command line."""
        command = [str(GPUDECONV), "bench", "--json", "--iterations", str(case.iterations)]
        command += ["--shape", axes(case.shape), "--psf-shape", axes(case.psf_shape), "--boundary", self.boundary]
        # Without --device 0, so that no OpenCL driver is loaded and counted.
        command += ["--backend", "cpu"] if self.device == 0 else ["--device", str(self.device), "--baseline"]
        return command + (["--threads", str(self.threads)] if self.threads else [])

    def run(self, case: Case, folder: Path, result: Path | None) -> Round:
        command = self.command(case)
        if result:
            command += ["--save", str(result.parent / result.stem), "--overwrite"]
        report = json.loads(finished(command))
        device = report["devices"][0]
        if result:
            saved = result.parent / result.stem / f"result-{self.device}.tif"
            saved.rename(result.with_suffix(".tif"))
        return Round(
            seconds=device["iterationSeconds"],
            first_seconds=device["firstIterationSeconds"],
            peak_bytes=device["peakHostBytes"] if self.device == 0 else device["deviceBytes"],
            version=finished([str(GPUDECONV), "--version"]).strip(),
            figures=device,
        )


@dataclass(frozen=True)
class Other(Contestant):
    """A peer in peers.py."""

    threads: int

    def rounds(self, case: Case) -> int:
        return 1 if (case.name, self.name) in HEAVY else case.rounds

    def run(self, case: Case, folder: Path, result: Path | None) -> Round:
        iterations = 2 + case.iterations
        if self.name == "ITK":
            # It says when an iteration begins: three beginnings have two iterations between them.
            iterations = 2 if case.name == "large" else 3
        report = folder / "report.json"
        report.unlink(missing_ok=True)
        command = [sys.executable, str(HERE / "peers.py"), self.name, "--folder", str(folder)]
        command += ["--iterations", str(iterations), "--threads", str(self.threads), "--report", str(report)]
        command += ["--result", str(result.with_suffix(".npy"))] if result else []
        finished(command)
        if not report.exists():
            raise Failure("it ended without a report")
        figures = json.loads(report.read_text())
        return Round(
            seconds=figures["iterationSeconds"],
            first_seconds=figures["firstIterationSeconds"],
            peak_bytes=figures["peakHostBytes"],
            version=figures["version"],
        )


def finished(command: list[str]) -> str:
    """Runs a command and gives its standard output."""
    environment = dict(os.environ)
    # clij2-fft's library lies beside the interpreter's.
    library = str(Path(sys.prefix) / "lib")
    environment["LD_LIBRARY_PATH"] = ":".join(filter(None, [library, environment.get("LD_LIBRARY_PATH")]))
    if command[0] == str(GPUDECONV):
        environment = dict(os.environ)
    try:
        process = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=SECONDS_AT_MOST, cwd=HERE
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"it took longer than {SECONDS_AT_MOST} s") from None
    if process.returncode == -9:
        raise Failure("killed: out of memory")
    if process.returncode < 0:
        raise Failure(f"ended by signal {-process.returncode}")
    if process.returncode > 0:
        lines = [line.strip() for line in process.stderr.splitlines() if line.strip()]
        raise Failure(lines[-1] if lines else f"exit code {process.returncode}")
    return process.stdout


def all_contestants(threads: int) -> list[Contestant]:
    """Our program on every device, then the peers."""
    own: list[Contestant] = []
    each = "each iteration"
    for boundary in ("zero", "extend"):
        for count in sorted({1, threads}, reverse=True):
            own.append(Ours(cpu_name(boundary, count), boundary, each, device=0, threads=count))
    own.append(Ours(cpu_name("periodic", threads), "periodic", each, device=0, threads=threads))
    for device in json.loads(finished([str(GPUDECONV), "devices", "--json"])):
        if device["backend"] == "opencl":
            for boundary in ("zero", "extend"):
                name = opencl_name(boundary, device["number"])
                slow = device["type"] == "CPU"
                own.append(Ours(name, boundary, each, device=device["number"], threads=None, is_slow=slow))
    peers = [Other(name, peer.boundary, peer.timing, threads) for name, peer in PEERS.items()]
    return own + peers


def cpu_name(boundary: str, threads: int) -> str:
    """What a run of our CPU back end is called."""
    return f"gpudeconv cpu {boundary}, {threads} thread{'' if threads == 1 else 's'}"


def opencl_name(boundary: str, number: int) -> str:
    """What a run of our OpenCL back end is called."""
    return f"gpudeconv opencl {number} {boundary}"
