"""Holds the deconvolved data set against Richardson-Lucy in NumPy with double precision.

Usage: check_data_set.py FOLDER RESULT ITERATIONS CHANNEL,TIME...

RESULT is an array (channel, time, z, y, x) in a Zarr store in FOLDER. Prints the largest NRMSE, and fails above 1e-5.
"""

import sys
from pathlib import Path

import numpy as np
import tifffile
import zarr

sys.path.insert(0, str(Path(__file__).parent.parent / "Reference"))
import richardson_lucy_reference as reference


class TransformedModel(reference.OpenModel):
    """The same H by Fourier transforms of the whole, for PSFs of thousands of voxels."""

    def __init__(self, psf, frame_shape, before, after):
        super().__init__(psf, frame_shape, before, after)
        self.size = [n + p - 1 for n, p in zip(self.domain_shape, psf.shape)]
        self.transfer = np.fft.rfftn(psf, self.size, axes=(0, 1, 2))
        # Frame voxel i is domain voxel b + i, and lies P // 2 further on in the full convolution.
        self.seen = tuple(
            slice(b + p // 2, b + p // 2 + m) for b, p, m in zip(before, psf.shape, frame_shape)
        )

    def forward(self, estimate):
        spectrum = np.fft.rfftn(estimate, self.size, axes=(0, 1, 2)) * self.transfer
        return np.fft.irfftn(spectrum, self.size, axes=(0, 1, 2))[self.seen]

    def backward(self, ratio):
        placed = np.zeros(self.size)
        placed[self.seen] = ratio
        spectrum = np.fft.rfftn(placed, axes=(0, 1, 2)) * self.transfer.conj()
        full = np.fft.irfftn(spectrum, self.size, axes=(0, 1, 2))
        return full[tuple(slice(0, n) for n in self.domain_shape)]


def main():
    folder, result, iterations = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    # Where both can be computed they agree.
    generator = np.random.default_rng(3)
    observed, psf = generator.uniform(1, 9, (5, 6, 7)), generator.uniform(0, 1, (3, 2, 4))
    direct, _ = reference.richardson_lucy(observed, psf, 3, "extend")
    reference.OpenModel = TransformedModel
    transformed, _ = reference.richardson_lucy(observed, psf, 3, "extend")
    assert np.allclose(direct, transformed, rtol=1e-9)

    raw = zarr.open_array(folder / "data.zarr" / "raw", mode="r")
    deconvolved = zarr.open_array(folder / result, mode="r")
    assert deconvolved.shape == raw.shape and deconvolved.dtype == np.float32, deconvolved
    worst = 0
    for volume in sys.argv[4:]:
        channel, time = map(int, volume.split(","))
        psf = tifffile.imread(folder / "psfs" / f"channel-{channel}.tif")
        expected, _ = reference.richardson_lucy(raw[channel, time], psf, iterations, "extend")
        error = np.sqrt(np.mean((deconvolved[channel, time] - expected) ** 2)) / expected.std()
        worst = max(worst, error)
    print(f"NRMSE at most {worst:.2g}")
    sys.exit(1 if worst > 1e-5 else 0)


main()
