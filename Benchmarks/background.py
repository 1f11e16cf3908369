"""Background, gain and what they are worth, found on images of which everything is known.

    python background.py [GPUDECONV]

Twelve phantoms: three microscopes (PSFs by psfmodels), a dense and a sparse object, 20 and 2000 photons at the brightest
voxel, with a camera that adds 100 counts and a read noise of 1.6 counts, or nothing. Prints a table in Markdown.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import psfmodels
import scipy.fft
import scipy.ndimage
import tifffile

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "gpudeconv"
SHAPE = (32, 128, 128)
OFFSET, READ_NOISE = 100, 1.6


def field(planes, side, step, pixel, aperture, wavelength, index):
    depths = (np.arange(planes) - planes // 2) * step
    settings = {"NA": aperture, "wvl": wavelength, "ns": index, "ni": index, "ni0": index, "model": "scalar"}
    return psfmodels.make_psf(depths, nx=side, dxy=pixel, **settings)


def psf_of(microscope):
    """A PSF of sum 1."""
    if microscope == "widefield":
        psf = field(25, 31, 0.25, 0.09, 1.3, 0.52, 1.515)
    elif microscope == "confocal":
        psf = field(17, 19, 0.15, 0.06, 1.2, 0.488, 1.333) * field(17, 19, 0.15, 0.06, 1.2, 0.52, 1.333)
    else:
        sheet = np.exp(-0.5 * ((np.arange(15) - 7) * 0.2 / 0.38) ** 2)
        psf = field(15, 17, 0.2, 0.1, 1.0, 0.52, 1.333) * sheet[:, None, None]
    return psf / psf.sum()


def thing(shape, dense, random):
    """A textured body with spots, or spots and threads on black."""
    light = np.zeros(shape)
    for _ in range(120 if dense else 40):
        light[tuple(random.integers(0, n) for n in shape)] += random.uniform(5, 20)
    for _ in range(8):
        start, way = (np.array([random.uniform(0, n) for n in shape]) for _ in range(2))
        for t in np.linspace(0, 1, 300):
            place = np.clip(np.round(start + (way - start) * t), 0, np.array(shape) - 1).astype(int)
            light[tuple(place)] += 0.3
    if dense:
        z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
        texture = scipy.ndimage.gaussian_filter(random.normal(size=shape), 2)
        inside = (z / 0.8) ** 2 + (y / 0.6) ** 2 + (x / 0.6) ** 2 < 1
        light += inside * (1 + 0.5 * texture / texture.std()).clip(0.2)
    return scipy.ndimage.gaussian_filter(light, 0.7)


def blurred(light, psf):
    lengths = [scipy.fft.next_fast_len(a + b - 1, real=True) for a, b in zip(light.shape, psf.shape)]
    product = scipy.fft.rfftn(light, lengths) * scipy.fft.rfftn(psf, lengths)
    return scipy.fft.irfftn(product, lengths)[tuple(slice(b // 2, b // 2 + a) for a, b in zip(light.shape, psf.shape))]


def psnr(result, truth):
    scale = (result * truth).sum() / max((result * result).sum(), 1e-30)
    return 10 * np.log10(truth.max() ** 2 / ((scale * result - truth) ** 2).mean())


def deconvolved(folder, iterations, background):
    options = ["-i", iterations, "--background", background, "--psf-as-is", "--backend", "cpu", "--overwrite"]
    paths = ["image.tif", "--psf", "psf.tif", "-o", "sharp.tif", "--report", "report.json"]
    subprocess.run([PROGRAM, *paths, *map(str, options)], cwd=folder, check=True, capture_output=True)
    return tifffile.imread(folder / "sharp.tif").astype(float), json.loads((folder / "report.json").read_text())


def main():
    print("| microscope | object | photons | offset | found | gain | PSNR, offset given | found | 0 |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for number, microscope in enumerate(("widefield", "confocal", "light sheet")):
            psf = psf_of(microscope)
            tifffile.imwrite(folder / "psf.tif", psf.astype(np.float32))
            for dense in (True, False):
                random = np.random.default_rng(number)
                around = [n + 2 * (m // 2) for n, m in zip(SHAPE, psf.shape)]
                frame = tuple(slice(m // 2, m // 2 + n) for n, m in zip(SHAPE, psf.shape))
                light = thing(around, dense, random)
                seen = blurred(light, psf)[frame].clip(0)
                for photons in (20, 2000):
                    scale = photons / np.percentile(seen, 99.9)
                    for offset in (OFFSET, 0):
                        noise = random.normal(0, READ_NOISE if offset else 0, SHAPE)
                        counts = np.rint(random.poisson(seen * scale) + offset + noise).clip(0, 65535)
                        tifffile.imwrite(folder / "image.tif", counts.astype(np.uint16))
                        iterations = 10 if photons < 100 else 20
                        row = []
                        for background in (offset, "auto", 0):
                            result, report = deconvolved(folder, iterations, background)
                            row.append(f"{psnr(result, light[frame] * scale):.2f}")
                            if background == "auto":
                                found, gain = report["background"], report["survey"][0]["gain"]
                        kind = "dense" if dense else "sparse"
                        figures = f"{found:.2f}", f"{gain or float('nan'):.2f}", *row
                        print("|", " | ".join([microscope, kind, str(photons), str(offset), *figures]), "|", flush=True)


if __name__ == "__main__":
    main()
