"""What is gained by a second view of an object, and how the factors of two views are best joined.

Usage: second_view.py [--program FILE] [--folder FOLDER]

Makes 48x96x96 voxels of soft threads and beads and two images of them with Poisson noise: one PSF blurs along z, the
other along x. Deconvolves each image alone, one of twice the exposure, and both, as long as held-out photons say. Prints
PSNR, iterations and seconds.

Then compares three rules in NumPy, on 32x48x48 voxels with opposite borders touching: the product of the factors of
both views (Preibisch et al. 2014), their geometric mean, and one view after the other. Prints the best PSNR of up to 40
iterations and the Poisson divergence after 40 over that of the best rule, with and without the scaled heavy ball.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import tifffile

GPUDECONV = Path(__file__).resolve().parent.parent / ".build/release/gpudeconv"
SPACING = 0.16
BACKGROUND = 20.0
ITERATIONS = 40


def gaussian(shape: tuple[int, ...], widths: tuple[float, ...]) -> np.ndarray:
    """A Gaussian of sum 1 whose center is voxel n/2."""
    axes = [np.exp(-0.5 * ((np.arange(n) - n // 2) / w) ** 2) for n, w in zip(shape, widths)]
    blob = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
    return (blob / blob.sum()).astype(np.float32)


def blurred(light: np.ndarray, psf: np.ndarray) -> np.ndarray:
    """Light through a PSF, nothing beyond the borders."""
    padded = [a + b for a, b in zip(light.shape, psf.shape)]
    kernel = np.zeros(padded)
    kernel[tuple(slice(n) for n in psf.shape)] = psf
    kernel = np.roll(kernel, [-(n // 2) for n in psf.shape], (0, 1, 2))
    spectrum = np.fft.rfftn(light, padded, axes=(0, 1, 2)) * np.fft.rfftn(kernel)
    return np.fft.irfftn(spectrum, padded, axes=(0, 1, 2))[tuple(slice(n) for n in light.shape)].clip(0)


def threads_and_beads(random: np.random.Generator) -> np.ndarray:
    """Photons of a voxel."""
    shape = (48, 96, 96)
    light = np.zeros(shape, np.float32)
    for _ in range(25):
        start, way = random.uniform([4, 6, 6], [44, 90, 90]), random.normal(size=3)
        for step in np.arange(-25, 25, 0.3):
            place = np.round(start + way / np.linalg.norm(way) * step + 1.5 * np.sin(step / 5)).astype(int)
            if all(0 <= a < n for a, n in zip(place, shape)):
                light[tuple(place)] += 150
    for _ in range(60):
        light[tuple(random.integers([3, 4, 4], [45, 92, 92]))] += random.uniform(1000, 7500)
    return blurred(light, gaussian((7, 7, 7), (0.7, 0.7, 0.7)))


def psnr(estimate: np.ndarray, truth: np.ndarray) -> float:
    return 10 * np.log10(truth.max() ** 2 / np.mean((estimate - truth) ** 2))


def images(program: Path, folder: Path) -> None:
    """The table of images that the program deconvolves."""
    random = np.random.default_rng(1)
    bright = threads_and_beads(random)
    psfs = [gaussian((29, 9, 9), (3.5, 1.1, 1.1)), gaussian((9, 9, 29), (1.1, 1.1, 3.5))]
    clean = [blurred(bright, psf) for psf in psfs]

    def write(name: str, volume: np.ndarray) -> Path:
        metadata = {"axes": "ZYX", "spacing": SPACING, "unit": "um"}
        tifffile.imwrite(folder / name, volume, imagej=True, resolution=(1 / SPACING, 1 / SPACING), metadata=metadata)
        return folder / name

    files = [write(f"psf{number}.tif", psf) for number, psf in enumerate(psfs)]
    for light in (1.0, 0.2):
        first, second = (random.poisson(light * c + BACKGROUND).astype(np.uint16) for c in clean)
        double = random.poisson(2 * light * clean[0] + BACKGROUND).astype(np.uint16)
        rows = {
            "view 1": (first, 0, None, light),
            "view 2": (second, 1, None, light),
            "view 1, twice the exposure": (double, 0, None, 2 * light),
            "both": (first, 0, second, light),
        }
        for name, (image, psf, other, scale) in rows.items():
            command = [program, write("image.tif", image), "--psf", files[psf], "--background", str(BACKGROUND)]
            if other is not None:
                command += ["--view", write("view.tif", other), "--view-psf", files[1]]
            report = folder / "report.json"
            command += ["-o", folder / "sharp.tif", "--overwrite", "--report", report, "--backend", "cpu"]
            subprocess.run(command, check=True, capture_output=True)
            done = json.loads(report.read_text())
            value = psnr(tifffile.imread(folder / "sharp.tif").astype(float) / scale, bright)
            steps = f"{done['iterations']} iterations of {done['secondsPerIteration']:.4f} s"
            print(f"light {light}, {name}: {value:.2f} dB, {steps}", flush=True)


def rules() -> None:
    """The table of rules."""
    shape = (32, 48, 48)
    z, y, x = np.indices(shape)
    distance = ((z - 16) / 9) ** 2 + ((y - 24) / 14) ** 2 + ((x - 24) / 14) ** 2
    random = np.random.default_rng(1)
    spots = np.zeros(shape)
    for _ in range(40):
        spots[tuple(random.integers(4, n - 4) for n in shape)] += random.uniform(2000, 20000)

    def spectrum(*widths: float) -> np.ndarray:
        return np.fft.rfftn(np.fft.ifftshift(gaussian(shape, widths).astype(float)))

    def convolved(light: np.ndarray, transfer: np.ndarray) -> np.ndarray:
        return np.fft.irfftn(np.fft.rfftn(light) * transfer, shape, axes=(0, 1, 2))

    spots = convolved(spots, spectrum(0.6, 0.6, 0.6)).clip(0)
    spots += 15 * (distance < 1) + 60 * ((distance < 1) & (distance > 0.64))
    blob = 200 * np.exp(-2 * distance)
    texture = blob * (1 + 0.5 * np.sin(1.5 * x) * np.sin(1.3 * y)) / 1.5
    apart = [spectrum(4, 1, 1), spectrum(1, 1, 4)]
    cases = {
        "spots and shells, PSFs along z and x, background 10": (spots, apart, 10),
        "texture, PSFs along z and x, no background": (texture, apart, 0),
        "blob, two equal PSFs, background 100": (blob, [spectrum(2, 1.5, 1.5)] * 2, 100),
        "spots and shells, two equal PSFs, background 5": (spots / 10, [spectrum(2, 1.2, 1.2)] * 2, 5),
    }
    for name, (truth, transfers, background) in cases.items():
        images = [random.poisson(convolved(truth, h).clip(0) + background).astype(float) for h in transfers]
        for accelerated in (False, True):
            found = {}
            for rule in ("product", "mean", "in turns"):
                found[rule] = iterated(rule, images, transfers, background, truth, accelerated, convolved)
            least = min(divergence for _, _, divergence in found.values())
            for rule, (best, step, divergence) in found.items():
                how = "heavy ball" if accelerated else "plain"
                result = f"{best:.2f} dB at {step}, divergence x {divergence / least:.3g}"
                print(f"{name}, {how}, {rule}: {result}", flush=True)


def iterated(rule, images, transfers, background, truth, accelerated, convolved):
    """The best PSNR and its iteration, and the divergence before the last one."""
    estimate = former = np.full(truth.shape, np.mean([image.mean() for image in images]) - background)
    best, step, divergence = -np.inf, 0, 0.0

    def factor(point, image, transfer):
        nonlocal divergence
        expected = np.maximum(convolved(point, transfer) + background, 1e-6 * image.mean())
        terms = image * np.log(np.where(image > 0, image, 1) / expected) * (image > 0) - image + expected
        divergence += terms.sum()
        return convolved(image / expected, transfer.conj()).clip(0)

    for iteration in range(ITERATIONS):
        momentum = max(0, (iteration - 1) / (iteration + 2)) if accelerated else 0
        point = np.maximum(estimate + momentum * (estimate - former), 0)
        former, divergence = estimate, 0.0
        if rule == "in turns":
            estimate = point
            for image, transfer in zip(images, transfers):
                estimate = estimate * factor(estimate, image, transfer)
        else:
            both = [factor(point, image, transfer) for image, transfer in zip(images, transfers)]
            joined = both[0] * both[1]
            estimate = point * (joined if rule == "product" else np.sqrt(joined))
        value = psnr(estimate, truth)
        if value > best:
            best, step = value, iteration + 1
    return best, step, divergence


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=Path, default=GPUDECONV)
    parser.add_argument("--folder", type=Path, help="where images and results stay")
    arguments = parser.parse_args()
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        images(arguments.program, arguments.folder)
    else:
        with tempfile.TemporaryDirectory() as folder:
            images(arguments.program, Path(folder))
    rules()


if __name__ == "__main__":
    main()
