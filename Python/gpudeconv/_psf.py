"""PSFs, prepared."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arrays, _native, _options, _warnings


def prepare_psf(
    psf: ArrayLike,
    *,
    spacing: Sequence[float] | None = None,
    psf_spacing: Sequence[float] | None = None,
    psf_background: float | Literal["auto"] = "auto",
    psf_as_is: bool = False,
    report: dict[str, Any] | None = None,
) -> NDArray[np.float32]:
    """The PSF as `deconvolve` uses it.

    Its background is subtracted, its center moved to voxel n // 2 of each axis, its voxels given the size of the
    image's, what is empty cropped, and the sum made 1.

    Parameters
    ----------
    psf : array_like, (z, y, x) or (y, x)
        As measured.
    spacing, psf_spacing, psf_background, psf_as_is
        As for `deconvolve`.
    report : dict, optional
        Filled with what was done, by the keys that ``psf`` has in ``gpudeconv --report``.

    Returns
    -------
    ndarray
        float32, of as many axes as `psf`.
    """
    psf = _arrays.readable(psf, "psf")
    if psf.ndim not in (2, 3):
        raise ValueError(f"psf has {psf.ndim} axes: give it 2 (y, x) or 3 (z, y, x)")
    options = {
        "spacing": spacing,
        "psf_spacing": psf_spacing,
        "psf_background": psf_background,
        "psf_as_is": psf_as_is,
    }
    library = _native.library()
    prepared = ctypes.POINTER(_native.CArray)()
    text = ctypes.c_void_p()
    _native.check(
        library.gpudeconv_prepare_psf(
            _options.for_volumes(options, psf.ndim),
            _native.CArray.of(_arrays.as_volumes(psf, psf.ndim)),
            ctypes.byref(prepared),
            ctypes.byref(text),
        )
    )
    try:
        shape = tuple(prepared.contents.shape[axis] for axis in range(3))
        elements = ctypes.cast(prepared.contents.data, ctypes.POINTER(ctypes.c_float))
        result: NDArray[np.float32] = np.ctypeslib.as_array(elements, shape).copy()
    finally:
        library.gpudeconv_array_destroy(prepared)
    _warnings.pass_on(_native.take_json(text), report)
    return result if psf.ndim == 3 else result[0]
