"""Methods by their names, in memory, through Dask, and in plans."""

import dask.array as da
import numpy as np
import pytest
from reference import nrmse

import gpudeconv

CPU = {"backend": "cpu", "psf_as_is": True}
FILTERS = ["wiener", "tikhonov"]
METHODS = ["richardson-lucy", *FILTERS, "landweber", "ictm", "fista"]


def test_iterations_alone_are_those_of_richardson_lucy(volume, psf):
    one = gpudeconv.richardson_lucy(volume, psf, 3, **CPU)
    assert np.array_equal(one, gpudeconv.deconvolve(volume, psf, 3, method="richardson-lucy", **CPU))
    assert np.array_equal(one, gpudeconv.deconvolve(volume, psf, 3, **CPU))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_named_in_reports_and_plans(volume, psf, method):
    report = {}
    result = gpudeconv.deconvolve(volume, psf, method=method, background=5, **CPU, report=report)
    assert result.shape == volume.shape and (result >= 0).all() and result.any()
    assert report["method"] == method
    plan = gpudeconv.plan(volume, psf, method=method, **CPU)
    assert plan["method"] == method
    assert plan["iterations"] == report["iterations"] == (1 if method in FILTERS else 10)


def test_auto_finds_iterations_and_says_so(volume, psf):
    report = {}
    result = gpudeconv.deconvolve(volume, psf, method="auto", background=5, gain=1, **CPU, report=report)
    (tuning,) = report["tuning"]
    assert report["method"] == "auto" and report["iterations"] == tuning["iterations"]
    assert tuning["gain"] == 1 and tuning["gainFrom"] == "given"
    assert gpudeconv.plan(volume, psf, method="auto", **CPU)["iterations"] == 100
    # The same in other words.
    same = gpudeconv.richardson_lucy(
        volume,
        psf,
        background=5,
        accelerate="heavy-ball",
        stop="held-out",
        total_variation="auto",
        start="flat",
        gain=1,
        **CPU,
    )
    assert np.array_equal(result, same)


def test_chunks_do_not_each_take_their_own_mean_light(volumes, psf):
    with pytest.raises(ValueError, match="give good_roughness"):
        gpudeconv.deconvolve(da.from_array(volumes), psf, tikhonov_miller=0.01, **CPU)


@pytest.mark.parametrize("method", METHODS)
def test_dask_gives_what_numpy_gives(volumes, psf, method):
    expected = gpudeconv.deconvolve(volumes, psf, method=method, **CPU)
    out = gpudeconv.deconvolve(da.from_array(volumes), psf, method=method, **CPU)
    assert np.array_equal(out.compute(), expected)


def test_wiener_is_its_formula(volume, psf):
    snr, background = 12, 4
    work = np.zeros(volume.shape)
    work[tuple(slice(n) for n in psf.shape)] = psf / psf.sum()
    otf = np.fft.fftn(np.roll(work, [-(n // 2) for n in psf.shape], (0, 1, 2)))
    noise = 1 / snr**2
    spectrum = np.fft.fftn(volume.astype(float) - background)
    expected = np.fft.ifftn((1 + noise) * otf.conj() / (np.abs(otf) ** 2 + noise) * spectrum).real.clip(0)
    result = gpudeconv.deconvolve(
        volume, psf, method="wiener", snr=snr, background=background, boundary="periodic", **CPU
    )
    assert nrmse(result, expected) < 1e-5


def test_tikhonov_is_its_formula(volume, psf):
    weight, background = 0.03, 4
    work = np.zeros(volume.shape)
    work[tuple(slice(n) for n in psf.shape)] = psf / psf.sum()
    otf = np.fft.fftn(np.roll(work, [-(n // 2) for n in psf.shape], (0, 1, 2)))
    sines = np.meshgrid(*(np.sin(np.pi * np.fft.fftfreq(n)) for n in volume.shape), indexing="ij")
    laplacian = sum(4 * (rate * sine) ** 2 for rate, sine in zip((0.4, 1, 1), sines, strict=True))
    spectrum = np.fft.fftn(volume.astype(float) - background)
    expected = np.fft.ifftn(otf.conj() / (np.abs(otf) ** 2 + weight * laplacian**2) * spectrum).real.clip(0)
    options = {"regularization": weight, "background": background, "boundary": "periodic"}
    result = gpudeconv.deconvolve(volume, psf, method="tikhonov", spacing=(0.5, 0.2, 0.2), **options, **CPU)
    assert nrmse(result, expected) < 1e-5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "crystal-ball"}, "richardson-lucy"),
        ({"method": "wiener", "iterations": 3}, "iterations"),
        ({"method": "wiener", "start": "flat"}, "start"),
        ({"method": "wiener", "snr": 0}, "snr"),
        ({"method": "landweber", "accelerate": "heavy-ball"}, "accelerate"),
        ({"stop": "held-out", "iterations": 3}, "iterations"),
        ({"stop": "divergence:2"}, "divergence:1e-3"),
        ({"stop": "consensus"}, "it is for rlgc"),
        ({"method": "gated", "stop": "held-out", "iterations": 3}, "iterations"),
        ({"method": "gated", "stop": "none", "max_iterations": 3}, "stop"),
        ({"total_variation": "auto"}, "held-out"),
        ({"method": "richardson-lucy", "seed": 4}, "held-out"),
        ({"good_roughness": 0.1, "total_variation": 0.1}, "good_roughness"),
        ({"method": "landweber", "sieve": 0.2}, "sieve"),
        ({"method": "wiener", "regularization": 0.2}, "regularization"),
        ({"method": "tikhonov", "regularization": 0}, "above 0"),
        ({"method": "landweber", "read_noise": 2}, "read_noise"),
        ({"snr": 3}, "snr"),
        ({"method": "wiener", "tile": (4, 8, 8)}, "tile"),
    ],
)
def test_an_option_that_a_method_does_not_take_is_refused(volume, psf, options, message):
    with pytest.raises(ValueError, match=message):
        gpudeconv.deconvolve(volume, psf, **options, **CPU)
