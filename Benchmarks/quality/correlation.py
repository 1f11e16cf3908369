"""Fourier shell correlation of two results of independent halves, along the optical axis and across it."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft

THRESHOLD = 1 / 7
TAPERED = 0.12
# At most; an axis of few voxels has fewer frequencies.
SHELLS = 40


def shells(first: np.ndarray, second: np.ndarray, spacing: tuple[float, float, float]) -> dict[str, Any]:
    """Correlation by spatial frequency (1/µm), within 45 degrees of the axis and beyond, and where it falls below 1/7.

    Angles and radii are those of physical frequencies (sections as of Koho et al. 2019, Nat. Commun. 10:3103).
    """
    window = taper(first.shape)
    spectra = [scipy.fft.rfftn((v - np.average(v, weights=window)) * window) for v in (first, second)]
    z, y, x = frequencies(first.shape, spacing)
    across = np.sqrt(y**2 + x**2)
    radius = np.sqrt(z**2 + across**2)
    top = {"axial": 0.5 / spacing[0], "lateral": 0.5 / spacing[1]}
    masks = {"axial": np.abs(z) > across, "lateral": np.abs(z) <= across}
    found: dict[str, Any] = {}
    for name, mask in masks.items():
        count = min(SHELLS, first.shape[0 if name == "axial" else 1] // 2)
        used = mask & (radius < top[name])
        number = (radius[used] / top[name] * count).astype(int)
        a, b = (s[used] for s in spectra)
        cross = np.bincount(number, (a * b.conj()).real, count)
        power = [np.bincount(number, np.abs(s) ** 2, count) for s in (a, b)]
        curve = cross / np.maximum(np.sqrt(power[0] * power[1]), 1e-30)
        middles = (np.arange(count) + 0.5) / count * top[name]
        found[name] = {
            "frequencies": [round(float(f), 4) for f in middles],
            "correlations": [round(float(c), 4) for c in curve],
            "resolution": resolution(middles, curve),
        }
    return found


def resolution(middles: np.ndarray, curve: np.ndarray) -> float | None:
    """µm: the reciprocal of the frequency from which on it is below the threshold; None where it never is."""
    # The first shells of an axis may hold a handful of frequencies.
    below = next((i for i in range(2, len(curve)) if curve[i] < THRESHOLD), None)
    if below is None:
        return None
    upper, lower = curve[below - 1], curve[below]
    part = (upper - THRESHOLD) / (upper - lower) if upper > lower else 1.0
    return round(float(1 / (middles[below - 1] + part * (middles[below] - middles[below - 1]))), 4)


def taper(shape: tuple[int, ...]) -> np.ndarray:
    """sin² over the ends of each axis."""
    window = np.ones(shape)
    for axis, n in enumerate(shape):
        edge = max(2, int(TAPERED * n))
        ramp = np.ones(n)
        ramp[:edge] = np.sin(np.pi / 2 * (np.arange(edge) + 0.5) / edge) ** 2
        ramp[-edge:] = ramp[:edge][::-1]
        window *= ramp.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return window


def frequencies(shape: tuple[int, ...], spacing: tuple[float, float, float]) -> tuple[np.ndarray, ...]:
    """1/µm along z, y, x on the half spectrum."""
    along = [scipy.fft.fftfreq(n, d) for n, d in zip(shape[:2], spacing)] + [scipy.fft.rfftfreq(shape[2], spacing[2])]
    return tuple(np.meshgrid(*along, indexing="ij", sparse=True))


def apparent_gain(image: np.ndarray) -> float:
    """Power of the noise beyond four fifths of the highest frequencies across, over the mean."""
    window = taper(image.shape)
    power = np.abs(scipy.fft.rfftn((image - np.average(image, weights=window)) * window)) ** 2 / np.sum(window**2)
    _, y, x = frequencies(image.shape, (1, 1, 1))
    noise = np.median(power[np.broadcast_to(np.hypot(y, x) > 0.4, power.shape)]) / np.log(2)
    return float(noise / np.average(image, weights=window**2))
