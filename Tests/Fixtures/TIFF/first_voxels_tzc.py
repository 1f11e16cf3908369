"""Prints the first voxel of each plane that tifffile finds, in the order of time point, z, channel: `python first_voxels_tzc.py FILE...`."""

import sys

import numpy as np
import tifffile

for path in sys.argv[1:]:
    with tifffile.TiffFile(path) as tif:
        series = tif.series[0]
        planes = np.transpose(series.asarray(), [series.axes.index(axis) for axis in "TZCYX"])
        print(*planes[..., 0, 0].ravel())
