"""What mypy must refuse: every line that is marked, and no other."""

import dask.array as da
import numpy as np
from numpy.typing import NDArray

import gpudeconv
from gpudeconv.typing import Boundary, FileOptions

image = np.ones((3, 4, 5), np.uint16)
psf = np.ones((1, 1, 1))

gpudeconv.deconvolve(image, psf, boundary="sideways")  # refused
gpudeconv.deconvolve(image, psf, iterations="3")  # refused
gpudeconv.deconvolve(image, psf, 3, "wiener")  # refused
gpudeconv.deconvolve(image, psf, bogus=1)  # refused
gpudeconv.deconvolve(image, psf, psf_background="none")  # refused
gpudeconv.deconvolve(image, psf, out=image)  # refused
gpudeconv.deconvolve(image, psf, report=[])  # refused
gpudeconv.richardson_lucy(image, psf, method="crystal-ball")  # refused

gpudeconv.plan(image, psf, bogus=1)  # refused
gpudeconv.plan(image, psf, chunks=(1, 2, 3))  # refused
gpudeconv.uncertainty(image, psf, out=image)  # refused
gpudeconv.prepare_psf(psf, boundary="zero")  # refused

gpudeconv.deconvolve_file("a.tif", "b.tif", "c.tif", bogus=1)  # refused
gpudeconv.deconvolve_file("a.tif", "b.tif", "c.tif", dtype="int12")  # refused
gpudeconv.deconvolve_file("a.tif", "b.tif", "c.tif", mask=image)  # refused
gpudeconv.deconvolve_file("a.tif", "b.tif", "c.tif", overwrite="yes")  # refused

boundary: Boundary = "mirror"  # refused
options: FileOptions = {"codecs": "zstd"}  # refused


def lazy(images: da.Array) -> None:
    computed: NDArray[np.float32] = gpudeconv.deconvolve(images, psf)  # refused
    masked: NDArray[np.float32] = gpudeconv.deconvolve(image, psf, mask=images)  # refused
    eager: da.Array = gpudeconv.deconvolve(image, psf)  # refused
    gpudeconv.deconvolve(images, psf, report=True)  # refused
    gpudeconv.deconvolve(images, psf, start="cold")  # refused
    print(computed, masked, eager)
