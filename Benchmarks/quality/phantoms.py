"""Images of known objects: blurred with light from outside the frame included, a background, the noise of photons."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.fft
import tifffile

from .microscopes import MICROSCOPES, psf, widened
from .objects import OBJECTS

SHAPE = (28, 80, 80)
LEVELS = (20, 200, 2000)
# Light levels and seeds that nobody has looked at while tuning.
UNSEEN = ("membranes", "nuclei", "vesicles")
UNSEEN_LEVELS = (50, 500)
UNSEEN_SEED = 7


@dataclass(frozen=True)
class Phantom:
    """One image with its truth, in photons."""

    microscope: str
    object: str
    peak: int
    """Photons that one voxel in a thousand exceeds, without the background."""
    observed: np.ndarray
    truth: np.ndarray
    """Without the background."""
    psf: np.ndarray
    """What the methods are told."""
    background: float
    variant: str = ""
    """How the PSF is wrong, if it is."""

    @property
    def name(self) -> str:
        """Such as sheet-cell-200."""
        return "-".join(filter(None, (self.microscope, self.object, str(self.peak), self.variant)))

    @property
    def checksum(self) -> str:
        """Of all that a method is given."""
        data = b"".join(np.ascontiguousarray(a, np.float32).tobytes() for a in (self.observed, self.psf, self.truth))
        return hashlib.sha256(data + str(self.background).encode()).hexdigest()[:16]

    @property
    def is_cell(self) -> bool:
        """Whether it is one of the nine that decide."""
        return self.object == "cell"

    @property
    def exact_name(self) -> str:
        """The name of the same image with its exact PSF."""
        return replace(self, variant="").name


@functools.cache
def phantom(microscope: str, kind: str, peak: int, seed: int = 1) -> Phantom:
    """An object under a microscope."""
    blur = psf(microscope)
    random = np.random.default_rng(seed * 100 + len(microscope))
    # What lies around the frame as far as its light reaches in.
    around = tuple(m + 2 * (p // 2) for m, p in zip(SHAPE, blur.shape))
    truth = OBJECTS[kind](around, random).astype(float)
    frame = tuple(slice(p // 2, p // 2 + m) for p, m in zip(blur.shape, SHAPE))
    light = blurred(truth, blur)[frame]
    scale = peak / np.percentile(light, 99.9)
    background = background_of(peak)
    observed = random.poisson(np.maximum(light * scale, 0) + background).astype(float)
    return Phantom(microscope, kind, peak, observed, truth[frame] * scale, blur, background)


def bars(folder: Path, peak: int) -> Phantom:
    """The truth and PSF of a folder `hollow-bars`, with noise of our own: its observed.tif has none of photons."""
    given, truth, blur = (tifffile.imread(folder / f"{n}.tif").astype(float) for n in ("observed", "truth", "psf"))
    truth = truth * (peak / np.percentile(given, 99.9))
    blur = blur / blur.sum()
    background = background_of(peak)
    light = np.maximum(blurred(truth, blur, exact=True), 0)
    observed = np.random.default_rng(1).poisson(light + background).astype(float)
    return Phantom("bars", "", peak, observed, truth, blur, background)


def background_of(peak: int) -> float:
    """2 % of the peak, half a photon or more."""
    return max(0.5, 0.02 * peak)


def blurred(volume: np.ndarray, blur: np.ndarray, exact: bool = False) -> np.ndarray:
    """Linear convolution, nothing outside, the PSF's center being voxel P // 2. `exact` transforms M + P - 1 voxels."""
    whole = [a + b - 1 for a, b in zip(volume.shape, blur.shape)]
    lengths = whole if exact else [scipy.fft.next_fast_len(n, True) for n in whole]
    product = scipy.fft.rfftn(volume, lengths) * scipy.fft.rfftn(blur, lengths)
    result = scipy.fft.irfftn(product, lengths)
    return np.ascontiguousarray(result[tuple(slice(p // 2, p // 2 + m) for p, m in zip(blur.shape, volume.shape))])


def study(data: Path | None) -> list[Phantom]:
    """Nine cells, nine of points and threads, and three of bars where the data are."""
    found = [phantom(m, kind, peak) for m in MICROSCOPES for kind in ("cell", "lines") for peak in LEVELS]
    if data and (data / "hollow-bars").is_dir():
        found += [bars(data / "hollow-bars", peak) for peak in LEVELS]
    return found


def cells() -> list[Phantom]:
    """The nine that decide."""
    return [phantom(m, "cell", peak) for m in MICROSCOPES for peak in LEVELS]


def unseen() -> list[Phantom]:
    """Objects that nobody has tuned on, with the exact PSF and with one that is 10 % too wide."""
    exact = [phantom(m, kind, peak, UNSEEN_SEED) for kind in UNSEEN for m in MICROSCOPES for peak in UNSEEN_LEVELS]
    return exact + [replace(p, psf=widened(p.psf, 1.1), variant="wide-psf") for p in exact]
