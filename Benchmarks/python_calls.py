"""What calls from Python cost, and how long the functions of the article take under the same Dask cluster.

Usage: make test-python; .venv-python/bin/python Benchmarks/python_calls.py [--rounds N] [--iterations N] [--shape Z,Y,X]
    [--psf-shape Z,Y,X] [--volumes N] [--workers N]

The virtual environment has the wheel and the other programs. Workers are processes that share the cores. Turns alternate,
and ratios are medians over the rounds. Each program is held against ours with the boundary that does the same work:
scikit-image, which pads with zeros, against `zero`, and ITK, which pads with voxels of the edge, against the default, `extend`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import dask.array as da
import numpy as np
import tifffile
from dask.distributed import Client, LocalCluster

import gpudeconv

GPUDECONV = Path(__file__).parent.parent / ".build/release/gpudeconv"


def extents(text: str) -> tuple[int, ...]:
    """Three of them, with commas."""
    return tuple(map(int, text.split(",")))


def blobs(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Counts of a camera."""
    return np.random.default_rng(seed).poisson(200, shape).astype(np.uint16)


def gaussian(shape: tuple[int, ...]) -> np.ndarray:
    """A PSF."""
    grids = np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij")
    return np.exp(-sum((grid / 3) ** 2 / 2 for grid in grids)).astype(np.float32)


def seconds(function: Callable[[], object]) -> float:
    """By the clock on the wall."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def single_calls(rounds: int, iterations: int) -> None:
    """A call against the command's computing, and two threads against two calls in sequence."""
    image, psf = blobs((101, 512, 384), 1), gaussian((51, 32, 32))
    options = {"iterations": iterations, "psf_as_is": True, "backend": "cpu"}

    def call() -> None:
        gpudeconv.richardson_lucy(image, psf, **options)

    def threads() -> None:
        both = [threading.Thread(target=call) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()

    with tempfile.TemporaryDirectory(prefix="gpudeconv-python-") as name:
        tifffile.imwrite(f"{name}/image.tif", image, photometric="minisblack")
        tifffile.imwrite(f"{name}/psf.tif", psf, photometric="minisblack")

        def command() -> float:
            arguments = ["image.tif", "--psf", "psf.tif", "-o", "result.tif", "--psf-as-is", "--backend", "cpu"]
            arguments += ["-i", str(iterations), "--overwrite", "--quiet", "--json"]
            done = subprocess.run([str(GPUDECONV), *arguments], cwd=name, check=True, capture_output=True)
            return json.loads(done.stdout)["seconds"]["compute"]

        call()
        command()
        against_command, against_sequence = [], []
        for _ in range(rounds):
            computing, one, two, other = command(), seconds(call), seconds(threads), seconds(call)
            against_command.append(min(one, other) / computing)
            against_sequence.append(two / (one + other))
    print(f"a call, 101x512x384, {iterations} iterations: {statistics.median(against_command):.3f} of the command's computing")
    print(f"two threads, one call each: {statistics.median(against_sequence):.3f} of two calls in sequence")


def ours(image: np.ndarray, psf: np.ndarray, iterations: int) -> np.ndarray:
    """This package."""
    return gpudeconv.richardson_lucy(image, psf, iterations, psf_as_is=True)


def ours_with_zeros(image: np.ndarray, psf: np.ndarray, iterations: int) -> np.ndarray:
    """This package, with the boundary of scikit-image."""
    return gpudeconv.richardson_lucy(image, psf, iterations, psf_as_is=True, boundary="zero")


def with_itk(image: np.ndarray, psf: np.ndarray, iterations: int) -> np.ndarray:
    """As in the article: ITK takes 32-bit floats and no axes of length 1."""
    import itk

    image, psf = (np.ascontiguousarray(np.squeeze(array), np.float32) for array in (image, psf))
    result = itk.richardson_lucy_deconvolution_image_filter(
        itk.image_view_from_array(image),
        kernel_image=itk.image_view_from_array(psf),
        number_of_iterations=iterations,
        normalize=True,
    )
    return itk.array_from_image(result)[None, None]


def with_scikit_image(image: np.ndarray, psf: np.ndarray, iterations: int) -> np.ndarray:
    """scikit-image's function."""
    from skimage import restoration

    image, psf = (np.squeeze(array).astype(np.float32) for array in (image, psf))
    result = restoration.richardson_lucy(image, psf / psf.sum(), num_iter=iterations, clip=False)
    return result.astype(np.float32)[None, None]


def under_dask(arguments: argparse.Namespace) -> None:
    """All over the volumes of one array, on one cluster."""
    rounds, iterations = arguments.rounds, arguments.iterations
    volumes = np.stack([blobs(arguments.shape, seed) for seed in range(arguments.volumes)])[None]
    psf = gaussian(arguments.psf_shape)[None, None]
    threads = max(len(os.sched_getaffinity(0)) // arguments.workers, 1)
    times: dict[Callable[..., np.ndarray], list[float]] = {}
    with (
        LocalCluster(n_workers=arguments.workers, threads_per_worker=threads, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        images = da.from_array(volumes, chunks=(1, 1, -1, -1, -1)).persist()
        psfs = da.from_array(psf, chunks=psf.shape)
        for number in range(rounds + 1):
            for function in (ours, ours_with_zeros, with_scikit_image, with_itk):
                # The first round imports and plans; ITK has nothing to plan, and takes long.
                if number == 0 and function is with_itk:
                    continue
                out = da.map_blocks(function, images, psfs, iterations, dtype="f4")
                taken = seconds(lambda out=out: out.sum().compute())
                if number > 0:
                    times.setdefault(function, []).append(taken)
    for function, own in ((ours, ours), (ours_with_zeros, ours), (with_scikit_image, ours_with_zeros), (with_itk, ours)):
        ratio = statistics.median(a / b for a, b in zip(times[function], times[own]))
        print(f"{function.__name__:18} {statistics.median(times[function]):8.2f} s, {ratio:6.2f} times {own.__name__}")


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=10, help="10 is our default, 1 that of the article's function")
    parser.add_argument("--shape", type=extents, default=(64, 256, 256), help="of the volumes under Dask")
    parser.add_argument("--psf-shape", type=extents, default=(31, 31, 31), help="of their PSF")
    parser.add_argument("--volumes", type=int, default=4, help="under Dask")
    parser.add_argument("--workers", type=int, default=2, help="processes of the cluster")
    arguments = parser.parse_args()
    single_calls(arguments.rounds, arguments.iterations)
    under_dask(arguments)


if __name__ == "__main__":
    main()
