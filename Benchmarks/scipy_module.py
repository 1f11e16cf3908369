"""The array library of the SciPy script: NumPy arrays, scipy.fft."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft

from richardson_lucy import Array


class SciPyModule:
    """NumPy arrays and scipy.fft with a number of workers."""

    xp: Any = np

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def next_length(self, minimum: int) -> int:
        return scipy.fft.next_fast_len(minimum, real=True)

    def forward(self, volume: Array, shape: tuple[int, ...]) -> Array:
        return scipy.fft.rfftn(volume, s=shape, workers=self.workers)

    def inverse(self, spectrum: Array, shape: tuple[int, ...]) -> Array:
        return scipy.fft.irfftn(spectrum, s=shape, workers=self.workers, overwrite_x=True)

    def take_ratio(self, observed: Array, projection: Array, floor: float, ratio: Array) -> None:
        np.maximum(projection, np.float32(floor), out=projection)
        np.divide(observed, projection, out=ratio)

    def update(self, estimate: Array, back_projection: Array, weights: Array | None) -> None:
        estimate *= back_projection
        if weights is not None:
            estimate *= weights

    def synchronize(self) -> None:
        pass
