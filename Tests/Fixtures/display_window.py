"""What viewers are to show black and white of a result."""

import numpy as np


def window(volumes, dtype):
    """What is shown black and white of volumes (t, z, y, x), in values of a type: of each time point 1 % and 99.8 % of the largest
    values along z, and of all of them what shows most."""
    ends = []
    for volume in volumes:
        projection = np.sort(volume.max(axis=0).ravel())
        low, high = (projection[int(np.floor(f * (projection.size - 1) + r))] for f, r in ((0.01, 0), (0.998, 0.5)))
        if low == high:
            high = projection[-1]
        if low == high:
            low, high = projection[0], projection[0] + max(abs(projection[0]), 1)
        ends.append((low, high))
    low, high = (float(f(e)) for f, e in zip((min, max), zip(*ends)))
    if np.dtype(dtype).kind == "u":
        top = np.iinfo(dtype).max
        low = min(max(np.rint(low), 0), top - 1)
        high = max(min(np.rint(high), top), low + 1)
    return float(low), float(high)
