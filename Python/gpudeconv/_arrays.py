"""What users hand over, as arrays that the library can read."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _native

Array = NDArray[Any]


def is_dask(value: object) -> bool:
    """Whether this is a Dask array. Does not import Dask."""
    dask_array = sys.modules.get("dask.array")
    return dask_array is not None and isinstance(value, dask_array.Array)


def readable_type(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    """The type in which the library reads elements of a type: itself, or one of the same bytes, or float32."""
    if dtype.kind not in "biuf":
        raise TypeError(f"{name} has elements of type {dtype}; give it integers, booleans or real numbers")
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    native = dtype.newbyteorder("=")
    return native if native in _native.KNOWN_TYPES else np.dtype(np.float32)


def readable(value: Any, name: str) -> Array:
    """An array that the library can read; the one given where its type and layout allow."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array: give {name}.data, and the good voxels as mask")
    array = np.asarray(value)
    dtype = readable_type(array.dtype, name)
    if array.dtype.kind == "b":
        return array.view(dtype)
    if array.dtype != dtype or not array.flags.aligned:
        # float16 has no number that float32 lacks; larger ones are computed with as float32 in any case.
        with np.errstate(over="ignore"):
            array = array.astype(dtype)
    return array


def core_axes(image_ndim: int, psf_ndim: int) -> int:
    """2 for planes and 3 for volumes, by the axes of the PSF."""
    if psf_ndim < 2:
        raise ValueError(f"psf has {psf_ndim} axes: give it 2 (y, x) or 3 (z, y, x), and more in front for many")
    core = min(psf_ndim, 3)
    if image_ndim < core:
        raise ValueError(
            f"image has {image_ndim} axes and psf has {psf_ndim}: "
            + ("give a 2D image a PSF of 2 axes" if image_ndim == 2 else "give image 2 (y, x) or 3 (z, y, x) at least")
        )
    return core


def of_first_place(psfs: Array) -> Array:
    """The PSFs of the first place, of those that lie along the last axis before a PSF's own."""
    if psfs.ndim < 3 or 0 in psfs.shape:
        raise ValueError(f"psf has the shape {psfs.shape}: with psf_at give it (places, z, y, x), or (places, y, x)")
    return psfs[..., 0, :, :, :] if psfs.ndim > 3 else psfs[0]


def leading_shape(core: int, **arrays: Any) -> tuple[int, ...]:
    """The axes before the last `core` of all arrays, broadcast."""
    leading = {name: array.shape[:-core] for name, array in arrays.items() if array is not None}
    try:
        return np.broadcast_shapes(*leading.values())
    except ValueError:
        shapes = ", ".join(f"{name} {shape}" for name, shape in leading.items())
        raise ValueError(f"the axes before the last {core} do not broadcast: {shapes}") from None


def spread(array: Array, core_shape: tuple[int, ...], name: str) -> Array:
    """A map that counts for a whole volume, from one that NumPy would broadcast with it. Not a copy."""
    core = len(core_shape)
    if array.ndim < core:
        array = array.reshape((1,) * (core - array.ndim) + array.shape)
    try:
        return np.broadcast_to(array, array.shape[:-core] + core_shape)
    except ValueError:
        raise ValueError(f"{name} has the shape {array.shape} and does not fit an image of {core_shape}") from None


def as_volumes(array: Array, core: int) -> Array:
    """Planes as volumes of one plane."""
    return array if core == 3 else array[..., np.newaxis, :, :]
