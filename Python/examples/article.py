"""Deconvolves a light-sheet data set on a Dask cluster, from Zarr to Zarr.

The script of the article "Image Analysis Redux" of Dask's blog (https://blog.dask.org/2019/08/09/image-itk), with
this package's function where that one has a wrapper around ITK. The store has an array `data` of (channel, time, z,
y, x), one chunk a volume; the PSFs are TIFF stacks, one for each channel.

    python article.py data.zarr 'psfs/*.tif'
"""

import sys

import dask.array as da
import dask.array.image
from dask.distributed import Client, LocalCluster

import gpudeconv


def main(store, psfs, **cluster_options):
    # Load our data, and our point spread functions
    imgs = da.from_zarr(store, component="data")
    psf = dask.array.image.imread(psfs)[:, None, ...]

    # Apply Richardson-Lucy deconvolution, lazily
    out = da.map_blocks(gpudeconv.richardson_lucy, imgs, psf, dtype="f4")

    # Compute on all cores, or on all GPUs, and store
    with LocalCluster(**cluster_options) as cluster, Client(cluster):
        out.to_zarr(store, component="deconvolved", overwrite=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
