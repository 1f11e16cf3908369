"""Dask arrays, on the threads of this process."""

import dask
import dask.array as da
import numpy as np
import pytest
from conftest import blobs, gaussian
from reference import nrmse

import gpudeconv
from gpudeconv import _native

CPU = {"backend": "cpu"}
ONE_EACH = (1, 1, -1, -1, -1)


@pytest.fixture(scope="module")
def expected(volumes, psfs):
    return gpudeconv.richardson_lucy(volumes, psfs, 4, **CPU)


def test_the_line_of_the_article(volumes, psfs, expected):
    imgs = da.from_array(volumes, chunks=ONE_EACH)
    psf = da.from_array(psfs, chunks=ONE_EACH)
    out = da.map_blocks(gpudeconv.richardson_lucy, imgs, psf, iterations=4, backend="cpu", dtype="f4")
    assert out.chunks == imgs.chunks
    assert out.dtype == np.float32 and isinstance(out._meta, np.ndarray)
    assert np.array_equal(out.compute(), expected)


def test_one_psf_in_memory_serves_all_blocks(volumes, psf):
    imgs = da.from_array(volumes, chunks=ONE_EACH)
    out = da.map_blocks(gpudeconv.richardson_lucy, imgs, psf, iterations=2, backend="cpu", dtype="f4")
    assert np.array_equal(out.compute(), gpudeconv.richardson_lucy(volumes, psf, 2, **CPU))


@pytest.mark.parametrize("image_chunks", [ONE_EACH, (2, 1, -1, -1, -1), (1, 2, -1, -1, -1), -1])
@pytest.mark.parametrize("psf_chunks", [None, -1, ONE_EACH, (1, 1, 2, 3, 4)])
def test_volumes_of_one_chunk_are_exact(volumes, psfs, expected, image_chunks, psf_chunks):
    imgs = da.from_array(volumes, chunks=image_chunks)
    psf = psfs if psf_chunks is None else da.from_array(psfs, chunks=psf_chunks)
    out = gpudeconv.richardson_lucy(imgs, psf, 4, **CPU)
    assert isinstance(out, da.Array)
    assert out.shape == volumes.shape and out.dtype == np.float32
    assert out._meta.dtype == np.float32 and out._meta.ndim == 5
    assert out.chunks[1:] == imgs.chunks[1:]
    assert np.array_equal(out.compute(), expected)


def test_nothing_is_computed_before_it_is_asked_for(volumes, psfs, monkeypatch):
    monkeypatch.setattr(_native, "run", lambda *arguments, **keywords: pytest.fail("something was computed"))
    imgs = da.from_array(volumes, chunks=ONE_EACH)
    assert gpudeconv.richardson_lucy(imgs, psfs, 4).shape == volumes.shape

    def no_library():
        raise ImportError("not on this machine")

    monkeypatch.setattr(_native, "library", no_library)
    assert gpudeconv.richardson_lucy(imgs, psfs, 4).shape == volumes.shape
    assert da.map_blocks(gpudeconv.richardson_lucy, imgs, da.asarray(psfs), dtype="f4").shape == volumes.shape


def test_an_image_in_memory_goes_with_psfs_of_dask(volumes, psfs, expected):
    out = gpudeconv.richardson_lucy(volumes, da.from_array(psfs), 4, **CPU)
    assert isinstance(out, da.Array) and np.array_equal(out.compute(), expected)


def test_planes(volumes):
    psf = gaussian((5, 4), (1, 1))
    imgs = da.from_array(volumes, chunks=(1, 2, 3, -1, -1))
    out = gpudeconv.richardson_lucy(imgs, psf, 3, **CPU)
    assert out.chunks == imgs.chunks
    assert np.array_equal(out.compute(), gpudeconv.richardson_lucy(volumes, psf, 3, **CPU))


def test_one_image_with_many_psfs(volume, psfs):
    out = gpudeconv.richardson_lucy(da.from_array(volume), psfs[:, 0], 2, **CPU)
    assert np.array_equal(out.compute(), gpudeconv.richardson_lucy(volume, psfs[:, 0], 2, **CPU))


def test_masks_and_flat_fields_follow_the_volumes(volumes, psfs):
    rng = np.random.default_rng(3)
    mask = rng.random(volumes.shape[2:]) > 0.02
    flat = rng.uniform(0.8, 1.2, volumes.shape[-2:]).astype(np.float32)
    expected = gpudeconv.richardson_lucy(volumes, psfs, 2, mask=mask, flat_field=flat, **CPU)
    imgs = da.from_array(volumes, chunks=ONE_EACH)
    for kind in (np.asarray, da.from_array):
        out = gpudeconv.richardson_lucy(imgs, psfs, 2, mask=kind(mask), flat_field=kind(flat), **CPU)
        assert np.array_equal(out.compute(), expected)


def test_out_and_progress_are_not_for_dask(volume, psf):
    image = da.from_array(volume)
    for name, value in (("out", np.zeros(volume.shape, "f4")), ("progress", True), ("report", {})):
        with pytest.raises(ValueError, match=name):
            gpudeconv.richardson_lucy(image, psf, **{name: value})


def test_shapes_that_do_not_fit_are_refused_at_once(volumes, psfs):
    imgs = da.from_array(volumes, chunks=ONE_EACH)
    with pytest.raises(ValueError, match="broadcast"):
        gpudeconv.richardson_lucy(imgs, np.ones((3, 1, 3, 3, 3)))
    with pytest.raises(ValueError, match="mask"):
        gpudeconv.richardson_lucy(imgs, psfs, mask=np.ones((5, 5)))


def test_errors_come_out_of_compute(volumes, psfs):
    imgs = da.from_array(np.where(volumes == volumes.max(), np.nan, volumes), chunks=ONE_EACH)
    with pytest.raises(ValueError):
        gpudeconv.richardson_lucy(imgs, psfs, 1, **CPU).compute()


def test_graphs_of_one_job_have_one_name(volumes, psfs):
    imgs = da.from_array(volumes, chunks=ONE_EACH)
    assert gpudeconv.richardson_lucy(imgs, psfs).name == gpudeconv.richardson_lucy(imgs, psfs).name
    assert gpudeconv.richardson_lucy(imgs, psfs).name != gpudeconv.richardson_lucy(imgs, psfs, 11).name


@pytest.fixture(scope="module")
def scene():
    return blobs((24, 48, 56), seed=7, count=60)


# Beyond the halo's rim `extend` estimates what is there, and the others take it for that of the image.
@pytest.mark.parametrize(("boundary", "bound"), [("extend", 1e-5), ("zero", 1e-4)])
def test_chunks_within_volumes_join_without_seams(scene, psf, boundary, bound):
    whole = gpudeconv.richardson_lucy(scene, psf, 10, boundary=boundary, psf_as_is=True, **CPU)
    image = da.from_array(scene, chunks=(12, 24, 28))
    out = gpudeconv.richardson_lucy(image, psf, 10, boundary=boundary, psf_as_is=True, **CPU)
    assert out.chunks == image.chunks and out.dtype == np.float32
    assert nrmse(out.compute(), whole) < bound


@pytest.mark.parametrize("boundary", ["edge", "reflect"])
def test_chunks_join_without_seams_where_the_borders_depend_on_the_transform(scene, psf, boundary):
    # How far the image is enlarged depends on its size, so that borders are not those of the whole.
    inside = (slice(10, -10),) * 3
    scene = np.pad(scene, 8, mode="symmetric")
    whole = gpudeconv.richardson_lucy(scene, psf, 5, boundary=boundary, **CPU)
    image = da.from_array(scene, chunks=(20, 32, 36))
    out = gpudeconv.richardson_lucy(image, psf, 5, boundary=boundary, **CPU)
    assert nrmse(out.compute()[inside], whole[inside]) < 1e-3


def test_a_background_in_chunked_volumes_warns_of_seams(scene, psf):
    image = da.from_array(scene, chunks=(12, 24, 28))
    with pytest.warns(gpudeconv.DeconvolutionWarning, match="rechunk"):
        gpudeconv.richardson_lucy(image, psf, background=15)


def test_a_background_is_not_found_chunk_by_chunk(scene, psf):
    image = da.from_array(scene, chunks=(12, 24, 28))
    with pytest.raises(ValueError, match="rechunk.*give the number"):
        gpudeconv.richardson_lucy(image, psf, background="auto")
    with pytest.raises(ValueError, match="one value a channel"):
        gpudeconv.richardson_lucy(image, psf, background=[15, 16])
    report = {}
    gpudeconv.richardson_lucy(scene, psf, 1, background="auto", **CPU, report=report)
    whole = da.from_array(scene, chunks=scene.shape)
    found = gpudeconv.richardson_lucy(whole, psf, 1, background="auto", **CPU).compute()
    given = gpudeconv.richardson_lucy(scene, psf, 1, background=report["background"], **CPU)
    np.testing.assert_array_equal(found, given)


def test_periodic_volumes_are_not_cut(scene, psf):
    image = da.from_array(scene, chunks=(12, 24, 28))
    with pytest.raises(ValueError, match="rechunk"):
        gpudeconv.richardson_lucy(image, psf, boundary="periodic")
    whole = gpudeconv.richardson_lucy(image.rechunk(-1), psf, 2, boundary="periodic", **CPU)
    assert np.array_equal(whole.compute(), gpudeconv.richardson_lucy(scene, psf, 2, boundary="periodic", **CPU))


def test_a_wiener_filter_of_chunked_volumes_warns_of_seams(scene, psf):
    with pytest.warns(gpudeconv.DeconvolutionWarning, match="Wiener filter reaches across the whole"):
        gpudeconv.deconvolve(da.from_array(scene, chunks=(24, 30, 30)), psf, method="wiener", backend="cpu")


def test_a_larger_depth_makes_better_seams(scene, psf):
    whole = gpudeconv.richardson_lucy(scene, psf, 10, **CPU)
    image = da.from_array(scene, chunks=(-1, 24, 28))
    errors = [
        nrmse(gpudeconv.richardson_lucy(image, psf, 10, depth=d, **CPU).compute(), whole) for d in (0, 3, (0, 12, 12))
    ]
    assert errors[0] > 5 * errors[1] > 25 * errors[2]


def test_a_depth_that_fits_no_axes_is_refused(scene, psf):
    image = da.from_array(scene, chunks=(12, 24, 28))
    for depth in ((1, 2), -1, 2.5, (1, 2, 3.5)):
        with pytest.raises(ValueError, match="depth"):
            gpudeconv.richardson_lucy(image, psf, depth=depth)


def test_many_chunked_volumes_with_psfs_of_dask_and_a_mask(psfs):
    scenes = np.stack([[blobs((6, 30, 32), seed=s + 9 * c) for s in range(2)] for c in range(2)])
    mask = np.ones((30, 32), bool)
    mask[11, 15:18] = False
    expected = gpudeconv.richardson_lucy(scenes, psfs, 4, mask=mask, **CPU)
    imgs = da.from_array(scenes, chunks=(1, 1, 6, 15, 16))
    out = gpudeconv.richardson_lucy(imgs, da.from_array(psfs), 4, mask=mask, **CPU)
    assert out.chunks == imgs.chunks
    assert nrmse(out.compute(), expected) < 1e-4


def test_chunks_thinner_than_the_halo_are_joined(scene, psf):
    whole = gpudeconv.richardson_lucy(scene, psf, 3, **CPU)
    out = gpudeconv.richardson_lucy(da.from_array(scene, chunks=(2, 48, 56)), psf, 3, **CPU)
    assert out.shape == scene.shape
    assert nrmse(out.compute(), whole) < 1e-4


def test_schedulers_agree(volumes, psfs, expected):
    out = gpudeconv.richardson_lucy(da.from_array(volumes, chunks=ONE_EACH), psfs, 4, **CPU)
    for scheduler in ("synchronous", "threads"):
        with dask.config.set(scheduler=scheduler):
            assert np.array_equal(out.compute(), expected)


def test_chunks_of_unknown_size_are_refused_by_name(psf):
    volumes = da.ones((2, 6, 8, 8), chunks=(1, -1, -1, -1))
    some = volumes[da.from_array(np.array([True, False]))]
    with pytest.raises(ValueError, match=r"image has chunks of unknown size: call its compute_chunk_sizes\(\) first"):
        gpudeconv.richardson_lucy(some, psf, 1)


def test_options_are_checked_before_anything_is_computed(scene, psf):
    image = da.from_array(scene, chunks=scene.shape)
    for name, value in {"iterations": 0, "boundary": "mirror", "background": -1, "spacing": 0.3}.items():
        with pytest.raises(ValueError, match=name):
            gpudeconv.richardson_lucy(image, psf, **{name: value})


def test_chunks_that_find_their_own_background_are_warned_of(psf):
    images = da.ones((3, 4, 8, 8), chunks=(1, 4, 8, 8))
    with pytest.warns(gpudeconv.DeconvolutionWarning, match="found by each chunk for itself"):
        gpudeconv.deconvolve(images, psf, background="auto")


def test_a_mask_that_is_found_is_refused():
    image = da.zeros((8, 16, 16), chunks=(4, 16, 16))
    with pytest.raises(ValueError, match="mask='auto' looks at whole stacks"):
        gpudeconv.deconvolve(image, np.ones((3, 3, 3)), mask="auto")


def test_all_chunks_take_what_the_middle_of_the_first_volume_says(volumes, psf):
    image = np.random.default_rng(1).poisson(volumes[:2, :2]).astype(np.uint16)
    found = {}
    gpudeconv.deconvolve(image[0, 0], psf, report=found, **CPU)
    whole = gpudeconv.deconvolve(da.from_array(image, chunks=ONE_EACH), psf, **CPU)
    assert found["method"] == "auto" and found["tuning"][0]["iterations"] > 1
    for index in np.ndindex(2, 2):
        expected = gpudeconv.deconvolve(image[index], psf, tuning=found["tuning"], **CPU)
        assert np.array_equal(whole[index].compute(), expected)


def test_psfs_are_each_asked_of(volumes, psfs):
    image = np.random.default_rng(2).poisson(volumes).astype(np.uint16)
    chunks = da.from_array(image, chunks=ONE_EACH)
    result = gpudeconv.deconvolve(chunks, da.from_array(psfs, chunks=ONE_EACH), method="fast", **CPU).compute()
    for channel in range(len(psfs)):
        found = {}
        gpudeconv.deconvolve(image[channel, 0], psfs[channel, 0], method="fast", report=found, **CPU)
        for time in range(image.shape[1]):
            one = image[channel, time], psfs[channel, 0]
            expected = gpudeconv.deconvolve(*one, method="fast", tuning=found["tuning"], **CPU)
            assert np.array_equal(result[channel, time], expected)


def test_chunks_within_volumes_are_asked_once(scene, psf):
    image = np.random.default_rng(3).poisson(scene).astype(np.uint16)
    found = {}
    whole = gpudeconv.deconvolve(image, psf, method="fast", report=found, **CPU)
    cut = da.from_array(image, chunks=tuple(-(-n // 2) for n in image.shape))
    result = gpudeconv.deconvolve(cut, psf, method="fast", **CPU).compute()
    # Each chunk keeps its own light, of that of its neighbors' voxels too.
    assert nrmse(result, whole) < 0.02
