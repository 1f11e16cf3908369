"""Writes 24 pages numbered in their order, with a directory behind each as Micro-Manager has them, whose ImageJ text says order=zct:
`python make_order.py FILE`."""

import sys

import numpy as np
import tifffile

text = "ImageJ=1.53t\nchannels=2\nslices=3\nframes=4\nhyperstack=true\norder=zct\n"
with tifffile.TiffWriter(sys.argv[1]) as tif:
    for page in range(24):
        plane = np.full((1, 2), page, np.uint8)
        tif.write(plane, metadata=None, description=None if page else text, contiguous=False)
