"""Keywords, errors, warnings and reports."""

import errno
import os
import pathlib
import warnings

import numpy as np
import pytest
from conftest import gaussian

import gpudeconv
from gpudeconv import _native

CPU = {"backend": "cpu"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (np.int64(3), "3"),
        (0.1, "0.1"),
        (np.float32(0.5), "0.5"),
        (True, "true"),
        (np.False_, "false"),
        ("8GB", "8GB"),
        (pathlib.Path("a/b"), "a/b"),
        ((0.25, 0.1, 1), "0.25,0.1,1"),
        (np.array([1, 2, 3]), "1,2,3"),
        (np.array(2.5), "2.5"),
    ],
)
def test_values_are_written_as_the_command_has_them(value, text):
    assert _native.option_text("name", value) == text


def test_values_without_a_notation_are_refused():
    with pytest.raises(TypeError, match="tile cannot be"):
        _native.option_text("tile", object())


KEYWORDS = {
    "boundary": "reflect",
    "background": 3.5,
    "read_noise": 2,
    "saturation": 4000,
    "start": "flat",
    "spacing": (0.3, 0.1, 0.1),
    "psf_spacing": [0.3, 0.1, 0.1],
    "psf_background": 0.0,
    "backend": "cpu",
    "device": 0,
    "fft": "auto",
    "threads": 1,
    "memory_limit": "1GB",
    "tile": (10, 20, 24),
    "progress": lambda progress: None,
}


def test_all_keywords_are_understood(volume, psf):
    report = {}
    result = gpudeconv.richardson_lucy(volume, psf, 3, **KEYWORDS, report=report)
    assert np.isfinite(result).all()
    assert report["iterations"] == 3
    assert report["boundary"] == "reflect"
    assert report["background"] == 3.5
    assert report["spacing"] == [0.3, 0.1, 0.1]
    assert report["backend"] == "cpu"


def test_a_memory_limit_is_a_number_of_bytes(volume, psf):
    report = {}
    gpudeconv.richardson_lucy(volume, psf, 1, memory_limit=10**9, **CPU, report=report)
    with pytest.raises(ValueError, match="memory"):
        gpudeconv.richardson_lucy(volume, psf, 1, memory_limit=1000, **CPU)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 0}, "iterations"),
        ({"iterations": -3}, "iterations"),
        ({"iterations": 2.5}, "iterations"),
        ({"boundary": "mirror"}, "boundary"),
        ({"background": float("nan")}, "background"),
        ({"read_noise": -1}, "read_noise"),
        ({"start": "cold"}, "start"),
        ({"spacing": (1, 0, 1)}, "spacing"),
        ({"spacing": (1, 1)}, "spacing"),
        ({"threads": 0}, "threads"),
        ({"memory_limit": "much"}, "memory_limit"),
        ({"tile": (1, 2)}, "tile"),
        ({"backend": "gpu"}, "backend"),
        ({"fft": "fftw"}, "fft"),
    ],
)
def test_values_out_of_range_are_value_errors_that_name_the_keyword(volume, psf, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        gpudeconv.richardson_lucy(volume, psf, **{"backend": "cpu", **options})
    assert "--" not in str(caught.value) and "\n" not in str(caught.value)


def test_errors_and_warnings_name_keywords(volume, psf):
    with pytest.raises(ValueError, match=r"^background=-1: "):
        gpudeconv.richardson_lucy(volume, psf, background=-1, **CPU)
    with pytest.raises(ValueError, match=r"^the image: background=60000 is not below"):
        gpudeconv.richardson_lucy(volume, psf, background=60000, **CPU)
    with pytest.warns(gpudeconv.DeconvolutionWarning, match="give that as background="):
        gpudeconv.richardson_lucy(volume + np.uint16(1000), psf, 1, psf_as_is=True, **CPU)


def offset_images(offsets, seed=1):
    """Images of a few blobs over an offset each, with the noise of photons and a camera."""
    random = np.random.default_rng(seed)
    z, y, x = np.ogrid[:10, :40, :48]
    centers = (3, 9, 11), (6, 28, 30), (5, 20, 8)
    blobs = sum(1000 * np.exp(-((z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2) / 8.0) for a, b, c in centers)
    noise = random.normal(0, 1.6, (len(offsets), *blobs.shape))
    counts = random.poisson(np.broadcast_to(blobs, noise.shape)) + noise + np.reshape(offsets, (-1, 1, 1, 1))
    return np.rint(counts).astype(np.uint16)


def test_a_background_is_found_for_each_psf(psf):
    images = offset_images([100, 40])
    psfs = np.stack([psf, psf])
    report = {}
    found = gpudeconv.deconvolve(images, psfs, 3, background="auto", **CPU, report=report)
    assert np.allclose(report["background"], [100, 40], atol=1)
    given = gpudeconv.deconvolve(images, psfs, 3, background=report["background"], **CPU)
    np.testing.assert_array_equal(found, given)
    with pytest.raises(ValueError, match=r"^background=1,2,3: 3 values, but the image has 2 channels"):
        gpudeconv.deconvolve(images, psfs, 3, background=[1, 2, 3], **CPU)


def test_one_background_is_found_for_all_volumes_of_a_psf(psf):
    images = offset_images([100, 100, 100])
    report = {}
    gpudeconv.deconvolve(images, psf, 2, background="auto", **CPU, report=report)
    assert abs(report["background"] - 100) < 1
    assert abs(report["survey"][0]["darkNoise"] - 1.6) < 0.3


def test_a_saturated_image_is_named_and_mended(psf):
    image = np.minimum(offset_images([100])[0], 600)
    with pytest.warns(gpudeconv.DeconvolutionWarning, match="saturation='?auto"):
        gpudeconv.deconvolve(image, psf, 2, background=100, **CPU)
    found = gpudeconv.deconvolve(image, psf, 2, background=100, saturation="auto", **CPU)
    given = gpudeconv.deconvolve(image, psf, 2, background=100, saturation=600, **CPU)
    np.testing.assert_array_equal(found, given)


def test_a_device_that_is_not_there_is_a_device_error(volume, psf):
    with pytest.raises(gpudeconv.DeviceError, match="warp drive"):
        gpudeconv.richardson_lucy(volume, psf, device="warp drive")
    assert issubclass(gpudeconv.DeviceError, RuntimeError)


def test_an_unknown_keyword_is_a_type_error(volume, psf):
    with pytest.raises(TypeError):
        gpudeconv.richardson_lucy(volume, psf, blur=3)


class FailedLibrary:
    """Says what the last call of a library that failed left behind."""

    @staticmethod
    def gpudeconv_last_error():
        return b"flat-field: see 'gpudeconv --report'"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (1, ValueError),
        (2, ValueError),
        (3, FileNotFoundError),
        (4, gpudeconv.DeviceError),
        (5, gpudeconv.DeviceError),
        (6, MemoryError),
        (7, OSError),
        (8, OSError),
        (9, KeyboardInterrupt),
        (10, RuntimeError),
        (11, FileExistsError),
        (12, OSError),
        (99, RuntimeError),
    ],
)
def test_every_status_has_its_exception(monkeypatch, status, expected):
    monkeypatch.setattr(_native, "library", FailedLibrary)
    with pytest.raises(expected) as caught:
        _native.check(status)
    assert caught.type is expected
    assert str(caught.value).endswith("flat-field: see 'gpudeconv --report'")
    assert status != 12 or caught.value.errno == errno.ENOSPC


def test_warnings_point_at_the_line_that_called(volume, psf):
    with pytest.warns(gpudeconv.DeconvolutionWarning, match="saturation") as caught:
        gpudeconv.richardson_lucy(volume, psf, 1, saturation=int(volume.max()), **CPU)
    assert caught[0].filename == __file__


def test_calls_that_have_the_same_to_say_are_heard_once(volume, psf):
    reports = [{} for _ in range(10)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for offset, report in enumerate(reports):
            gpudeconv.richardson_lucy(volume + np.uint16(100 + offset), psf, 1, psf_as_is=True, report=report, **CPU)
    assert [w.message.kind for w in caught] == ["cameraOffset"]
    assert str(caught[0].message).startswith("the image: no voxel is dark")
    assert caught[0].message.figures == reports[0]["diagnostics"][0]["figures"]
    # What differs is in the reports.
    assert len({report["warnings"][0] for report in reports}) == 10
    assert {report["diagnostics"][0]["message"] for report in reports} == {reports[0]["diagnostics"][0]["message"]}


def test_a_library_that_is_missing_is_named(tmp_path):
    with pytest.raises(ImportError, match="nowhere.so"):
        _native._load(str(tmp_path / "nowhere.so"))


def test_a_library_of_another_version_is_refused(monkeypatch):
    monkeypatch.setattr(_native, "ABI_VERSION", 999)
    with pytest.raises(ImportError, match="999"):
        _native._load(_native.library()._name)


def test_devices_begin_with_the_cores_of_this_machine():
    devices = gpudeconv.devices()
    assert devices[0].backend == "cpu"
    assert devices[0].memory_bytes > 0
    assert devices[0].compute_units == len(os.sched_getaffinity(0)) or devices[0].compute_units == os.cpu_count()
    assert [d.number for d in devices] == list(range(len(devices)))


def test_plan_says_what_would_be_done(volumes, psfs):
    plan = gpudeconv.plan(volumes, psfs, 7, backend="cpu")
    assert isinstance(plan, dict) and plan
    assert gpudeconv.plan(volumes[0, 0, 0], psfs[0, 0, 0], backend="cpu")


def test_plan_does_not_look_at_the_voxels(psf):
    class Huge:
        shape = (3, 199, 201, 1024, 768)
        dtype = np.dtype(np.uint16)

    assert gpudeconv.plan(Huge(), psf, backend="cpu")


def test_prepare_psf_centers_and_normalizes():
    measured = 7 + 100 * gaussian((13, 17, 17), (1.2, 1, 1))[:, 2:, :-3]
    prepared = gpudeconv.prepare_psf(measured)
    assert prepared.dtype == np.float32 and prepared.ndim == 3
    assert prepared.sum() == pytest.approx(1, rel=1e-5)
    assert np.unravel_index(prepared.argmax(), prepared.shape) == tuple(n // 2 for n in prepared.shape)


def test_prepare_psf_resamples_to_the_voxels_of_the_image(psf):
    report = {}
    prepared = gpudeconv.prepare_psf(psf, spacing=(0.1, 0.1, 0.1), psf_spacing=(0.2, 0.1, 0.1), report=report)
    assert prepared.shape[0] > psf.shape[0]
    assert report


def test_prepare_psf_averages_what_should_be_symmetric():
    skewed = gaussian((5, 15, 15), (1.2, 1.2, 2.4))
    skewed[:, :, 8:] *= 1.5
    report = {}
    round_psf = gpudeconv.prepare_psf(skewed, radial_average=True, report=report)
    np.testing.assert_allclose(round_psf, round_psf.transpose(0, 2, 1), atol=1e-7)
    assert report["symmetry"] == "radial" and report["symmetryChange"] > 0.1
    mirrored = gpudeconv.prepare_psf(skewed, symmetrize=True)
    np.testing.assert_allclose(mirrored, mirrored[:, ::-1, ::-1], atol=1e-7)
    z, y, x = (n // 2 for n in mirrored.shape)
    assert mirrored[z, y, x + 2] > 1.5 * mirrored[z, y + 2, x]
    with pytest.raises(ValueError, match="radial_average=True changes the PSF, which psf_as_is=True leaves"):
        gpudeconv.prepare_psf(skewed, radial_average=True, psf_as_is=True)


def test_prepare_psf_as_is_only_normalizes(psf):
    prepared = gpudeconv.prepare_psf(psf, psf_as_is=True)
    assert np.allclose(prepared, psf / psf.sum(), rtol=1e-6)
    plane = gpudeconv.prepare_psf(psf[2], psf_as_is=True)
    assert np.allclose(plane, psf[2] / psf[2].sum(), rtol=1e-6)


def test_prepare_psf_takes_one_psf(psfs):
    with pytest.raises(ValueError, match="axes"):
        gpudeconv.prepare_psf(psfs)


@pytest.mark.parametrize("name", ["spacing", "psf_spacing", "tile"])
def test_sizes_that_are_not_one_for_each_axis_are_refused(name, volume, psf):
    for value in (0.3, (1, 2), (1, 2, 3, 4), [[1, 2, 3]]):
        with pytest.raises(ValueError, match=rf"^{name} is .*: give it 3 numbers \(z, y, x\)$"):
            gpudeconv.richardson_lucy(volume, psf, **{name: value}, **CPU)
    with pytest.raises(ValueError, match=rf"^{name} is 0\.3: give it 2 numbers \(y, x\)$"):
        gpudeconv.richardson_lucy(volume[0], psf[0], **{name: 0.3}, **CPU)


def test_what_is_no_progress_and_no_report_is_refused(volume, psf):
    for value in (1, 0, "yes"):
        with pytest.raises(TypeError, match="^progress is .*: give True, or what is to be called$"):
            gpudeconv.richardson_lucy(volume, psf, progress=value, **CPU)
    with pytest.raises(TypeError, match="^report must be a dict"):
        gpudeconv.richardson_lucy(volume, psf, report=[], **CPU)


def test_a_plan_knows_maps(volume, psf):
    def memory(**maps):
        return gpudeconv.plan(volume, psf, **maps, **CPU)["deviceBytes"]

    assert memory(mask=np.ones(volume.shape, bool)) == memory(flat_field=np.ones(volume.shape[-1:], np.float32))
    assert memory(mask=np.ones(volume.shape, bool)) > memory()
    with pytest.raises(ValueError, match="mask has the shape"):
        memory(mask=np.ones((3, 4), bool))


def test_a_result_whose_elements_share_memory_is_refused(volume, psf):
    one = np.zeros(volume.shape[1:], np.float32)
    out = np.lib.stride_tricks.as_strided(one, volume.shape, (0, *one.strides))
    with pytest.raises(ValueError, match="the result has a stride of 0"):
        gpudeconv.richardson_lucy(volume, psf, out=out, **CPU)


def test_only_what_somebody_gave_counts_as_given(volume, psf):
    report = {}
    gpudeconv.deconvolve(volume, psf, 2, boundary="extend", read_noise=3, **CPU, report=report)
    assert {name for name, option in report["options"].items() if option["given"]} == {
        "iterations",
        "read-noise",
        "backend",
    }
    assert report["options"]["boundary"] == {"value": "extend", "given": False}
    assert report["program"] == "gpudeconv" and report["inputs"] is None
