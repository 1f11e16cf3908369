"""Dask's distributed scheduler: workers, their devices and threads, and their end."""

import os
import pathlib
import runpy
import signal
import time

import dask.array as da
import numpy as np
import pytest
import zarr
from conftest import blobs, gaussian
from distributed import Client, LocalCluster, futures_of
from reference import nrmse
from reference import richardson_lucy as reference

import gpudeconv
from gpudeconv import _workers

ONE_EACH = (1, 1, -1, -1, -1)
ARTICLE = pathlib.Path(__file__).parent.parent / "examples" / "article.py"


def cluster(**options):
    return LocalCluster(dashboard_address=None, **options)


@pytest.fixture(scope="module")
def data():
    """The article's layout, scaled: (channel 3, time 7, z 25, y 96, x 64) and PSFs of 13x16x16."""
    images = np.stack([[blobs((25, 96, 64), seed=10 * c + t, count=30) for t in range(7)] for c in range(3)])
    psfs = np.stack([gaussian((13, 16, 16), (1.8, s, s)) for s in (1.1, 1.4, 1.7)])
    return images, (psfs * 60000).astype(np.uint16)


@pytest.fixture(scope="module")
def store(data, tmp_path_factory):
    """The store and the PSFs of the article."""
    import tifffile

    folder = tmp_path_factory.mktemp("article")
    images, psfs = data
    da.from_array(images, chunks=ONE_EACH).to_zarr(str(folder / "data.zarr"), component="data")
    (folder / "psfs").mkdir()
    for number, psf in enumerate(psfs):
        tifffile.imwrite(folder / "psfs" / f"{number}.tif", psf)
    return str(folder / "data.zarr"), str(folder / "psfs" / "*.tif")


def volume_by_volume(images, psfs, iterations=10):
    """What calls give that get one volume each: with many, transforms are as large as the largest PSF wants them."""
    return np.stack(
        [
            [gpudeconv.richardson_lucy(volume, psf, iterations, backend="cpu") for volume in channel]
            for channel, psf in zip(images, psfs)
        ]
    )


@pytest.fixture(scope="module")
def expected(data):
    return volume_by_volume(*data)


def test_the_article_from_zarr_to_zarr(store, data, expected):
    main = runpy.run_path(str(ARTICLE))["main"]
    main(*store, n_workers=2, threads_per_worker=1, dashboard_address=None)
    result = zarr.open(store[0])["deconvolved"]
    assert result.shape == (3, 7, 25, 96, 64) and result.dtype == np.float32
    assert result.chunks == (1, 1, 25, 96, 64)
    assert np.array_equal(result[...], expected)
    images, psfs = data
    for channel in range(3):
        prepared = gpudeconv.prepare_psf(psfs[channel])
        assert nrmse(result[channel, 6], reference(images[channel, 6], prepared, 10)) < 5e-6


@pytest.mark.parametrize(
    "options",
    [
        {"processes": True, "n_workers": 2, "threads_per_worker": 1},
        {"processes": True, "n_workers": 1, "threads_per_worker": 2},
        {"processes": False, "n_workers": 1, "threads_per_worker": 2},
    ],
    ids=["2 processes", "2 threads", "in this process"],
)
def test_every_cluster_gives_the_same(store, data, expected, options):
    images = da.from_zarr(store[0], component="data")
    psf = da.from_array(data[1][:, None], chunks=ONE_EACH)
    with cluster(**options) as local, Client(local):
        assert np.array_equal(da.map_blocks(gpudeconv.richardson_lucy, images, psf, dtype="f4").compute(), expected)
        assert np.array_equal(gpudeconv.richardson_lucy(images, psf).compute(), expected)


def test_a_worker_that_is_killed_is_replaced(data):
    images, psfs = data
    images = images[:, :4]
    iterations = 40
    expected = volume_by_volume(images, psfs, iterations)
    with cluster(processes=True, n_workers=2, threads_per_worker=1) as local, Client(local) as client:
        out = gpudeconv.richardson_lucy(da.from_array(images, chunks=ONE_EACH), psfs[:, None], iterations)
        processes = client.run(os.getpid)
        running = out.persist()
        while not any(future.done() for future in futures_of(running)):
            time.sleep(0.01)
        assert not all(future.done() for future in futures_of(running))
        os.kill(next(iter(processes.values())), signal.SIGKILL)
        assert np.array_equal(running.compute(), expected)


def resolved_on_worker(_):
    from gpudeconv import _workers

    return _workers.resolved({"device": None, "backend": "auto", "threads": None})


def test_workers_on_cpus_take_the_threads_that_they_were_given():
    with cluster(processes=True, n_workers=2, threads_per_worker=3) as local, Client(local) as client:
        options = client.gather(client.map(resolved_on_worker, range(6), pure=False))
    assert all(o["backend"] == "cpu" and o["threads"] == 3 for o in options)


GPUS = [1, 2, 3]


def pretend_to_have_gpus(dask_worker=None):
    from gpudeconv import _workers

    _workers._gpus[:] = [GPUS]


def test_every_worker_takes_the_next_gpu(tmp_path, monkeypatch):
    # Places are kept in the folder for temporary files.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with cluster(processes=True, n_workers=2, threads_per_worker=2) as local, Client(local) as client:
        client.run(pretend_to_have_gpus)
        workers = list(client.scheduler_info()["workers"])
        taken = [
            client.submit(resolved_on_worker, n, workers=[workers[n % 2]], pure=False).result()["device"]
            for n in range(6)
        ]
    assert sorted(taken[:2]) == [1, 2]
    assert taken == taken[:2] * 3


def test_a_worker_without_the_resource_takes_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with cluster(processes=True, n_workers=1, threads_per_worker=1, resources={"GPU": 0}) as local:
        with Client(local) as client:
            client.run(pretend_to_have_gpus)
            options = client.submit(resolved_on_worker, 0).result()
    assert options["backend"] == "cpu" and options["device"] is None


def test_the_environment_names_a_device(monkeypatch):
    monkeypatch.setenv("GPUDECONV_DEVICE", "0")
    report = {}
    gpudeconv.richardson_lucy(np.ones((4, 5, 6)), np.ones((1, 1, 1)), 1, report=report)
    assert report["backend"] == "cpu"
    assert _workers.resolved({"device": 3, "backend": "auto"})["device"] == 3
    assert "device" not in _workers.resolved({"backend": "cpu"})
    assert _workers.resolved({"backend": "opencl"})["device"] == "0"


def test_outside_of_workers_the_library_decides(monkeypatch):
    monkeypatch.delenv("GPUDECONV_DEVICE", raising=False)
    options = {"device": None, "backend": "auto", "threads": None}
    assert _workers.resolved(options) == options


def test_places_of_workers_that_have_ended_are_given_anew(tmp_path, monkeypatch):
    import subprocess
    import sys

    code = "from gpudeconv import _workers; print(_workers._take_place(), flush=True); input()"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    start = lambda: subprocess.Popen(  # noqa: E731
        [sys.executable, "-c", code], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    first, second = start(), None
    assert first.stdout.readline() == "0\n"
    second = start()
    assert second.stdout.readline() == "1\n"
    first.kill()
    first.wait()
    third = start()
    assert third.stdout.readline() == "0\n"
    for process in (second, third):
        process.communicate("\n")
