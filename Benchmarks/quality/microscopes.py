"""The PSFs of the phantoms: three microscopes, scalar diffraction by psfmodels (Gibson and Lanni 1992), z, y, x, sum 1."""

from __future__ import annotations

import functools

import numpy as np
import psfmodels
import scipy.fft
import scipy.ndimage

MICROSCOPES = ("sheet", "confocal", "wide")
SPACINGS = {"sheet": (0.2, 0.1, 0.1), "confocal": (0.15, 0.06, 0.06), "wide": (0.25, 0.09, 0.09)}
# Full width at half maximum over standard deviation.
WIDTHS = 2.355


@functools.cache
def psf(microscope: str) -> np.ndarray:
    """The exact PSF, in voxels of SPACINGS.

    sheet     NA 1.0 in water, light sheet 0.9 µm wide at half maximum
    confocal  NA 1.2 in water, pinhole of 1 Airy unit
    wide      NA 1.3 in oil
    """
    if microscope == "sheet":
        volume = light((15, 17), "sheet", na=1.0, wavelength=0.52, index=1.333)
        z = (np.arange(15) - 7) * 0.2
        volume = volume * np.exp(-(z**2) / (2 * (0.9 / WIDTHS) ** 2))[:, None, None]
    elif microscope == "confocal":
        exciting, emitted = (light((17, 19), "confocal", na=1.2, wavelength=w, index=1.333) for w in (0.488, 0.52))
        volume = exciting * through_pinhole(emitted, radius=0.61 * 0.52 / 1.2)
    else:
        volume = light((25, 31), "wide", na=1.3, wavelength=0.52, index=1.515)
    volume = np.maximum(volume, 0)
    return volume / volume.sum()


def light(planes_and_side: tuple[int, int], microscope: str, na: float, wavelength: float, index: float) -> np.ndarray:
    """What a point's light makes of that many planes and voxels a side; wavelength in µm."""
    planes, side = planes_and_side
    dz, _, dx = SPACINGS[microscope]
    z = (np.arange(planes) - planes // 2) * dz
    optics = {"NA": na, "wvl": wavelength, "ns": index, "ni": index, "ni0": index, "model": "scalar"}
    return psfmodels.make_psf(z, nx=side, dxy=dx, normalize=False, **optics)


def through_pinhole(emitted: np.ndarray, radius: float) -> np.ndarray:
    """Each plane summed over a pinhole of a radius in µm."""
    reach = emitted.shape[1] // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1] * SPACINGS["confocal"][1]
    pinhole = scipy.fft.fft2((np.hypot(y, x) <= radius).astype(float), (64, 64))
    inside = slice(reach, 3 * reach + 1)
    planes = [scipy.fft.ifft2(scipy.fft.fft2(plane, (64, 64)) * pinhole).real[inside, inside] for plane in emitted]
    return np.stack(planes)


def widened(exact: np.ndarray, factor: float) -> np.ndarray:
    """A PSF that is wider by a factor along each axis, in the same box."""
    center = np.array([n // 2 for n in exact.shape])
    scale = np.full(3, 1 / factor)
    wide = scipy.ndimage.affine_transform(exact, scale, offset=center - center * scale, order=3, mode="constant")
    wide = np.maximum(wide, 0)
    return wide / wide.sum()
