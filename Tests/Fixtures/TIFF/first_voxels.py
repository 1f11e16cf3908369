"""Prints shape, type and the first voxel of each plane that tifffile finds in a file: `python first_voxels.py FILE`."""

import sys

import tifffile

data = tifffile.memmap(sys.argv[1], mode="r")
print(data.shape, data.dtype, *(int(plane[0, 0]) for plane in data))
