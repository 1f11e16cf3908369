"""Writes a DeltaVision file and MRC files with the packages mrc and mrcfile, of which a voxel says where it is.

Usage: make_raw.py FOLDER
"""

import sys

import mrc
import mrcfile
import numpy as np

folder = sys.argv[1]
# z, c, y, x as the package has them.
image = np.arange(3 * 2 * 4 * 5).reshape(3, 2, 4, 5).astype("u2")
mrc.imsave(f"{folder}/a.dv", image, resolution=(0.1, 0.2, 0.3))
for name, kind in (("i2", np.int16), ("u2", np.uint16), ("f4", np.float32)):
    with mrcfile.new(f"{folder}/{name}.mrc") as file:
        file.set_data(image[:, 0].astype(kind))
        # Angstrom, x first.
        file.voxel_size = (1000, 2000, 3000)
