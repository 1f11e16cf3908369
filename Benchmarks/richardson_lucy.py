"""Richardson-Lucy as a competent user writes it with an FFT library.

float32, transfer functions once, four real FFTs an iteration, whole padded volume. Written once for NumPy arrays
(scipy.fft, see scipy_module.py) and CuPy arrays (cupyx.scipy.fft, see cupy_richardson_lucy.py).

    y = H x,   x <- x W H'( g / max(y, floor) ),   W = 1 / (H'1) where H'1 > 0.01 max, else 0

on the frame of recorded voxels, axes z, y, x, the PSF's center being voxel P // 2 of each axis. The boundary says what
lies outside the frame:

    zero      nothing; W = 1; M + P - 1 voxels or more are transformed
    extend    light that is estimated too, on M + P - 1 voxels (Bertero and Boccacci 2005)
    periodic  the other side of the frame; W = 1; M voxels are transformed, without padding
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

Array = Any
BOUNDARIES = ("zero", "extend", "periodic")


class ArrayModule(Protocol):
    """What the arithmetic needs of an array library."""

    xp: Any

    def next_length(self, minimum: int) -> int:
        """The fastest length of a real transform that is at least `minimum`."""

    def forward(self, volume: Array, shape: tuple[int, ...]) -> Array:
        """The half spectrum of a volume, padded with zeros to a shape."""

    def inverse(self, spectrum: Array, shape: tuple[int, ...]) -> Array:
        """The volume of a half spectrum, which may be overwritten."""

    def take_ratio(self, observed: Array, projection: Array, floor: float, ratio: Array) -> None:
        """ratio <- observed / max(projection, floor)"""

    def update(self, estimate: Array, back_projection: Array, weights: Array | None) -> None:
        """estimate <- estimate back_projection weights"""

    def synchronize(self) -> None:
        """Returns when all work is done."""


@dataclass(frozen=True)
class Geometry:
    """Where things lie in the padded volume."""

    work_shape: tuple[int, ...]
    domain: tuple[slice, ...]
    frame: tuple[slice, ...]


def geometry(
    frame_shape: tuple[int, ...], psf_shape: tuple[int, ...], boundary: str, next_length: Callable[[int], int]
) -> Geometry:
    """The domain of the estimate and the recorded frame in the volume that is transformed."""
    if boundary not in BOUNDARIES:
        raise ValueError(f"boundary {boundary!r} is none of {', '.join(BOUNDARIES)}")
    sizes = list(zip(frame_shape, psf_shape))
    if boundary == "periodic":
        if any(p > m for m, p in sizes):
            raise ValueError("a periodic PSF must not be larger than the image")
        whole = tuple(slice(0, m) for m in frame_shape)
        return Geometry(frame_shape, whole, whole)
    work_shape = tuple(next_length(m + p - 1) for m, p in sizes)
    if boundary == "zero":
        frame = tuple(slice(0, m) for m in frame_shape)
        return Geometry(work_shape, frame, frame)
    before = [p - 1 - p // 2 for p in psf_shape]
    return Geometry(
        work_shape,
        domain=tuple(slice(0, m + p - 1) for m, p in sizes),
        frame=tuple(slice(b, b + m) for b, m in zip(before, frame_shape)),
    )


class RichardsonLucy:
    """Transfer functions, weights and buffers for images of one shape."""

    def __init__(self, module: ArrayModule, frame_shape: tuple[int, ...], psf: Array, boundary: str) -> None:
        self.module = module
        self.geometry = geometry(frame_shape, psf.shape, boundary, module.next_length)
        xp, work_shape = module.xp, self.geometry.work_shape
        padded = xp.zeros(work_shape, dtype=xp.float32)
        padded[tuple(slice(0, p) for p in psf.shape)] = psf / psf.sum()
        padded = xp.roll(padded, [-(p // 2) for p in psf.shape], axis=(0, 1, 2))
        self.otf = module.forward(padded, work_shape)
        self.adjoint_otf = self.otf.conj()
        # Holds the ratio on the frame and stays 0 elsewhere.
        self.ratio = xp.zeros(work_shape, dtype=xp.float32)
        self.weights = self._weights() if boundary == "extend" else None

    def _weights(self) -> Array:
        xp = self.module.xp
        self.ratio[self.geometry.frame] = 1
        sensitivity = self._back_project()
        visible = sensitivity > 0.01 * sensitivity.max()
        return xp.where(visible, 1 / xp.where(visible, sensitivity, 1), 0).astype(xp.float32)

    def _back_project(self) -> Array:
        spectrum = self.module.forward(self.ratio, self.geometry.work_shape)
        spectrum *= self.adjoint_otf
        return self.module.inverse(spectrum, self.geometry.work_shape)[self.geometry.domain]

    def _forward_project(self, estimate: Array) -> Array:
        spectrum = self.module.forward(estimate, self.geometry.work_shape)
        spectrum *= self.otf
        return self.module.inverse(spectrum, self.geometry.work_shape)[self.geometry.frame]

    def run(self, observed: Array, iterations: int, on_iteration: Callable[[], None] = lambda: None) -> Array:
        """The estimate on the frame, from the mean of the image on.

        `on_iteration` is called once before the first iteration and after each, with all work done.
        """
        xp, module, where = self.module.xp, self.module, self.geometry
        mean = float(observed.mean(dtype=xp.float64))
        estimate = xp.full(tuple(s.stop - s.start for s in where.domain), mean, dtype=xp.float32)
        module.synchronize()
        on_iteration()
        for _ in range(iterations):
            projection = self._forward_project(estimate)
            module.take_ratio(observed, projection, 1e-6 * mean, self.ratio[where.frame])
            module.update(estimate, self._back_project(), self.weights)
            module.synchronize()
            on_iteration()
        start = [f.start - d.start for f, d in zip(where.frame, where.domain)]
        return estimate[tuple(slice(s, s + m) for s, m in zip(start, observed.shape))]
