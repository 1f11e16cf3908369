import numpy as np
import pytest


def gaussian(shape, sigma):
    """A PSF with its center at voxel n // 2 of each axis, so that preparing it moves nothing."""
    axes = [np.arange(n) - n // 2 for n in shape]
    grid = np.meshgrid(*axes, indexing="ij")
    return np.exp(-sum((a / s) ** 2 for a, s in zip(grid, sigma)) / 2)


def blobs(shape, seed, count=12):
    """Counts of some round things on a dim ground, uint16."""
    rng = np.random.default_rng(seed)
    grid = np.indices(shape)
    image = np.full(shape, 20.0)
    for _ in range(count):
        center = [rng.uniform(0, n) for n in shape]
        image += rng.uniform(100, 400) * np.exp(-sum((a - c) ** 2 for a, c in zip(grid, center)) / 8)
    return rng.poisson(image).astype(np.uint16)


@pytest.fixture(scope="session")
def volume():
    """With `psf` the work shape is 14x24x28, of which OpenCL devices have compiled transforms."""
    return blobs((10, 20, 24), seed=1)


@pytest.fixture(scope="session")
def psf():
    return gaussian((5, 5, 5), (1.2, 0.9, 1.0))


@pytest.fixture(scope="session")
def volumes():
    """(channel 2, time 3, z, y, x)"""
    return np.stack([[blobs((6, 12, 14), seed=10 * c + t) for t in range(3)] for c in range(2)])


@pytest.fixture(scope="session")
def psfs():
    """(channel 2, 1, z, y, x)"""
    return np.stack([gaussian((3, 5, 4), (0.8, s, 1.0)) for s in (0.8, 1.3)])[:, None]
