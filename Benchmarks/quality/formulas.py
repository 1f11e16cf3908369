"""Richardson-Lucy in NumPy, one iterate after the other: the oracle, and the method of a peer that cannot be installed.

    y = f H x + b,   x <- x W H'( f g / y ),   W = 1 / (H'f) where H'f > 0.01 max, else 0

float32 on M + P - 1 voxels and on to a fast length, so that light outside the frame is estimated (Bertero and Boccacci 2005).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import scipy.fft

from .phantoms import Phantom
from .scores import Score


class Model:
    """The transfer functions and weights of one image."""

    def __init__(self, observed: np.ndarray, psf: np.ndarray, background: float) -> None:
        sizes = list(zip(observed.shape, psf.shape))
        self.shape = [scipy.fft.next_fast_len(m + p - 1, real=True) for m, p in sizes]
        before = [p - 1 - p // 2 for p in psf.shape]
        self.frame = tuple(slice(b, b + m) for b, m in zip(before, observed.shape))
        self.domain = np.zeros(self.shape, np.float32)
        self.domain[tuple(slice(0, m + p - 1) for m, p in sizes)] = 1
        self.background = np.float32(background)
        self.floor = np.float32(1e-6 * max(observed.mean(), 1e-30))
        padded = np.zeros(self.shape)
        padded[tuple(slice(0, p) for p in psf.shape)] = psf / psf.sum()
        centered = np.roll(padded, [-(p // 2) for p in psf.shape], (0, 1, 2))
        self.otf = scipy.fft.rfftn(centered).astype(np.complex64)
        self.observed = np.zeros(self.shape, np.float32)
        self.observed[self.frame] = observed
        recorded = np.zeros(self.shape, np.float32)
        recorded[self.frame] = 1
        sensitivity = self._filtered(recorded, self.otf.conj())
        visible = (sensitivity > 0.01 * sensitivity.max()) & (self.domain > 0)
        self.weights = np.where(visible, 1 / np.maximum(sensitivity, 1e-12), 0).astype(np.float32)

    def _filtered(self, volume: np.ndarray, otf: np.ndarray) -> np.ndarray:
        spectrum = scipy.fft.rfftn(volume)
        spectrum *= otf
        return scipy.fft.irfftn(spectrum, s=self.shape, overwrite_x=True)

    def start(self) -> np.ndarray:
        """The mean of the image above its background, everywhere."""
        observed = self.observed[self.frame]
        return self.domain * np.float32(max((observed - self.background).mean(), 1e-3 * observed.mean()))

    def step(self, estimate: np.ndarray) -> np.ndarray:
        """One update."""
        projection = np.maximum(self._filtered(estimate, self.otf) + self.background, self.floor)
        ratio = self._filtered(self.observed / projection, self.otf.conj())
        return estimate * np.maximum(self.weights * ratio, 0)


def plain(model: Model) -> Iterator[np.ndarray]:
    """The estimates after 1, 2, ... updates, on the frame."""
    estimate = model.start()
    while True:
        estimate = model.step(estimate)
        yield estimate[model.frame]


def heavy_ball(model: Model) -> Iterator[np.ndarray]:
    """The same, each update made at x + a (x - x'), a = max(0, (k - 1) / (k + 2)) (Wang and Miller 2014)."""
    before = estimate = model.start()
    for number in itertools.count():
        weight = np.float32(max(0, (number - 1) / (number + 2)))
        ahead = np.maximum(estimate + weight * (estimate - before), 0)
        before, estimate = estimate, model.step(ahead)
        yield estimate[model.frame]


def oracle(phantom: Phantom, most: int = 120) -> list[float]:
    """PSNR after 1, 2, ... plain iterations, until it has fallen half a dB below its best."""
    found: list[float] = []
    for estimate in itertools.islice(plain(Model(phantom.observed, phantom.psf, phantom.background)), most):
        found.append(round(Score.of(estimate, phantom.truth).psnr, 3))
        if len(found) > 22 and found[-1] < max(found) - 0.5:
            break
    return found
