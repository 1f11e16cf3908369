"""A measured PSF in cudaDecon's algorithm, which averages OTFs over rings."""

import pathlib

import numpy as np
import pytest

import gpudeconv

DATA = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "lattice-cell"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")

# cudaDecon takes the center to be 0.6 planes behind the brightest; that is at 31.1 of 0.1 um, and the centroid of the
# core at 29.99. So its PSF lies 0.37 planes of the image in front of ours.
CENTER_OF_CUDADECON = -(31.1 - 29.99) / 3


@pytest.fixture(scope="module")
def observed():
    """The part of the cell with the brightest voxel of cudaDecon's result."""
    import tifffile

    return tifffile.imread(DATA / "observed.tif")[:84, 140:300, 50:210].astype(np.float32)


@pytest.fixture(scope="module")
def measured():
    import tifffile

    return tifffile.imread(DATA / "psf.tif")


def accelerated(observed, psf, shift, iterations=10):
    """Richardson-Lucy in a periodic frame from the observed image, accelerated (Biggs & Andrews, Appl. Opt. 36:1766)."""
    frame = np.zeros(observed.shape)
    frame[tuple(slice(n) for n in psf.shape)] = psf / psf.sum()
    otf = np.fft.rfftn(np.roll(frame, [-(n // 2) for n in psf.shape], (0, 1, 2)))
    otf *= np.exp(-2j * np.pi * shift * np.fft.fftfreq(observed.shape[0]))[:, None, None]

    def through(image, otf):
        return np.fft.irfftn(np.fft.rfftn(image) * otf, observed.shape)

    estimate = observed
    previous = change = None
    for step in range(iterations):
        guess = estimate
        if step > 1:
            factor = np.vdot(change, earlier) / np.vdot(earlier, earlier)
            guess = estimate + min(max(factor, 0), 1) * (estimate - previous)
        previous, earlier = estimate, change
        ratio = observed / np.maximum(through(guess, otf), 1e-7)
        estimate = np.maximum(guess * through(ratio, otf.conj()), 0)
        change = estimate - guess
    return estimate


def test_a_ring_averaged_psf_gives_what_cudadecon_gives(observed, measured):
    spacings = {"spacing": (0.3, 0.1, 0.1), "psf_spacing": (0.1, 0.1, 0.1)}
    light = np.maximum(observed - 98, 0)
    psf = gpudeconv.prepare_psf(measured, radial_average=True, **spacings)
    brightest = accelerated(light, psf, CENTER_OF_CUDADECON).max()
    # 2684 in the file that comes with pycudadecon 0.5.1.
    assert 2500 < brightest < 2900

    # With the center right and the background left on, or cut at zero with its noise, it is more than twice that.
    for counts in (measured.astype(float), np.maximum(measured - 142.0, 0)):
        centered = counts[2:59, 15:, 1:]
        coarse = centered.reshape(-1, 3, *centered.shape[1:]).sum(axis=1)
        assert accelerated(light, coarse, 0).max() > 2 * 2500
