"""What is gained by PSFs that vary with depth, where an oil lens looks into water.

Usage: depth_varying.py [--program FILE] [--iterations N] [--places N] [--folder FOLDER]

Makes an image of soft beads and threads, 96x64x64 voxels of 0.4x0.1x0.1 µm, in which each plane is blurred by the PSF of its own
depth (Gibson and Lanni 1992, by psfmodels: NA 1.4, oil, sample in water, 600 nm), with Poisson noise. Deconvolves it with each
PSF alone, and with all of them at their depths, made of some numbers of modes. Prints PSNR over the planes, and the largest error of a
plane at a PSF's depth over that of a plane between.

Every PSF is centered by `gpudeconv psf prepare`, those of the planes as well: the shift of the focus with depth is an
axial stretch of the image, about which deconvolution knows nothing.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import psfmodels
import tifffile

GPUDECONV = Path(__file__).resolve().parent.parent / ".build/release/gpudeconv"
SHAPE = (96, 64, 64)
SPACING = (0.4, 0.1, 0.1)
BACKGROUND = 10.0


def measured_psf(depth: float) -> np.ndarray:
    """The PSF of a depth in µm, in a box around its brightest plane."""
    optics = {"NA": 1.4, "ns": 1.33, "ni": 1.515, "ni0": 1.515, "wvl": 0.6, "pz": depth, "model": "scalar"}
    lattice = np.arange(-60, 61) * SPACING[0] + depth
    profile = psfmodels.make_psf(lattice, 15, dxy=SPACING[1], normalize=False, **optics).max(axis=(1, 2))
    focus = lattice[profile.argmax()]
    # Finer than the image: at its voxels the sharpest PSFs could not be moved by part of one.
    planes = np.arange(-48, 49) * SPACING[0] / 2 + focus
    return psfmodels.make_psf(planes, 41, dxy=SPACING[1], normalize=False, **optics).astype(np.float32)


def write(path: Path, volume: np.ndarray, spacing: float = SPACING[0]) -> None:
    """A stack with its voxel size, µm along z."""
    resolution = (1 / SPACING[2], 1 / SPACING[1])
    metadata = {"axes": "ZYX", "spacing": spacing, "unit": "um"}
    tifffile.imwrite(path, volume.astype(np.float32), imagej=True, resolution=resolution, metadata=metadata)


def truth() -> np.ndarray:
    """Soft beads and threads, photons."""
    random = np.random.default_rng(1)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"))
    volume = np.zeros(SHAPE)
    for _ in range(150):
        center = random.uniform(0, SHAPE)
        width = np.array([1.2, 2, 2]) * random.uniform(0.8, 1.6)
        distance = sum(((grid[axis] - center[axis]) / width[axis]) ** 2 for axis in range(3))
        volume += random.uniform(1000, 6000) * np.exp(-distance / 2)
    for _ in range(12):
        way = np.linspace(random.uniform(0, SHAPE), random.uniform(0, SHAPE), 200)
        for z, y, x in way:
            box = tuple(slice(max(int(c) - 6, 0), int(c) + 7) for c in (z, y, x))
            part = grid[(slice(None), *box)]
            distance = ((part[0] - z) / 1.2) ** 2 + ((part[1] - y) / 1.8) ** 2 + ((part[2] - x) / 1.8) ** 2
            volume[box] += 400 * np.exp(-distance / 2)
    return volume


def blurred(volume: np.ndarray, psfs: list[np.ndarray]) -> np.ndarray:
    """Each plane by the PSF of its depth, whose center is voxel n/2; nothing lies outside."""
    size = [volume.shape[axis] + max(psf.shape[axis] for psf in psfs) for axis in (1, 2)]
    spectra = np.zeros((volume.shape[0], size[0], size[1] // 2 + 1), complex)
    for z, psf in enumerate(psfs):
        light = np.fft.rfft2(volume[z], size)
        kernel = np.zeros((psf.shape[0], *size))
        kernel[:, : psf.shape[1], : psf.shape[2]] = psf
        kernel = np.roll(kernel, (-(psf.shape[1] // 2), -(psf.shape[2] // 2)), (1, 2))
        for plane, spectrum in enumerate(np.fft.rfft2(kernel)):
            target = z + plane - psf.shape[0] // 2
            if 0 <= target < volume.shape[0]:
                spectra[target] += light * spectrum
    return np.fft.irfft2(spectra, size)[:, : volume.shape[1], : volume.shape[2]]


def psnr(result: np.ndarray, wanted: np.ndarray) -> float:
    """Peak signal to noise ratio in dB."""
    return float(10 * np.log10(wanted.max() ** 2 / np.mean((result - wanted) ** 2)))


def main() -> None:
    """Make the files, deconvolve, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=GPUDECONV, type=Path)
    parser.add_argument("--iterations", default=300, type=int)
    parser.add_argument("--places", default=10, type=int)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)

        def run(*words: object) -> str:
            command = [str(arguments.program), *map(str, words)]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout

        def prepared(depth: float) -> np.ndarray:
            source, target = folder / f"psf-{depth:.2f}.tif", folder / f"psf-{depth:.2f}-prepared.tif"
            if not target.exists():
                write(source, measured_psf(depth), SPACING[0] / 2)
                run("psf", "prepare", source, "-o", target, "--spacing", ",".join(map(str, SPACING)))
            return tifffile.imread(target).astype(float)

        depths = np.arange(SHAPE[0]) * SPACING[0]
        wanted = truth()
        light = blurred(wanted, [prepared(depth) for depth in depths])
        image = folder / "image.tif"
        write(image, np.random.default_rng(2).poisson(np.maximum(light, 0) + BACKGROUND))
        planes = np.linspace(0, SHAPE[0] - 1, arguments.places).round().astype(int)
        files = [folder / f"psf-{depths[plane]:.2f}.tif" for plane in planes]

        def deconvolved(*words: object) -> tuple[np.ndarray, dict]:
            result, report = folder / "result.tif", folder / "report.json"
            options = ["-i", arguments.iterations, "--background", BACKGROUND, "--backend", "cpu", "--overwrite"]
            run("deconvolve", image, "-o", result, "--report", report, *options, *words)
            return tifffile.imread(result).astype(float), json.loads(report.read_text())

        single = []
        for plane, file in zip(planes, files):
            result, report = deconvolved("--psf", file)
            single.append(psnr(result, wanted))
            seconds = report["secondsPerIteration"]
            print(f"PSF of {depths[plane]:5.1f} µm alone: {single[-1]:.2f} dB, {seconds:.3f} s an iteration", flush=True)
        places = ",".join(f"{depths[plane]:.2f}:{file}" for plane, file in zip(planes, files))
        for count in [None, 1, 2, 3, 4, 8]:
            started = time.monotonic()
            result, report = deconvolved("--psf-at", places, *([] if count is None else ["--psf-modes", count]))
            modes = report["psfModes"][0]
            error = np.sqrt(((result - wanted) ** 2).mean(axis=(1, 2)) / (wanted**2).mean(axis=(1, 2)))
            # The ends lie beside what is not seen.
            between = np.setdiff1d(np.arange(4, SHAPE[0] - 4), planes)
            seam = error[planes[1:-1]].max() / error[between].max()
            print(
                f"{modes['modes']} modes{' by default' if count is None else ''}, error {modes['error']:.4f}: "
                f"{psnr(result, wanted):.2f} dB ({psnr(result, wanted) - max(single):+.2f} to the best PSF alone), "
                f"planes of PSFs to planes between {seam:.2f}, {report['secondsPerIteration']:.3f} s an iteration, "
                f"{report['peakDeviceBytes'] / 2**20:.0f} MiB, {time.monotonic() - started:.1f} s in all",
                flush=True,
            )


if __name__ == "__main__":
    main()
