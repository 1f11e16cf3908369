"""Two views of one object, against the formula of Documentation/Numerics.md in NumPy and double precision."""

import numpy as np
import pytest
import tifffile

import gpudeconv

SHAPE = (9, 16, 18)
BACKGROUNDS = (8.0, 15.0)


def psf(shape, widths, random):
    """A blob of sum 1, without symmetry."""
    grid = np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij")
    values = np.exp(-0.5 * sum((g / w) ** 2 for g, w in zip(grid, widths))) * random.uniform(0.7, 1.3, shape)
    return (values / values.sum()).astype(np.float32)


class Extended:
    """H of a PSF on a domain around the frame that is as wide as the larger of both PSFs asks for, and its adjoint."""

    def __init__(self, psf, largest):
        before = [n - 1 - n // 2 for n in largest]
        self.domain = [m + n - 1 for m, n in zip(SHAPE, largest)]
        self.frame = tuple(slice(b, b + m) for b, m in zip(before, SHAPE))
        self.padded = [d + n for d, n in zip(self.domain, psf.shape)]
        kernel = np.zeros(self.padded)
        kernel[tuple(slice(n) for n in psf.shape)] = psf / psf.sum(dtype=np.float64)
        self.transfer = np.fft.rfftn(np.roll(kernel, [-(n // 2) for n in psf.shape], (0, 1, 2)))

    def convolved(self, values, transfer):
        spectrum = np.fft.rfftn(values, self.padded, axes=(0, 1, 2)) * transfer
        return np.fft.irfftn(spectrum, self.padded, axes=(0, 1, 2))

    def forward(self, estimate):
        return self.convolved(estimate, self.transfer)[self.frame]

    def back(self, ratio):
        placed = np.zeros(self.domain)
        placed[self.frame] = ratio
        return self.convolved(placed, self.transfer.conj())[tuple(slice(d) for d in self.domain)]


@pytest.fixture
def scene(tmp_path):
    random = np.random.default_rng(2)
    psfs = [psf((7, 3, 5), (2, 0.8, 1), random), psf((3, 5, 7), (0.8, 1, 2), random)]
    largest = [max(pair) for pair in zip(*(p.shape for p in psfs))]
    blurs = [Extended(p, largest) for p in psfs]
    light = np.full(blurs[0].domain, 3.0)
    light.flat[random.choice(light.size, 40, replace=False)] += random.uniform(100, 3000, 40)
    images = [random.poisson(h.forward(light) + b).astype(np.float32) for h, b in zip(blurs, BACKGROUNDS)]
    for number in range(2):
        tifffile.imwrite(tmp_path / f"view{number}.tif", images[number], photometric="minisblack")
        tifffile.imwrite(tmp_path / f"psf{number}.tif", psfs[number], photometric="minisblack")
    return tmp_path, blurs, images


def deconvolved(folder, **options):
    gpudeconv.deconvolve_file(
        folder / "view0.tif",
        folder / "psf0.tif",
        folder / "sharp.tif",
        view=folder / "view1.tif",
        view_psf=folder / "psf1.tif",
        psf_as_is=True,
        background=BACKGROUNDS[0],
        view_background=BACKGROUNDS[1],
        backend="cpu",
        overwrite=True,
        **options,
    )
    return tifffile.imread(folder / "sharp.tif").astype(np.float64)


def reference(blurs, images, iterations):
    """x ← x √(F₁ F₂), F = W H'(g / (H x + b)), and one F alone where W of the other is 0."""
    weights = []
    for blur in blurs:
        seen = blur.back(np.ones(SHAPE))
        weights.append(np.where(seen > 0.01 * seen.max(), 1 / np.maximum(seen, 1e-9), 0))
    estimate = np.full(blurs[0].domain, images[0].mean(dtype=np.float64) - BACKGROUNDS[0])
    for _ in range(iterations):
        views = zip(weights, blurs, images, BACKGROUNDS)
        first, second = ((w * h.back(g / (h.forward(estimate) + b))).clip(0) for w, h, g, b in views)
        both = np.where(weights[0] > 0, np.where(weights[1] > 0, np.sqrt(first * second), first), second)
        estimate = estimate * both
    return estimate[blurs[0].frame]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tile", [None, (5, 9, 11)])
def test_two_views_are_those_of_the_formula(scene, tile):
    folder, blurs, images = scene
    expected = reference(blurs, images, 10)
    result = deconvolved(folder, iterations=10, start="flat", tile=tile)
    assert np.linalg.norm(result - expected) <= 1e-5 * np.linalg.norm(expected)


def test_a_view_comes_with_its_psf(scene):
    folder = scene[0]
    files = [folder / name for name in ("view0.tif", "psf0.tif", "sharp.tif")]
    with pytest.raises(ValueError, match="view= and view_psf= name a second image and its PSF"):
        gpudeconv.deconvolve_file(*files, view=folder / "view1.tif")
    with pytest.raises(ValueError, match="is the image itself"):
        gpudeconv.deconvolve_file(*files, view=folder / "view0.tif", view_psf=folder / "psf1.tif")
