"""What the methods make of an image, side by side, on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

GAMMA = 0.7


@dataclass(frozen=True)
class View:
    """A column of a picture."""

    label: str
    volume: np.ndarray
    """z, y, x, without background."""


@dataclass(frozen=True)
class Cut:
    """Which part of the volumes is shown, and how."""

    spacing: tuple[float, float, float]
    section: tuple[int, int] | None = None
    """Plane and row of sections; None for the brightest voxels along z and y."""
    corner: tuple[int, int] = (0, 0)
    side: int | None = None
    """Voxels of y and x, from the corner on; all of them where None."""


def draw(views: list[View], cut: Cut, path: Path, height: float = 2.6) -> None:
    """Across on top, along the axis below, in true proportions.

    Each column goes from 0 to what two voxels in a thousand of its upper image exceed: what was taken from the haze makes a result
    brighter than its image, which on one scale would be black.
    """
    planes = [[across(view, cut) for view in views], [along(view, cut) for view in views]]
    aspect = cut.spacing[0] / cut.spacing[2]
    heights = [planes[0][0].shape[0], planes[1][0].shape[0] * aspect]
    width = planes[0][0].shape[1]
    column = height * width / heights[0]
    size = (column * len(views), height * sum(heights) / heights[0] + 0.25)
    figure, axes = plt.subplots(2, len(views), figsize=size, height_ratios=heights, squeeze=False)
    for row, images in enumerate(planes):
        for place, (view, image) in enumerate(zip(views, images)):
            axis = axes[row][place]
            white = np.percentile(across(view, cut), 99.8)
            axis.imshow(np.clip(image / white, 0, 1) ** GAMMA, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set_aspect(1 if row == 0 else aspect)
            axis.set_axis_off()
            if row == 0:
                axis.set_title(view.label, fontsize=9, pad=3)
    figure.subplots_adjust(0.002, 0.004, 0.998, 1 - 0.22 / size[1], 0.02, 0.02)
    figure.savefig(path, dpi=100, pil_kwargs={"optimize": True})
    plt.close(figure)
    shrink(path)


def across(view: View, cut: Cut) -> np.ndarray:
    """y, x."""
    plane = view.volume[cut.section[0]] if cut.section else view.volume.max(axis=0)
    return plane[window(cut)]


def along(view: View, cut: Cut) -> np.ndarray:
    """z, x."""
    rows, columns = window(cut)
    return view.volume[:, cut.section[1], columns] if cut.section else view.volume[:, rows, columns].max(axis=1)


def window(cut: Cut) -> tuple[slice, slice]:
    """Of y and x."""
    (y, x), side = cut.corner, cut.side
    return slice(y, None if side is None else y + side), slice(x, None if side is None else x + side)


def shrink(path: Path) -> None:
    """64 grays are enough."""
    from PIL import Image

    with Image.open(path) as image:
        gray = image.convert("L").quantize(64)
    gray.save(path, optimize=True)
