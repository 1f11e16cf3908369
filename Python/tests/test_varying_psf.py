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


def dask_and_whole(image, chunks, psfs, places, **options):
    """What chunks give on the threads of this process, and what one call gives."""
    da = pytest.importorskip("dask.array")
    options = {"iterations": 4, "psf_at": places, "spacing": SPACING, "psf_as_is": True, "backend": "cpu"} | options
    whole = gpudeconv.deconvolve(image, psfs, **options)
    result = gpudeconv.deconvolve(da.from_array(image, chunks=chunks), psfs, depth=8, **options)
    assert result.chunks == da.from_array(image, chunks=chunks).chunks
    return result.compute(scheduler="threads"), whole


@pytest.fixture
def stack():
    """Planes with some bright points."""
    rng = np.random.default_rng(2)
    stack = np.full((24, 40, 40), 20.0)
    stack[tuple(rng.integers(0, size, 200) for size in stack.shape)] += 2000
    return rng.poisson(stack).astype(np.float32)


@pytest.mark.parametrize("chunks", [(24, 40, 40), (24, 20, 40), (8, 40, 40), (12, 20, 20)])
def test_chunks_of_dask_arrays_know_where_they_lie(stack, chunks):
    psfs = np.stack([blob(0.6), blob(1.8)])
    places = [0, 0.5 * 23]
    result, whole = dask_and_whole(stack, chunks, psfs, places)
    assert np.linalg.norm(result - whole) <= 0.02 * np.linalg.norm(whole)
    # What chunks that all begin at 0 would give is something else.
    if chunks[0] == 8:
        parts = [
            gpudeconv.deconvolve(part, psfs, iterations=4, psf_at=places, spacing=SPACING, psf_as_is=True, backend="cpu")
            for part in np.split(stack, 3)
        ]
        assert np.linalg.norm(np.concatenate(parts) - whole) > 0.1 * np.linalg.norm(whole)


def test_chunks_may_lie_along_all_axes_of_places(stack):
    places = [(z, y, 0) for z in (0, 8) for y in (0, 3.9)]
    psfs = np.stack([blob(width) for width in (0.6, 1.4, 1.0, 1.8)])
    result, whole = dask_and_whole(stack, (12, 20, 40), psfs, places)
    assert np.linalg.norm(result - whole) <= 0.02 * np.linalg.norm(whole)


def test_volumes_of_dask_arrays_have_psfs_of_several_places(stack):
    images = np.stack([stack, stack[::-1]])
    psfs = np.stack([[blob(0.6), blob(1.8)], [blob(1.8), blob(0.6)]])
    result, whole = dask_and_whole(images, (1, 24, 40, 40), psfs, [0, 11.5])
    np.testing.assert_array_equal(result, whole)


def test_places_that_dask_arrays_cannot_have_are_refused(image):
    da = pytest.importorskip("dask.array")
    lazy = da.from_array(image, chunks=(5, 16, 18))
    with pytest.raises(ValueError, match="2 places|3 places"):
        gpudeconv.deconvolve(lazy, np.stack([blob(1)] * 2), psf_at=[0, 1, 2], spacing=SPACING)
    with pytest.raises(ValueError, match="give spacing"):
        gpudeconv.deconvolve(lazy, np.stack([blob(1)] * 2), psf_at=[0, 1])


# An oil lens that looks into water.
FIGURES = {
    "microscope": "confocal",
    "na": 1.4,
    "immersion": "oil",
    "sample_index": 1.33,
    "emission": 520,
    "excitation": 488,
    "psf_shape": (11, 19, 19),
}


def test_psfs_along_the_stack_are_those_of_their_depths(image):
    report = {}
    options = {"iterations": 3, "spacing": SPACING, "backend": "cpu"}
    own = gpudeconv.deconvolve(image, None, psf_at=[0, 4.5], sample_depth=3, report=report, **FIGURES, **options)
    places = report["computedPSF"]["channels"][0]["places"]
    assert [place["z"] for place in places] == [0, 4.5] and places[0]["depth"] == 3
    # Rays at the border of the pupil come together farther away than paraxial ones, to which water looks 1.33/1.515 as deep.
    assert 0.7 * 4.5 < places[1]["depth"] - 3 < 1.33 / 1.515 * 4.5
    psfs = [gpudeconv.generate_psf(SPACING, sample_depth=place["depth"], **FIGURES) for place in places]
    given = gpudeconv.deconvolve(image, psfs, psf_at=[0, 4.5], psf_as_is=True, **options)
    np.testing.assert_array_equal(own, given)
    plan = gpudeconv.plan(image, None, psf_at="auto", **FIGURES, **options)
    assert plan["computedPSF"]["channels"][0]["places"][-1]["z"] == 4.5
    assert plan["psfModes"][0]["places"][0] == [0, 0, 0]


def test_places_are_chosen_so_that_psfs_between_them_are_means():
    figures = FIGURES | {"model": "scalar", "psf_shape": (25, 25, 25)}
    made = gpudeconv.plan(np.ones((41, 32, 32)), None, psf_at="auto", spacing=SPACING, backend="cpu", **figures)
    places = made["computedPSF"]["channels"][0]["places"]
    assert places[0]["z"] == 0 and places[-1]["z"] == 20 and 3 < len(places) <= 12
    # PSFs change most next to the cover glass.
    steps = np.diff([place["z"] for place in places])
    assert (steps[1:] >= steps[:-1]).all() and steps[-1] > steps[0]
    depths = [place["depth"] for place in places]
    for low, high in zip(depths, depths[1:]):
        ends = [gpudeconv.generate_psf(SPACING, sample_depth=depth, **figures) for depth in (low, high)]
        middle = gpudeconv.generate_psf(SPACING, sample_depth=(low + high) / 2, **figures)
        assert np.linalg.norm(middle - sum(ends) / 2) <= 0.101 * np.linalg.norm(middle)


def test_channels_have_depths_of_their_own(image):
    two = FIGURES | {"emission": [450, 680], "excitation": [405, 640]}
    report = {}
    both = gpudeconv.deconvolve(
        np.stack([image, image]), None, 2, psf_at=[0, 4.5], spacing=SPACING, backend="cpu", report=report, **two
    )
    for channel, (emission, excitation) in enumerate([(450, 405), (680, 640)]):
        one = FIGURES | {"emission": emission, "excitation": excitation}
        alone = gpudeconv.deconvolve(image, None, 2, psf_at=[0, 4.5], spacing=SPACING, backend="cpu", **one)
        np.testing.assert_array_equal(both[channel], alone)
    assert [len(channel["places"]) for channel in report["computedPSF"]["channels"]] == [2, 2]


def test_one_psf_is_enough_without_a_mismatch(image):
    figures = FIGURES | {"sample_index": None}
    options = {"iterations": 2, "spacing": SPACING, "backend": "cpu"}
    report = {}
    result = gpudeconv.deconvolve(image, None, psf_at="auto", report=report, **figures, **options)
    np.testing.assert_array_equal(result, gpudeconv.deconvolve(image, None, **figures, **options))
    assert "places" not in report["computedPSF"]["channels"][0] and not report["psfModes"]


def test_options_of_places_that_mean_nothing_are_refused(image):
    with pytest.raises(ValueError, match="same across the field"):
        gpudeconv.deconvolve(image, None, psf_at=[(0, 0, 0), (0, 0, 1)], spacing=SPACING, **FIGURES)
    with pytest.raises(ValueError, match="psf_at='auto' is for PSFs that are computed"):
        gpudeconv.deconvolve(image, blob(1), psf_at="auto", spacing=SPACING)
    with pytest.raises(ValueError, match="psf_modes is for PSFs of several places"):
        gpudeconv.deconvolve(image, None, psf_modes=2, spacing=SPACING, **FIGURES)


def test_a_deep_sample_is_better_with_the_psfs_of_its_depths():
    """Each plane blurred with the PSF of its own depth, in double precision, and deconvolved with those of three depths, or one."""
    rng = np.random.default_rng(3)
    shape, spacing = (12, 32, 32), (1.0, 0.1, 0.1)
    figures = FIGURES | {"psf_shape": (11, 25, 25), "model": "scalar"}
    options = {"spacing": spacing, "backend": "cpu", "boundary": "periodic"}
    last = spacing[0] * (shape[0] - 1)
    # Round things of some voxels.
    truth = np.zeros(shape)
    truth[tuple(rng.integers(0, size, 40) for size in shape)] = 1
    frequencies = np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij")
    blur = np.exp(-2 * np.pi**2 * sum((width * f) ** 2 for width, f in zip((0.5, 1.2, 1.2), frequencies)))
    truth = np.maximum(np.fft.ifftn(np.fft.fftn(truth) * blur).real, 0)
    truth = truth / truth.max() * 5000 + 20
    made = gpudeconv.plan(truth, None, psf_at=[0, last], **figures, **options)["computedPSF"]["channels"][0]
    depths = np.linspace(made["places"][0]["depth"], made["places"][1]["depth"], shape[0])
    blurred = np.zeros(shape)
    for plane, depth in enumerate(depths):
        psf = gpudeconv.generate_psf(spacing, sample_depth=depth, **figures)
        light = np.zeros(shape)
        light[plane] = truth[plane]
        blurred += np.fft.ifftn(np.fft.fftn(light) * spectrum(psf, shape)).real
    observed = rng.poisson(np.maximum(blurred, 0)).astype(np.float32)

    def error(**which):
        result = gpudeconv.deconvolve(observed, None, 60, **which, **figures, **options)
        return np.linalg.norm(result - truth) / np.linalg.norm(truth)

    several = error(psf_at=[0, last / 2, last])
    assert several < 0.8 * error(sample_depth=depths[len(depths) // 2])
    assert several < 0.5 * error()
