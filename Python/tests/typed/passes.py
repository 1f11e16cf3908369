"""What mypy must accept."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

import gpudeconv
from gpudeconv.typing import Boundary, FileOptions, Options

if TYPE_CHECKING:
    from typing_extensions import Unpack


def numpy_gives_numpy(image: NDArray[np.uint16], psf: NDArray[np.float64], good: NDArray[np.bool_]) -> None:
    sharp: NDArray[np.float32] = gpudeconv.deconvolve(image, psf, 5, boundary="zero", tile=(3, 4, 5), mask=good)
    nested: NDArray[np.float32] = gpudeconv.deconvolve([[1, 2], [3, 4]], [[1.0]], progress=True, report={})
    named: NDArray[np.float32] = gpudeconv.richardson_lucy(image, psf, iterations=20, background=100, out=sharp)
    prepared: NDArray[np.float32] = gpudeconv.prepare_psf(psf, psf_background="auto", spacing=[0.3, 0.1, 0.1])
    print(sharp.sum(), nested.sum(), named.sum(), prepared.sum())


def dask_gives_dask(images: da.Array, psf: NDArray[np.float64], counts: NDArray[np.uint16]) -> None:
    lazy: da.Array = gpudeconv.deconvolve(images, psf, method="wiener", snr=12, depth=16)
    both: da.Array = gpudeconv.deconvolve(images, images, mask=images, flat_field=psf)
    of_psf: da.Array = gpudeconv.richardson_lucy(counts, images, read_noise=2)
    of_flat_field: da.Array = gpudeconv.deconvolve(counts, psf, flat_field=images)
    of_mask: da.Array = gpudeconv.deconvolve(counts, psf, mask=images, out=None, progress=False, report=None)
    print(lazy.chunks, both.chunks, of_psf.chunks, of_flat_field.chunks, of_mask.chunks)


def options_are_passed_on(image: Any, boundary: Boundary) -> None:
    options: Options = {"boundary": boundary, "backend": "cpu", "memory_limit": "8GB"}
    tiles: dict[str, Any] = gpudeconv.plan(image, image, 7, mask=image, **options)
    for_files: FileOptions = {"dtype": "uint16", "channel": "0:2", "time": 3, "zarr_format": 3, "boundary": boundary}
    report: dict[str, Any] = gpudeconv.deconvolve_file("a.zarr", ["b.tif", Path("c.tif")], "d.zarr", **for_files)
    found: gpudeconv.Uncertainty = gpudeconv.uncertainty(image, image, 7, mask=image, progress=True, **options)
    errors: NDArray[np.float32] = found.map
    print(tiles["device"], report["iterations"], errors.mean())


def options_have_types_of_their_own(path: str, **options: "Unpack[FileOptions]") -> None:
    gpudeconv.deconvolve_file(path, "psf.tif", "sharp.tif", **options)


def show(progress: gpudeconv.Progress) -> None:
    print(progress.completed_iterations + 1, progress.seconds_left / 2)


gpudeconv.deconvolve_file("a.tif", "b.tif", Path("c.tif"), 20, background=98, overwrite=True, progress=show)
names: list[str] = [device.name for device in gpudeconv.devices()]
version: str = gpudeconv.__version__
