"""Richardson-Lucy in NumPy and double precision, by the formulas of Documentation/Numerics.md.

g is the observed image, h the PSF with sum 1 and its center at voxel P // 2 of each axis, f 1 on voxels that count
and 0 on others, y = f H x + b. Where nothing exists beyond the domain of the estimate, H is a linear convolution, here
by zero-padded FFTs. The estimate starts flat.
"""

import numpy as np


def richardson_lucy(observed, psf, iterations, boundary="extend", background=0.0, mask=None):
    """The estimate on the frame of one volume."""
    observed = np.asarray(observed, np.float64)
    psf = psf / psf.sum(dtype=np.float64)
    f = np.ones(observed.shape) if mask is None else (np.asarray(mask) != 0).astype(np.float64)
    observed = np.where(f > 0, observed, 0)
    frame, extents = observed.shape, psf.shape
    # The frame begins at voxel `before` of the domain.
    if boundary == "extend":
        before = [p - 1 - p // 2 for p in extents]
        domain = [m + p - 1 for m, p in zip(frame, extents)]
    else:
        before, domain = [0] * 3, list(frame)
    padded = [d + p - 1 for d, p in zip(domain, extents)]
    transfer = np.fft.rfftn(psf, padded, axes=(0, 1, 2))
    center = [b + p // 2 for b, p in zip(before, extents)]

    def forward(x):
        blurred = np.fft.irfftn(np.fft.rfftn(x, padded, axes=(0, 1, 2)) * transfer, padded, axes=(0, 1, 2))
        return blurred[tuple(slice(c, c + m) for c, m in zip(center, frame))]

    def backward(r):
        placed = np.zeros(padded)
        placed[tuple(slice(c, c + m) for c, m in zip(center, frame))] = r
        blurred = np.fft.irfftn(np.fft.rfftn(placed) * transfer.conj(), padded, axes=(0, 1, 2))
        return blurred[tuple(slice(0, d) for d in domain)]

    normalization = backward(f) if boundary == "extend" else 1 - backward(1 - f)
    visible = normalization > 0.01 * normalization.max()
    weights = np.where(visible, 1 / np.where(visible, normalization, 1), 0)
    light = (observed - background * f).sum() / f.sum()
    least = 1e-6 * (background + light)
    estimate = np.full(domain, light)
    for _ in range(iterations):
        expected = f * forward(estimate) + background
        estimate *= weights * backward(f * observed / np.maximum(expected, least))
    return estimate[tuple(slice(b, b + m) for b, m in zip(before, frame))]


def nrmse(values, truth):
    """Root mean square difference over the root mean square of the truth."""
    return np.sqrt(np.mean((np.asarray(values, np.float64) - truth) ** 2) / np.mean(np.square(truth, dtype=np.float64)))
