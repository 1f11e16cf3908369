"""PSFs that vary with depth, against plain sums in double precision."""

import numpy as np
import pytest

import gpudeconv

SPACING = (0.5, 0.1, 0.1)


def blob(width):
    """A Gaussian of sum 1."""
    grid = np.stack(np.meshgrid(*(np.arange(-(n // 2), n // 2 + 1) for n in (5, 7, 7)), indexing="ij"))
    values = np.exp(-(grid**2).sum(axis=0) / (2 * width**2))
    return values / values.sum()


def spectrum(psf, shape):
    """Of a PSF whose center is voxel n/2, in a volume that repeats."""
    embedded = np.zeros(shape)
    embedded[tuple(slice(n) for n in psf.shape)] = psf
    return np.fft.fftn(np.roll(embedded, [-(n // 2) for n in psf.shape], (0, 1, 2)))


@pytest.fixture
def image():
    return np.random.default_rng(1).poisson(100, (10, 16, 18)).astype(np.float32)


def test_depths_are_those_of_the_formula(image):
    """Richardson-Lucy with the PSF of each depth, the mean of those above and below it by their distance."""
    depths, psfs = [0.5, 2.0, 4.0], [blob(0.8), blob(1.2), blob(1.5)]
    result = gpudeconv.deconvolve(
        image,
        psfs,
        iterations=5,
        psf_at=depths,
        psf_modes=3,
        spacing=SPACING,
        psf_as_is=True,
        boundary="periodic",
        start="flat",
        backend="cpu",
    )
    places = np.arange(image.shape[0]) * SPACING[0]
    weights = [np.interp(places, depths, row)[:, None, None] for row in np.eye(3)]
    spectra = [spectrum(psf, image.shape) for psf in psfs]

    def forward(x):
        return sum(np.fft.ifftn(s * np.fft.fftn(w * x)).real for w, s in zip(weights, spectra))

    def back(r):
        return sum(w * np.fft.ifftn(s.conj() * np.fft.fftn(r)).real for w, s in zip(weights, spectra))

    estimate = np.full(image.shape, image.mean(dtype=float))
    for _ in range(5):
        estimate *= back(image / forward(estimate))
    assert np.linalg.norm(result - estimate) <= 1e-5 * np.linalg.norm(estimate)


def test_places_may_have_three_axes_and_psfs_channels(image):
    psfs = np.stack([blob(0.8), blob(1.2)])
    options = {"iterations": 3, "spacing": SPACING, "psf_as_is": True, "backend": "cpu"}
    report = {}
    both = gpudeconv.deconvolve(
        image, np.stack([psfs, psfs[::-1]]), psf_at=[(0, 0, 0), (0, 0, 1.5)], report=report, **options
    )
    assert both.shape == (2, *image.shape)
    one = gpudeconv.deconvolve(image, psfs, psf_at=[(0, 0, 0), (0, 0, 1.5)], **options)
    np.testing.assert_array_equal(both[0], one)
    assert [modes["places"] for modes in report["psfModes"]] == [[[0, 0, 0], [0, 0, 1.5]]] * 2
    assert gpudeconv.plan(image, psfs, psf_at=[0, 1], **options)["psfModes"][0]["modes"] == 2


def test_planes_may_vary_across_the_field(image):
    psfs = np.stack([blob(0.8)[2], blob(1.2)[2]])
    result = gpudeconv.deconvolve(
        image[0], psfs, iterations=3, psf_at=[(0, 0, 0), (0, 0, 1.5)], spacing=SPACING[1:], psf_as_is=True, backend="cpu"
    )
    assert result.shape == image.shape[1:]


def test_what_does_not_fit_is_refused(image):
    psfs = np.stack([blob(0.8), blob(1.2)])
    with pytest.raises(ValueError, match="psf_at= 3 places"):
        gpudeconv.deconvolve(image, psfs, psf_at=[0, 1, 2], spacing=SPACING, backend="cpu")
    with pytest.raises(ValueError, match="how large the voxels"):
        gpudeconv.deconvolve(image, psfs, psf_at=[0, 1], backend="cpu")
    with pytest.raises(ValueError, match="psf has the shape"):
        gpudeconv.deconvolve(image, psfs[0][0], psf_at=[0, 1], spacing=SPACING, backend="cpu")


def test_dask_arrays_are_refused(image):
    da = pytest.importorskip("dask.array")
    with pytest.raises(ValueError, match="not for Dask arrays"):
        gpudeconv.deconvolve(da.from_array(image), np.stack([blob(1)] * 2), psf_at=[0, 1], spacing=SPACING)
