"""Makes the files beside it. Needs numpy, scipy, tifffile, and the folder of real stacks as the only argument.

lattice-psf.raw   41x41x41 little-endian uint16 around the peak of lattice-cell/psf.tif (pycudadecon 0.5.1 test data, MIT)
resampled.raw     little-endian float64: a Gaussian sampled off the grid, moved and resampled with NumPy's FFT
"""
import pathlib
import sys

import numpy as np
import tifffile

here = pathlib.Path(__file__).parent

psf = tifffile.imread(pathlib.Path(sys.argv[1]) / "lattice-cell/psf.tif")
z, y, x = np.unravel_index(psf.argmax(), psf.shape)
crop = psf[z - 20:z + 21, y - 20:y + 21, x - 20:x + 21].astype("<u2")
crop.tofile(here / "lattice-psf.raw")
border = np.ones(crop.shape, bool)
border[4:-4, 4:-4, 4:-4] = False
level = np.median(crop[border])
core = crop[10:31, 8:33, 8:33].astype(float) - level
print("lattice crop: peak", (z, y, x), "border median", level, "core energy", core.sum())
print("  energy of everything cut at zero", np.clip(crop.astype(float) - level, 0, None).sum())

# A Gaussian of these widths and centre, 31x25x25; each output voxel is `ratio` input voxels.
shape, sigma, center, ratio = (31, 25, 25), (3, 2, 1.8), (15.3, 12.8, 11.45), (3, 1.5, 0.6)
output = (5, 9, 21)
field = np.ones(shape)
for axis in range(3):
    offset = np.arange(shape[axis]) - center[axis]
    profile = np.exp(-0.5 * (offset / sigma[axis]) ** 2)
    field *= profile.reshape([-1 if k == axis else 1 for k in range(3)])
for axis in range(3):
    period = 30000
    spectrum = np.fft.fft(field, period, axis=axis)
    frequency = np.fft.fftfreq(period)
    spectrum *= (abs(frequency) < 0.5 / max(1, ratio[axis])).reshape([-1 if k == axis else 1 for k in range(3)])
    # Shifted so that the centre is sample 0; finer grids by padding the spectrum, coarser ones by taking every n-th.
    spectrum *= np.exp(2j * np.pi * frequency * center[axis]).reshape([-1 if k == axis else 1 for k in range(3)])
    fine = {3: (1, 3), 1.5: (2, 3), 0.6: (5, 3)}[ratio[axis]]
    padded = np.zeros([period * fine[0] if k == axis else n for k, n in enumerate(spectrum.shape)], complex)
    half = period // 2
    index = [slice(None)] * 3
    for part in (slice(0, half), slice(-half, None)):
        index[axis] = part
        padded[tuple(index)] = spectrum[tuple(index)]
    fine_field = np.fft.ifft(padded, axis=axis).real * fine[0]
    steps = (np.arange(output[axis]) - output[axis] // 2) * fine[1]
    field = np.take(fine_field, steps, axis=axis, mode="wrap")
field.astype("<f8").tofile(here / "resampled.raw")
print("resampled: peak", field.max(), "least", field.min())
