"""`deconvolve_file`: what the command does."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import tifffile
import zarr

import gpudeconv


@pytest.fixture
def files(tmp_path, volume, psf):
    tifffile.imwrite(tmp_path / "cell.tif", volume)
    tifffile.imwrite(tmp_path / "psf.tif", psf.astype(np.float32))
    return tmp_path


def test_a_stack_becomes_a_stack(files, volume, psf):
    seen = []
    report = gpudeconv.deconvolve_file(
        files / "cell.tif", files / "psf.tif", files / "sharp.tif", 5, backend="cpu", progress=seen.append
    )
    assert report["iterations"] == 5 and report["shape"] == list(volume.shape)
    assert seen[-1].completed_iterations == 5
    expected = gpudeconv.richardson_lucy(volume, psf.astype(np.float32), 5, backend="cpu")
    assert np.array_equal(tifffile.imread(files / "sharp.tif"), expected)


def test_the_command_s_options_are_keywords(files, volumes, psfs):
    zarr.save_array(str(files / "data.zarr"), volumes)
    paths = []
    for number, psf in enumerate(psfs[:, 0]):
        paths.append(files / f"psf{number}.tif")
        tifffile.imwrite(paths[-1], psf.astype(np.float32), photometric="minisblack")
    gpudeconv.deconvolve_file(
        files / "data.zarr",
        paths,
        str(files / "sharp.zarr"),
        3,
        backend="cpu",
        axes="ctzyx",
        time="1:3",
        dtype="uint16",
        zarr_format=2,
        chunks=(6, 12, 7),
        codec="zstd:3",
    )
    result = zarr.open_array(str(files / "sharp.zarr"))
    expected = gpudeconv.richardson_lucy(volumes[:, 1:3], psfs.astype(np.float32), 3, backend="cpu")
    assert result.dtype == np.uint16 and result.chunks[-3:] == (6, 12, 7)
    assert np.abs(result[...] - expected).max() <= 0.5001


def test_a_url_is_read_as_the_folder_is(files, volumes, psf):
    zarr.save_array(str(files / "data.zarr"), volumes[:1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=files))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/data.zarr"
    results = []
    for name, path in (("local.zarr", files / "data.zarr"), ("remote.zarr", url)):
        report = gpudeconv.deconvolve_file(
            path, files / "psf.tif", files / name, 2, backend="cpu", axes="ctzyx", overwrite=True
        )
        results.append(zarr.open_array(str(files / name))[...])
    server.shutdown()
    server.server_close()
    assert report["inputs"]["image"]["path"] == url
    assert np.array_equal(*results)
    with pytest.raises(OSError, match="cannot be reached"):
        gpudeconv.deconvolve_file(url, files / "psf.tif", files / "none.zarr")


def test_files_that_are_missing_exist_or_are_damaged_have_their_exceptions(files):
    stack, psf, sharp = files / "cell.tif", files / "psf.tif", files / "sharp.tif"
    with pytest.raises(FileNotFoundError, match="nowhere"):
        gpudeconv.deconvolve_file(files / "nowhere.tif", psf, sharp)
    (files / "damaged.tif").write_bytes(stack.read_bytes()[:1000])
    with pytest.raises(ValueError, match="damaged"):
        gpudeconv.deconvolve_file(files / "damaged.tif", psf, sharp)
    sharp.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="overwrite"):
        gpudeconv.deconvolve_file(stack, psf, sharp, 1)
    assert sharp.read_bytes() == b"mine"
    with pytest.raises(OSError, match="does not exist") as caught:
        gpudeconv.deconvolve_file(stack, psf, files / "nowhere" / "sharp.tif", 1)
    assert caught.type is OSError
    with pytest.raises(FileNotFoundError, match="flat-field"):
        gpudeconv.deconvolve_file(stack, psf, sharp, 1, flat_field=files / "flat-field", overwrite=True)
    gpudeconv.deconvolve_file(stack, psf, sharp, 1, overwrite=True, backend="cpu")
    assert tifffile.imread(sharp).dtype == np.float32


def test_an_interrupted_run_leaves_no_file(files):
    def stop(progress):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        gpudeconv.deconvolve_file(files / "cell.tif", files / "psf.tif", files / "sharp.tif", 1000, progress=stop)
    assert sorted(path.name for path in files.iterdir()) == ["cell.tif", "psf.tif"]


def test_an_array_in_place_of_a_path_is_refused_by_its_keyword(tmp_path):
    with pytest.raises(TypeError, match="flat_field must be a path here, not ndarray"):
        gpudeconv.deconvolve_file("a.tif", "b.tif", tmp_path / "c.tif", flat_field=np.ones((2, 2, 2)))
