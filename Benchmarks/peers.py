"""Runs one peer on one volume in this process and writes what it took as JSON.

One process a peer and round, so that its peak memory is its own.

    python peers.py "scikit-image" --folder VOLUMES --iterations 6 --threads 2 --report R.json [--result R.npy]

Only what iterates is timed: reading files, importing and, where the tool lets one see it, planning are not.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from stopwatch import Stopwatch, peak_resident_bytes


@dataclass
class Job:
    """What a peer is to do."""

    observed: np.ndarray
    psf: np.ndarray
    iterations: int
    threads: int


@dataclass
class Outcome:
    """What it did."""

    warm_seconds: list[float]
    """Seconds of each iteration that was seen, without the first where it is cold."""
    first_seconds: float | None
    """Seconds of the first iteration, where it was seen."""
    result: np.ndarray | None
    """The image, from peers whose arithmetic is that of ours."""
    peak_bytes: int


def script(boundary: str) -> Callable[[Job], Outcome]:
    """The SciPy script of richardson_lucy.py."""

    def run(job: Job) -> Outcome:
        from richardson_lucy import RichardsonLucy
        from scipy_module import SciPyModule

        solver = RichardsonLucy(SciPyModule(job.threads), job.observed.shape, job.psf, boundary)
        stopwatch = Stopwatch()
        result = solver.run(job.observed, job.iterations, stopwatch)
        first, *warm = stopwatch.seconds
        return Outcome(warm, first, result, peak_resident_bytes())

    return run


def slope(run: Callable[[int], np.ndarray], iterations: int) -> Outcome:
    """Runs once with 1 iteration and once with all: the difference is what the others took. Before, once to warm up."""
    run(1)
    started = time.perf_counter()
    run(1)
    between = time.perf_counter()
    result = run(iterations)
    ended = time.perf_counter()
    one, all_of_them = between - started, ended - between
    return Outcome([(all_of_them - one) / (iterations - 1)], one, result, peak_resident_bytes())


def scikit_image(workers: bool) -> Callable[[Job], Outcome]:
    """As it is, or with SciPy's hint to use several workers around it."""

    def run(job: Job) -> Outcome:
        import scipy.fft
        import skimage.restoration

        def deconvolve(count: int) -> np.ndarray:
            return skimage.restoration.richardson_lucy(job.observed, job.psf, num_iter=count, clip=False)

        with scipy.fft.set_workers(job.threads) if workers else contextlib.nullcontext():
            outcome = slope(deconvolve, job.iterations)
        if any(n % 2 == 0 for n in job.psf.shape):
            # Its back projector is one voxel off on an even axis: another image.
            outcome.result = None
        return outcome

    return run


def itk(job: Job) -> Outcome:
    """Its defaults. Every iteration announces its beginning, so that the last one is not seen."""
    import itk as toolkit

    image_type = toolkit.Image[toolkit.F, 3]
    deconvolution = toolkit.RichardsonLucyDeconvolutionImageFilter[image_type, image_type].New()
    deconvolution.SetInput(toolkit.image_from_array(job.observed))
    deconvolution.SetKernelImage(toolkit.image_from_array(job.psf))
    deconvolution.SetNumberOfIterations(job.iterations)
    stopwatch = Stopwatch()
    deconvolution.AddObserver(toolkit.IterationEvent(), stopwatch)
    deconvolution.Update()
    return Outcome(stopwatch.seconds, None, None, peak_resident_bytes())


def redlionfish(job: Job) -> Outcome:
    """Its CPU method. Every iteration announces its end, so that the first one is not seen."""
    import RedLionfishDeconv

    stopwatch = Stopwatch()
    result = RedLionfishDeconv.doRLDeconvolutionFromNpArrays(
        job.observed, job.psf, niter=job.iterations, method="cpu", callbkTickFunc=stopwatch
    )
    if result is None:
        raise RuntimeError("RedLionfish returned no image")
    return Outcome(stopwatch.seconds, None, None, peak_resident_bytes())


def clij2_fft(function: str) -> Callable[[Job], Outcome]:
    """The first OpenCL device of the first platform."""

    def run(job: Job) -> Outcome:
        import clij2fft.libs
        import clij2fft.richardson_lucy

        library = clij2fft.libs.getlib()
        library_function = getattr(clij2fft.richardson_lucy, function)

        def deconvolve(count: int) -> np.ndarray:
            return library_function(job.observed, job.psf, count, lib=library)

        outcome = slope(deconvolve, job.iterations)
        if outcome.result is None or not np.isfinite(outcome.result).all():
            raise RuntimeError("clij2-fft returned an image with voxels that are no numbers")
        outcome.result = None
        return outcome

    return run


@dataclass(frozen=True)
class Peer:
    """A program to compare with."""

    run: Callable[[Job], Outcome]
    distribution: str
    """The package whose version is reported."""
    boundary: str
    """What it takes to lie outside the image."""
    timing: str
    """How seconds per iteration are had from it."""


PEERS = {
    "script zero": Peer(script("zero"), "scipy", "zero", "each iteration"),
    "script extend": Peer(script("extend"), "scipy", "extend", "each iteration"),
    "script periodic": Peer(script("periodic"), "scipy", "periodic", "each iteration"),
    "scikit-image": Peer(scikit_image(workers=False), "scikit-image", "zero", "difference of two runs"),
    "scikit-image, workers": Peer(scikit_image(workers=True), "scikit-image", "zero", "difference of two runs"),
    "ITK": Peer(itk, "itk-filtering", "edge (its default)", "its iteration events"),
    "RedLionfish CPU": Peer(redlionfish, "RedLionfish", "periodic", "its callback"),
    "clij2-fft": Peer(clij2_fft("richardson_lucy"), "clij2-fft", "reflect", "difference of two runs"),
    "clij2-fft non-circulant": Peer(clij2_fft("richardson_lucy_nc"), "clij2-fft", "extend", "difference of two runs"),
}


def be_killed_first() -> None:
    """Where memory runs out, the system ends this process and not the benchmark."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def read_stack(path: Path) -> np.ndarray:
    """A TIFF stack as float32, z, y, x."""
    return np.ascontiguousarray(tifffile.imread(path), dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--folder", type=Path, required=True, help="where observed.tif and psf.tif are")
    parser.add_argument("--iterations", type=int, required=True, help="at least 2")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--result", type=Path)
    arguments = parser.parse_args()

    be_killed_first()
    peer = PEERS[arguments.peer]
    observed = read_stack(arguments.folder / "observed.tif")
    psf = read_stack(arguments.folder / "psf.tif")
    outcome = peer.run(Job(observed, psf, arguments.iterations, arguments.threads))
    report = {
        "iterationSeconds": outcome.warm_seconds,
        "firstIterationSeconds": outcome.first_seconds,
        "peakHostBytes": outcome.peak_bytes,
        "version": importlib.metadata.version(peer.distribution),
    }
    arguments.report.write_text(json.dumps(report))
    if arguments.result and outcome.result is not None:
        np.save(arguments.result, outcome.result)


if __name__ == "__main__":
    main()
