"""Makes a data set of the layout that light-sheet microscopes leave behind, scaled down: one Zarr array (channel, time, z, y, x) of
uint16 with one chunk a volume, and one PSF a channel in TIFF files and in a Zarr array.

Usage: make_data_set.py FOLDER CHANNELS,TIMES,Z,Y,X PSF_Z,PSF_Y,PSF_X [ZARR_FORMAT]
"""

import sys
from pathlib import Path

import numpy as np
import tifffile
import zarr


def gaussian(shape, sigma):
    """A spot around voxel n // 2."""
    grids = np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij")
    return np.exp(-sum((grid / s) ** 2 / 2 for grid, s in zip(grids, sigma)))


def main():
    folder = Path(sys.argv[1])
    channels, times, *shape = map(int, sys.argv[2].split(","))
    psf_shape = tuple(map(int, sys.argv[3].split(",")))
    version = int(sys.argv[4]) if len(sys.argv) > 4 else 2
    generator = np.random.default_rng(11)

    psfs = np.array([gaussian(psf_shape, (1.6 + 0.2 * c, 1.1, 1.3 + 0.1 * c)) for c in range(channels)])
    psfs = np.round(psfs * 1000).astype(np.uint16)
    (folder / "psfs").mkdir(parents=True)
    for channel, psf in enumerate(psfs):
        tifffile.imwrite(folder / "psfs" / f"channel-{channel}.tif", psf, imagej=True, metadata={"axes": "ZYX"})
    store = zarr.open_group(folder / "data.zarr", mode="w", zarr_format=version)
    stored = store.create_array("psf", shape=(channels, 1, *psf_shape), chunks=(1, 1, *psf_shape), dtype=np.uint16)
    stored[:] = psfs[:, None]

    raw = store.create_array("raw", shape=(channels, times, *shape), chunks=(1, 1, *shape), dtype=np.uint16)
    for channel in range(channels):
        for time in range(times):
            light = np.full(shape, 20.0)
            for _ in range(12):
                center = [generator.integers(0, n) for n in shape]
                blob = gaussian(shape, generator.uniform(1, 5, 3))
                light += 400 * np.roll(blob, [c - n // 2 for c, n in zip(center, shape)], (0, 1, 2))
            raw[channel, time] = generator.poisson(light).astype(np.uint16)


main()
