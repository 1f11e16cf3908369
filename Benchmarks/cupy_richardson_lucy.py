"""Times Richardson-Lucy in CuPy on an NVIDIA GPU.

The arithmetic of richardson_lucy.py with cuFFT at CuPy's own best padded size, and the elementwise steps fused. Needs
CuPy and NumPy only.

    python cupy_richardson_lucy.py --shape 201,1024,768 --psf-shape 101,64,64 --boundary extend

Prints JSON: seconds per iteration by device events and by wall clock, the first iteration apart, and device bytes.
With --image and --psf it computes on TIFF stacks, such as those of `gpudeconv bench --save`; --output keeps the result
as a .npy file.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import cupy
import cupyx.scipy.fft
import numpy as np

from richardson_lucy import BOUNDARIES, Array, RichardsonLucy
from stopwatch import Stopwatch

TAKE_RATIO = cupy.ElementwiseKernel(
    "T observed, float32 projection, float32 least",
    "float32 ratio",
    "ratio = observed / fmaxf(projection, least)",
    "take_ratio",
)
UPDATE = cupy.ElementwiseKernel("float32 factor", "float32 estimate", "estimate *= factor", "update")
WEIGHTED_UPDATE = cupy.ElementwiseKernel(
    "float32 factor, float32 weight", "float32 estimate", "estimate *= factor * weight", "weighted_update"
)


class CuPyModule:
    """CuPy arrays and cuFFT."""

    xp: Any = cupy

    def next_length(self, minimum: int) -> int:
        return cupyx.scipy.fft.next_fast_len(minimum)

    def forward(self, volume: Array, shape: tuple[int, ...]) -> Array:
        return cupyx.scipy.fft.rfftn(volume, s=shape)

    def inverse(self, spectrum: Array, shape: tuple[int, ...]) -> Array:
        return cupyx.scipy.fft.irfftn(spectrum, s=shape, overwrite_x=True)

    def take_ratio(self, observed: Array, projection: Array, floor: float, ratio: Array) -> None:
        TAKE_RATIO(observed, projection, floor, ratio)

    def update(self, estimate: Array, back_projection: Array, weights: Array | None) -> None:
        if weights is None:
            UPDATE(back_projection, estimate)
        else:
            WEIGHTED_UPDATE(back_projection, weights, estimate)

    def synchronize(self) -> None:
        cupy.cuda.get_current_stream().synchronize()


class EventStopwatch(Stopwatch):
    """Takes the moments on the device's clock as well."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[cupy.cuda.Event] = []

    def __call__(self, *_: object) -> None:
        super().__call__()
        event = cupy.cuda.Event()
        event.record()
        self.events.append(event)

    @property
    def event_seconds(self) -> list[float]:
        """Duration of each iteration by the device's clock."""
        self.events[-1].synchronize()
        return [cupy.cuda.get_elapsed_time(a, b) / 1000 for a, b in zip(self.events, self.events[1:])]


def shape(text: str) -> tuple[int, ...]:
    """Three sizes, written z,y,x."""
    axes = tuple(int(part) for part in text.split(","))
    if len(axes) != 3 or min(axes) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not three sizes, z,y,x")
    return axes


def synthetic(image_shape: tuple[int, ...], psf_shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Counts of 16 bits, and a Gaussian PSF whose standard deviation is an eighth of its box."""
    image = np.random.default_rng(1).integers(20, 420, image_shape, dtype=np.uint16)
    profiles = [np.exp(-0.5 * ((np.arange(n) - n // 2) / max(n / 8, 0.5)) ** 2) for n in psf_shape]
    psf = np.einsum("i,j,k->ijk", *profiles)
    return image, (psf / psf.sum()).astype(np.float32)


def read(path: Path) -> np.ndarray:
    """A TIFF stack."""
    import tifffile

    return tifffile.imread(path)


def measure(image: np.ndarray, psf: np.ndarray, boundary: str, iterations: int) -> tuple[dict[str, object], Array]:
    """Times `iterations` after a first one."""
    solver = RichardsonLucy(CuPyModule(), image.shape, cupy.asarray(psf), boundary)
    stopwatch = EventStopwatch()
    result = solver.run(cupy.asarray(image), 1 + iterations, stopwatch)
    wall, events = stopwatch.seconds, stopwatch.event_seconds
    report: dict[str, object] = {
        "boundary": boundary,
        "shape": image.shape,
        "psfShape": psf.shape,
        "workShape": solver.geometry.work_shape,
        "iterations": 1 + iterations,
        "firstIterationSeconds": wall[0],
        "iterationSeconds": wall[1:],
        "secondsPerIteration": statistics.median(wall[1:]),
        "eventIterationSeconds": events[1:],
        "eventSecondsPerIteration": statistics.median(events[1:]),
        "deviceBytes": cupy.get_default_memory_pool().total_bytes(),
    }
    return report, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=shape, default=(101, 512, 384))
    parser.add_argument("--psf-shape", type=shape, default=(51, 32, 32))
    parser.add_argument("--image", type=Path)
    parser.add_argument("--psf", type=Path)
    parser.add_argument("--boundary", choices=BOUNDARIES, default="extend")
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    if (arguments.image is None) != (arguments.psf is None):
        parser.error("--image and --psf belong together")

    if arguments.image:
        image, psf = read(arguments.image), read(arguments.psf)
    else:
        image, psf = synthetic(arguments.shape, arguments.psf_shape)
    report, result = measure(image, psf, arguments.boundary, arguments.iterations)
    device = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    report["device"] = device["name"].decode()
    report["cupy"] = cupy.__version__
    if arguments.output:
        np.save(arguments.output, cupy.asnumpy(result))
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
