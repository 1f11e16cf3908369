"""Writes masks as programs store them, of 13 x 11 pixels and 3 planes or one, good where x + y + z is a multiple of 3:
`python make_masks.py FOLDER`."""

import os
import sys

import numpy as np
import tifffile
from PIL import Image

folder = sys.argv[1]
z, y, x = np.ogrid[:3, :11, :13]
good = (x + y + z) % 3 == 0


def path(name):
    return os.path.join(folder, name + ".tif")


# A Boolean array, packed into bits with 1 for True, which tifffile calls black unless it is told otherwise.
tifffile.imwrite(path("bool"), good)
tifffile.imwrite(path("bool-minisblack"), good, photometric="minisblack")
tifffile.imwrite(path("bool-deflate"), good, compression="zlib", rowsperstrip=3)
tifffile.imwrite(path("bool-tiles"), good, tile=(16, 16))
Image.fromarray(good[0]).save(path("pillow"))
Image.fromarray(good[0]).save(path("pillow-fax"), compression="group4")
pages = [Image.fromarray(plane) for plane in good]
pages[0].save(path("pillow-pages"), save_all=True, append_images=pages[1:])
# Fiji's masks with an inverting table.
tifffile.imwrite(path("inverting"), np.where(good, 255, 0).astype(np.uint8), photometric="miniswhite", metadata=None)
# Labels, as they come from scipy and scikit-image.
labels = np.where(good, np.arange(good.size).reshape(good.shape) + 1, 0)
tifffile.imwrite(path("labels64"), labels.astype(np.int64), photometric="minisblack")
tifffile.imwrite(path("labels16"), labels.astype(np.uint16), photometric="minisblack")
tifffile.imwrite(path("palette"), np.where(good, 7, 0).astype(np.uint8), photometric="palette",
                 colormap=np.zeros((3, 256), np.uint16), metadata=None)
