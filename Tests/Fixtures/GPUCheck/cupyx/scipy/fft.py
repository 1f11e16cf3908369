"""Its transforms, of NumPy; see ../../cupy."""

import numpy


def next_fast_len(minimum):
    return minimum


def rfftn(volume, s):
    return numpy.fft.rfftn(volume, s=s, axes=range(len(s))).astype(numpy.complex64)


def irfftn(spectrum, s, overwrite_x=False):
    return numpy.fft.irfftn(spectrum, s=s, axes=range(len(s))).astype(numpy.float32)
