"""gufunc semantics, types and layouts of NumPy arrays."""

import sys
import warnings

import numpy as np
import pytest
from conftest import gaussian
from reference import nrmse
from reference import richardson_lucy as reference

import gpudeconv
from gpudeconv import _arrays, _native

CPU = {"backend": "cpu", "psf_as_is": True}


def close(values, truth):
    return values.shape == truth.shape and nrmse(values, truth) < 2e-6


@pytest.mark.parametrize("boundary", ["extend", "zero"])
@pytest.mark.parametrize("shape", [(5, 5, 5), (4, 6, 3)])
def test_a_volume_is_what_the_reference_gives(volume, boundary, shape):
    psf = gaussian(shape, (1.2, 0.9, 1.0))
    result = gpudeconv.richardson_lucy(volume, psf, 12, boundary=boundary, **CPU)
    assert close(result, reference(volume, psf, 12, boundary))


def test_background_and_mask_are_what_the_reference_gives(volume, psf):
    mask = np.ones(volume.shape, bool)
    mask[2, 5:8, 3] = mask[:, 19, 23] = False
    result = gpudeconv.richardson_lucy(volume, psf, 8, background=15, start="flat", mask=mask, **CPU)
    assert close(result, reference(volume, psf, 8, background=15, mask=mask))


def test_bad_voxels_may_be_nan(volume, psf):
    image = volume.astype(np.float32)
    mask = np.ones(volume.shape, bool)
    mask[4, 10, 10] = False
    image[~mask] = np.nan
    result = gpudeconv.richardson_lucy(image, psf, 3, mask=mask, **CPU)
    assert close(result, reference(volume, psf, 3, mask=mask))


def test_one_plane_of_a_flat_field_serves_all(volume, psf):
    flat = np.linspace(0.5, 1.5, 24, dtype=np.float32) * np.ones((20, 1), np.float32)
    whole = np.broadcast_to(flat, volume.shape).copy()
    one = gpudeconv.richardson_lucy(volume, psf, 3, flat_field=flat, **CPU)
    assert np.array_equal(one, gpudeconv.richardson_lucy(volume, psf, 3, flat_field=whole, **CPU))
    assert not np.array_equal(one, gpudeconv.richardson_lucy(volume, psf, 3, **CPU))


def test_what_opencl_gives_is_what_the_cpu_gives(volume, psf):
    numbers = [d.number for d in gpudeconv.devices() if d.backend == "opencl"]
    assert numbers, "PoCL makes every machine one with an OpenCL device"
    expected = reference(volume, psf, 5)
    for number in numbers:
        assert (
            nrmse(gpudeconv.richardson_lucy(volume, psf, 5, device=number, threads=2, psf_as_is=True), expected) < 5e-6
        )


def test_leading_axes_broadcast_as_in_numpy(volumes, psfs):
    result = gpudeconv.richardson_lucy(volumes, psfs, 4, **CPU)
    assert result.shape == volumes.shape and result.dtype == np.float32
    for c in range(2):
        for t in range(3):
            assert close(result[c, t], reference(volumes[c, t], psfs[c, 0], 4))


def test_singleton_axes_stay(volume, psf):
    plain = gpudeconv.richardson_lucy(volume, psf, 3, **CPU)
    for image_axes, psf_axes in [((1, 1), (1, 1)), ((1, 1), ()), ((), (1, 1)), ((1,), (1, 1, 1))]:
        result = gpudeconv.richardson_lucy(
            volume.reshape(*image_axes, *volume.shape), psf.reshape(*psf_axes, 5, 5, 5), 3, **CPU
        )
        assert result.shape == (1,) * max(len(image_axes), len(psf_axes)) + volume.shape
        assert np.array_equal(result.reshape(volume.shape), plain)


def test_one_image_goes_with_many_psfs(volume, psfs):
    result = gpudeconv.richardson_lucy(volume, psfs[:, 0], 2, **CPU)
    assert result.shape == (2, *volume.shape)
    assert np.array_equal(result[1], gpudeconv.richardson_lucy(volume, psfs[1, 0], 2, **CPU))


def test_a_psf_of_two_axes_makes_it_planes(volume):
    psf = gaussian((5, 4), (1.0, 0.8))
    result = gpudeconv.richardson_lucy(volume, psf, 4, spacing=(0.1, 0.1), psf_spacing=(0.1, 0.1), **CPU)
    assert result.shape == volume.shape
    assert close(result[3], reference(volume[3:4], psf[None], 4)[0])
    assert np.array_equal(gpudeconv.richardson_lucy(volume[3], psf, 4, **CPU), result[3])


@pytest.mark.parametrize(
    "dtype",
    ["?", "u1", "i1", "<u2", ">u2", "i2", ">i4", "u4", "i8", ">u8", "f2", ">f4", "f8", ">f8", "g"],
)
def test_every_real_type_is_read(volume, psf, dtype):
    counts = volume > 60 if dtype == "?" else np.minimum(volume, 127)
    result = gpudeconv.richardson_lucy(counts.astype(dtype), psf, 2, **CPU)
    assert result.dtype == np.float32 and result.dtype.isnative
    assert close(result, reference(counts, psf, 2))


def layouts(array):
    yield "read-only", np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
    yield "Fortran", np.asfortranarray(array)
    yield "transposed", np.ascontiguousarray(array.transpose(2, 0, 1)).transpose(1, 2, 0)
    yield "reversed", np.ascontiguousarray(array[::-1, :, ::-1])[::-1, :, ::-1]
    yield "every other", np.repeat(np.repeat(array, 2, axis=2), 3, axis=0)[::3, :, ::2]
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    unaligned = buffer[1:].view(array.dtype).reshape(array.shape)
    unaligned[...] = array
    yield "unaligned", unaligned
    yield "subclass", array.view(type("Counts", (np.ndarray,), {}))


def test_every_layout_is_read(volume, psf):
    expected = gpudeconv.richardson_lucy(volume, psf, 2, **CPU)
    for name, image in layouts(volume):
        assert np.array_equal(gpudeconv.richardson_lucy(image, psf, 2, **CPU), expected), name
    for name, other in layouts(psf):
        assert np.array_equal(gpudeconv.richardson_lucy(volume, other, 2, **CPU), expected), name


def test_images_that_repeat_are_not_repeated_in_memory(volume, psf):
    many = np.broadcast_to(volume, (3, *volume.shape))
    expected = gpudeconv.richardson_lucy(volume, psf, 2, **CPU)
    assert all(np.array_equal(one, expected) for one in gpudeconv.richardson_lucy(many, psf, 2, **CPU))


def test_lists_are_arrays():
    assert gpudeconv.richardson_lucy([[[1, 2, 3]]], [[[1]]], 1, **CPU).tolist() == [[[1, 2, 3]]]


def test_nothing_is_copied_that_the_library_can_read(volume):
    for name, image in layouts(volume):
        if name != "unaligned":
            assert np.shares_memory(_arrays.readable(image, "image"), image), name
    for dtype in _native.KNOWN_TYPES:
        image = np.zeros((2, 3, 4), dtype)
        assert _arrays.readable(image, "image") is image
    good = np.ones((2, 3, 4), bool)
    assert np.shares_memory(_arrays.readable(good, "mask"), good)
    assert np.shares_memory(_arrays.spread(good[0, 0], (5, 3, 4), "mask"), good)


@pytest.mark.parametrize("image_shape", [(0, 0, 0, 0, 0), (0, 4, 5, 6), (2, 0, 5, 6), (0, 0), (3, 0, 0, 0)])
def test_empty_arrays_return_at_once(image_shape, monkeypatch):
    monkeypatch.setattr(_native, "library", lambda: pytest.fail("the library was loaded"))
    core = min(3, len(image_shape))
    result = gpudeconv.richardson_lucy(np.empty(image_shape, "u2"), np.empty((0,) * core))
    assert result.shape == image_shape and result.dtype == np.float32


def test_a_psf_without_voxels_is_refused(volume):
    with pytest.raises(ValueError):
        gpudeconv.richardson_lucy(volume, np.empty((3, 0, 3)), **CPU)


def test_out_takes_the_result_in_any_layout(volumes, psfs):
    expected = gpudeconv.richardson_lucy(volumes, psfs, 2, **CPU)
    shape = volumes.shape
    for out in (
        np.full(shape, np.nan, np.float32),
        np.full(shape[::-1], np.nan, np.float32).T,
        np.full((*shape[:-1], 2 * shape[-1]), np.nan, np.float32)[..., ::-2],
    ):
        assert gpudeconv.richardson_lucy(volumes, psfs, 2, out=out, **CPU) is out
        assert np.array_equal(out, expected)


def test_out_may_be_the_image(volumes, psfs):
    image = volumes.astype(np.float32)
    expected = gpudeconv.richardson_lucy(image, psfs, 2, **CPU)
    assert np.array_equal(gpudeconv.richardson_lucy(image, psfs, 2, out=image, **CPU), expected)


def test_an_out_that_does_not_fit_is_refused(volume, psf):
    read_only = np.zeros(volume.shape, np.float32)
    read_only.flags.writeable = False
    for out in (
        np.zeros(volume.shape, np.float64),
        np.zeros(volume.shape, ">f4"),
        np.zeros((1, *volume.shape), np.float32),
        read_only,
        [0.0],
    ):
        with pytest.raises(ValueError, match="out"):
            gpudeconv.richardson_lucy(volume, psf, out=out, **CPU)


@pytest.mark.parametrize(
    ("image_shape", "psf_shape", "message"),
    [
        ((4, 5), (3, 3, 3), "2D image"),
        ((4,), (3, 3), "axes"),
        ((4, 5), (3,), "axes"),
        ((2, 4, 5, 6), (3, 3, 3, 3), "broadcast"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(image_shape, psf_shape, message):
    with pytest.raises(ValueError, match=message):
        gpudeconv.richardson_lucy(np.ones(image_shape), np.ones(psf_shape), **CPU)


def test_maps_that_do_not_fit_are_refused(volume, psf):
    for name in ("mask", "flat_field"):
        with pytest.raises(ValueError, match=name):
            gpudeconv.richardson_lucy(volume, psf, **{name: np.ones((20, 23))}, **CPU)


@pytest.mark.parametrize("image", [np.ones((2, 3, 4), complex), np.full((2, 3, 4), "a"), np.full((2, 3, 4), None)])
def test_what_is_no_real_number_is_refused(image):
    with pytest.raises(TypeError, match="image"):
        gpudeconv.richardson_lucy(image, np.ones((1, 1, 1)), **CPU)


def test_a_masked_array_is_refused_before_its_mask_is_lost(volume, psf):
    with pytest.raises(TypeError, match="mask"):
        gpudeconv.richardson_lucy(np.ma.masked_equal(volume, 3), psf, **CPU)


def test_nan_infinity_and_what_leaves_single_precision_are_refused(volume, psf):
    for bad in (np.nan, np.inf, 1e30):
        image = volume.astype(np.float32)
        image[3, 2, 1] = bad
        with pytest.raises(ValueError):
            gpudeconv.richardson_lucy(image, psf, **CPU)


def test_numbers_that_float32_cannot_hold_are_refused(volume, psf):
    with pytest.raises(ValueError), warnings.catch_warnings():
        warnings.simplefilter("error")
        gpudeconv.richardson_lucy(volume * 1e300, psf, **CPU)


def test_symmetric_psfs_move_nothing():
    image = np.zeros((9, 16, 16))
    image[4, 7, 8] = 1000
    result = gpudeconv.richardson_lucy(image, gaussian((5, 6, 7), (1, 1, 1)), 5, backend="cpu")
    assert np.unravel_index(result.argmax(), result.shape) == (4, 7, 8)
    assert result.sum() == pytest.approx(1000, rel=1e-3)


def test_is_dask_does_not_import_dask():
    assert not _arrays.is_dask(np.ones(3))
    assert "dask.array" not in sys.modules or _arrays.is_dask(sys.modules["dask.array"].ones(3))


@pytest.mark.filterwarnings("ignore::gpudeconv.DeconvolutionWarning")
def test_hot_pixels_are_found_in_arrays():
    rng = np.random.default_rng(2)
    image = rng.poisson(30.0, (16, 32, 32)).astype("u2")
    image[:, 9, 12] += 3000
    psf = np.zeros((3, 5, 5))
    psf[1, 1:4, 1:4] = 1
    mask = np.ones(image.shape, bool)
    mask[:, 9, 12] = False
    report = {}
    found = gpudeconv.deconvolve(image, psf, 4, mask="auto", report=report, **CPU)
    np.testing.assert_array_equal(found, gpudeconv.deconvolve(image, psf, 4, mask=mask, **CPU))
    assert report["survey"][0]["hotPixels"] == 1
    planned = [gpudeconv.plan(image, psf, 4, mask=value, **CPU)["deviceBytes"] for value in ("auto", mask, None)]
    assert planned[0] == planned[1] > planned[2]
    with pytest.raises(ValueError, match="give an array, or 'auto'"):
        gpudeconv.deconvolve(image, psf, 4, mask="bad.tif", **CPU)
