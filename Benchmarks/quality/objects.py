"""What is looked at: volumes z, y, x of light, 0 or more. The first two are what the methods were tuned on, the others not."""

from __future__ import annotations

import numpy as np
import scipy.ndimage

Shape = tuple[int, ...]
# Soft, as all that is not a point is at these voxel sizes.
SOFTNESS = (0.5, 0.7, 0.7)


def lines(shape: Shape, random: np.random.Generator, density: float = 1.0) -> np.ndarray:
    """Points of one bright voxel, and threads, on black: the worst case of every rule that stops."""
    volume = np.zeros(shape, np.float32)
    voxels = float(np.prod(shape))
    count = max(20, int(voxels * 1.2e-5 * density))
    points = np.column_stack([random.integers(2, n - 2, count) for n in shape])
    amplitudes = random.uniform(0.4, 1.0, count)
    for (z, y, x), amplitude in zip(points, amplitudes):
        volume[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2] += amplitude * 0.35
        volume[z, y, x] += amplitude
    for _ in range(max(6, int(voxels ** (1 / 3.0) / 8 * density))):
        steps = np.cumsum(random.normal(0, 0.06, (int(sum(shape)), 3)), 0) + random.normal(0, 1, 3)
        steps[:, 0] *= 0.35
        steps /= np.linalg.norm(steps, axis=1, keepdims=True)
        start = np.array([random.uniform(0, n) for n in shape])
        places = np.round(start + np.cumsum(steps * 0.8, 0)).astype(int)
        places = places[np.all((places >= 0) & (places < np.array(shape)), axis=1)]
        np.add.at(volume, (places[:, 0], places[:, 1], places[:, 2]), 0.35)
    return volume


def cell(shape: Shape, random: np.random.Generator) -> np.ndarray:
    """A textured nucleus in a dim cytoplasm, threads and points around it; soft."""
    z, y, x = grid(shape)
    nucleus = np.sqrt((z / 0.55) ** 2 + (y / 0.38 + 0.25) ** 2 + (x / 0.34 - 0.3) ** 2)
    texture = scipy.ndimage.gaussian_filter(random.normal(size=shape), (1.5, 3, 3))
    texture /= texture.std()
    volume = 0.5 * (nucleus < 1) * np.clip(0.45 + 0.5 * texture, 0.05, 2)
    volume += 0.05 * (np.sqrt((z / 0.8) ** 2 + (y / 0.85) ** 2 + (x / 0.8) ** 2) < 1)
    volume += 0.6 * lines(shape, random, 0.8) * (nucleus > 1)
    return scipy.ndimage.gaussian_filter(volume, SOFTNESS)


def membranes(shape: Shape, random: np.random.Generator) -> np.ndarray:
    """Thin walls between cells, brighter where three meet, over faint insides: a tissue."""
    places = np.stack(grid_of_voxels(shape))
    seeds = np.column_stack([random.uniform(0, n, 34) for n in shape])
    stretch = np.array([2.0, 1.0, 1.0])
    distances = np.stack([sum(((places[a] - s[a]) * stretch[a]) ** 2 for a in range(3)) ** 0.5 for s in seeds])
    nearest = np.partition(distances, 2, axis=0)[:3]
    walls = np.exp(-(((nearest[1] - nearest[0]) / 1.4) ** 2)) + np.exp(-(((nearest[2] - nearest[0]) / 2) ** 2))
    inside = random.uniform(0.01, 0.06, len(seeds))[distances.argmin(axis=0)]
    return scipy.ndimage.gaussian_filter(walls + inside, SOFTNESS)


def nuclei(shape: Shape, random: np.random.Generator) -> np.ndarray:
    """A dozen and a half ellipsoids of unlike brightness with chromatin and dark nucleoli, on nothing."""
    places = np.stack(grid_of_voxels(shape))
    texture = scipy.ndimage.gaussian_filter(random.normal(size=shape), (1, 2, 2))
    texture /= texture.std()
    volume = np.zeros(shape)
    for _ in range(18):
        center = [random.uniform(0, n) for n in shape]
        radii = np.array([4.5, 9, 9]) * random.uniform(0.7, 1.3, 3)
        inside = sum(((places[a] - center[a]) / radii[a]) ** 2 for a in range(3)) < 1
        volume = np.where(inside, random.uniform(0.3, 1.2), volume)
    chromatin = np.clip(1 + 0.45 * texture, 0.1, 2.5)
    return scipy.ndimage.gaussian_filter(volume * chromatin, SOFTNESS)


def vesicles(shape: Shape, random: np.random.Generator) -> np.ndarray:
    """Hollow and full balls of 1 to 5 voxels in a haze that is not the same everywhere."""
    places = np.stack(grid_of_voxels(shape))
    haze = scipy.ndimage.gaussian_filter(random.normal(size=shape), (4, 10, 10))
    volume = 0.05 * np.clip(1 + haze / haze.std(), 0.1, 4)
    for _ in range(110):
        center = [random.uniform(0, n) for n in shape]
        radius = random.uniform(1, 5)
        near = tuple(slice(max(0, int(c - 8)), int(c + 9)) for c in center)
        distance = sum(((places[a][near] - center[a]) * (1.8 if a == 0 else 1)) ** 2 for a in range(3)) ** 0.5
        ball = np.exp(-(((distance - radius) / 0.9) ** 2)) if random.uniform() < 0.6 else distance < radius / 2 + 0.5
        volume[near] += random.uniform(0.3, 1.0) * ball
    return scipy.ndimage.gaussian_filter(volume, SOFTNESS)


def grid(shape: Shape) -> list[np.ndarray]:
    """Places from -1 to 1."""
    return np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")


def grid_of_voxels(shape: Shape) -> list[np.ndarray]:
    """Places counted in voxels."""
    return np.meshgrid(*[np.arange(n, dtype=float) for n in shape], indexing="ij")


OBJECTS = {"cell": cell, "lines": lines, "membranes": membranes, "nuclei": nuclei, "vesicles": vesicles}
