"""How near a whole data set comes to its slowest stage alone, and whether memory grows with the number of volumes.

Usage: streaming.py [--program FILE] [--volumes N] [--shape Z,Y,X] [--psf-shape Z,Y,X] [--iterations N]
                    [options of gpudeconv after --]

Makes a Zarr array (time, z, y, x) of uint16 and a PSF, and deconvolves it from Zarr to Zarr. Each stage alone is that of runs of a
sixth of the volumes with just so much memory that nothing is done at once, one before and one after the run that is judged. What
`gpudeconv bench` says of a warm iteration stands beside it.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np

GPUDECONV = Path(__file__).resolve().parent.parent / ".build/release/gpudeconv"


def shape(text: str) -> tuple[int, ...]:
    """Three extents with commas."""
    return tuple(map(int, text.split(",")))


def program(text: str) -> Path:
    """A program by its path; runs have another current folder."""
    path = Path(text).resolve()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no program that may be run")
    return path


def write_array(folder: Path, volumes: np.ndarray, count: int) -> None:
    """A Zarr array of version 2, one chunk a volume, which repeats the given volumes."""
    folder.mkdir(parents=True)
    metadata = {
        "zarr_format": 2,
        "shape": [count, *volumes.shape[1:]],
        "chunks": [1, *volumes.shape[1:]],
        "dtype": volumes.dtype.str,
        "compressor": None,
        "fill_value": 0,
        "filters": None,
        "order": "C",
    }
    (folder / ".zarray").write_text(json.dumps(metadata))
    for time in range(count):
        volumes[time % len(volumes)].tofile(folder / f"{time}.0.0.0")


def command(source: str, arguments: argparse.Namespace) -> list[str]:
    """What all runs and plans of an array have in common."""
    return [source, "--psf", "psf.zarr", "--psf-as-is", "--iterations", str(arguments.iterations), *arguments.options]


def run(folder: Path, source: str, arguments: argparse.Namespace, *options: str) -> dict:
    """Deconvolves an array, and gives the report."""
    output = ["-o", "result.zarr", "--overwrite", "--quiet", "--codec", "blosc-lz4", "--report", "report.json"]
    subprocess.run([str(arguments.program), *command(source, arguments), *output, *options], cwd=folder, check=True)
    return json.loads((folder / "report.json").read_text())


def limit_without_overlap(folder: Path, source: str, arguments: argparse.Namespace) -> str:
    """So few bytes that one volume is computed in one piece, and no other meanwhile."""

    def plan(*options: str) -> dict:
        made = [str(arguments.program), "plan", *command(source, arguments), "--json", *options]
        tried = subprocess.run(made, cwd=folder, capture_output=True)
        return json.loads(tried.stdout) if tried.returncode == 0 else {}

    least = plan()["deviceBytes"]
    for limit in range(least, 4 * least, max(least // 20, 1)):
        made = plan("--memory-limit", str(limit))
        # Fields of tiles are kept beside them, of however few.
        if made and not made["keptBytes"] and made.get("overlapBytes") is None:
            return str(limit)
    raise SystemExit("no memory limit keeps the stages apart")


def iteration(arguments: argparse.Namespace) -> float:
    """Seconds of a warm iteration with nothing beside it."""
    text = ["--shape", ",".join(map(str, arguments.shape)), "--psf-shape", ",".join(map(str, arguments.psf_shape))]
    command = [str(arguments.program), "bench", "--json", "--iterations", "20", *text, *arguments.options]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return min(device["secondsPerIteration"] for device in report["devices"])


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=program, default=GPUDECONV, help="gpudeconv, such as that of a bundle")
    parser.add_argument("--volumes", type=int, default=60)
    parser.add_argument("--shape", type=shape, default=(64, 256, 256))
    parser.add_argument("--psf-shape", type=shape, default=(31, 31, 31))
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("options", nargs="*", help="for gpudeconv, after --")
    arguments = parser.parse_args()

    generator = np.random.default_rng(5)
    with tempfile.TemporaryDirectory(prefix="gpudeconv-streaming-") as name:
        folder = Path(name)
        volumes = generator.poisson(200, (3, *arguments.shape)).astype(np.uint16)
        grids = np.meshgrid(*(np.arange(n) - n // 2 for n in arguments.psf_shape), indexing="ij")
        psf = np.exp(-sum((grid / 2) ** 2 / 2 for grid in grids)).astype(np.float32)
        write_array(folder / "psf.zarr", psf[None], 1)
        few = max(arguments.volumes // 6, 2)
        for count in (few, arguments.volumes):
            write_array(folder / f"{count}.zarr", volumes, count)

        apart = ("--memory-limit", limit_without_overlap(folder, f"{few}.zarr", arguments))
        reports = [run(folder, f"{few}.zarr", arguments, *apart)]
        before = iteration(arguments)
        part = run(folder, f"{few}.zarr", arguments)
        whole = run(folder, f"{arguments.volumes}.zarr", arguments)
        after = iteration(arguments)
        reports.append(run(folder, f"{few}.zarr", arguments, *apart))

    if any(report["seconds"]["overlapped"] > 0.01 * report["seconds"]["total"] for report in reports):
        raise SystemExit("the runs that should keep the stages apart did not")
    alone = {
        stage: arguments.volumes / few * statistics.mean(report["seconds"][stage] for report in reports)
        for stage in ("read", "prepare", "upload", "compute", "download", "write")
    }
    warm = arguments.volumes * arguments.iterations * (before + after) / 2
    slowest = max(alone, key=lambda stage: alone[stage])
    print("stage       alone, s   at once, s")
    for stage, seconds in alone.items():
        print(f"{stage:10} {seconds:9.2f} {whole['seconds'][stage]:11.2f}")
    total = whole["seconds"]["total"]
    print(f"a warm iteration alone: {before:.4g} s before, {after:.4g} s after; all of them {warm:.2f} s")
    print(f"in all {total:.2f} s, {total / alone[slowest]:.3f} of {slowest} alone; slowest at once: {whole['bottleneck']}")
    print(
        f"most memory {part['peakHostBytes'] / 1e6:.1f} MB with {few} volumes, {whole['peakHostBytes'] / 1e6:.1f} MB with "
        f"{arguments.volumes}: {whole['peakHostBytes'] / part['peakHostBytes']:.3f}"
    )


main()
