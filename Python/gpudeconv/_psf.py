"""PSFs, prepared and computed."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arrays, _native, _options, _warnings
from .typing import Microscope, Model

if TYPE_CHECKING:
    from .typing import MicroscopeOptions, Places


def prepare_psf(
    psf: ArrayLike,
    *,
    spacing: Sequence[float] | None = None,
    psf_spacing: Sequence[float] | None = None,
    psf_background: float | Literal["auto"] = "auto",
    psf_as_is: bool = False,
    radial_average: bool = False,
    symmetrize: bool = False,
    report: dict[str, Any] | None = None,
) -> NDArray[np.float32]:
    """The PSF as `deconvolve` uses it.

    Its background is subtracted, its center moved to voxel n // 2 of each axis, its voxels given the size of the
    image's, what is empty cropped, and the sum made 1.

    Parameters
    ----------
    psf : array_like, (z, y, x) or (y, x)
        As measured.
    spacing, psf_spacing, psf_background, psf_as_is, radial_average, symmetrize
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
        "radial_average": radial_average,
        "symmetrize": symmetrize,
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
    result = _taken(prepared)
    _warnings.pass_on(_native.take_json(text), report)
    return result if psf.ndim == 3 else result[0]


def generate_psf(
    spacing: Sequence[float],
    *,
    microscope: Microscope | None = None,
    model: Model = "vectorial",
    na: float | None = None,
    emission: float | Sequence[float] | None = None,
    excitation: float | Sequence[float] | None = None,
    dye: str | Sequence[str] | None = None,
    immersion: str | float | None = None,
    sample_index: float | None = None,
    cover_glass: float | None = None,
    sample_depth: float = 0.0,
    pinhole: str | float | None = None,
    sheet_thickness: float | None = None,
    sheet_na: float | None = None,
    psf_shape: Sequence[int] | None = None,
    image_shape: Sequence[int] | None = None,
    report: dict[str, Any] | None = None,
) -> NDArray[np.float32]:
    """The PSF of a microscope, computed from its figures.

    Parameters
    ----------
    spacing : sequence of float
        Voxel size in µm: z, y, x.
    microscope : {'widefield', 'confocal', 'spinning-disk', 'two-photon', 'light-sheet'}
        How light is excited and detected.
    model : {'scalar', 'vectorial'}
        How light is described: by its phase, or with its polarization, which counts above an NA of 0.8.
    na : float
        Numerical aperture of the objective.
    emission, excitation : float or sequence of float, optional
        Wavelengths in vacuum in nm; a sequence has one for each channel.
    dye : str or sequence of str, optional
        Name of a dye, such as ``'GFP'``, in place of both wavelengths.
    immersion : str or float
        ``'air'``, ``'water'``, ``'silicone'``, ``'glycerol'``, ``'oil'``, or a refractive index.
    sample_index : float, optional
        Refractive index of what the sample lies in. By default that of the immersion.
    cover_glass : float, optional
        Thickness of the cover glass in µm. By default that which the objective is made for.
    sample_depth : float
        How far under the cover glass the sample is, in µm.
    pinhole : str or float, optional
        Diameter of the pinhole in Airy units, or in the sample in µm: ``'0.3um'``. By default 1 Airy unit.
    sheet_thickness, sheet_na : float, optional
        Full width of a light sheet at half maximum in µm, or its numerical aperture.
    psf_shape : sequence of int, optional
        Voxels of the PSF: z, y, x. By default as many as hold 99 % of the light of its planes.
    image_shape : sequence of int, optional
        Voxels of the image that it is for, which limit the shape where `psf_shape` does not give it.
    report : dict, optional
        Filled with what was computed, by the keys that ``computedPSF`` has in ``gpudeconv --report``.

    Returns
    -------
    ndarray
        float32, (z, y, x), with sum 1 and the center at voxel n // 2; (channel, z, y, x) where wavelengths or dyes are
        sequences, with zeros around smaller PSFs.
    """
    keywords = dict(locals())
    psf, made = _generated({name: keywords[name] for name in ("spacing", *FIGURES)}, image_shape)
    if report is not None:
        report.update(made)
    return psf


# What a PSF is computed from, by the keywords of `generate_psf` and `deconvolve`.
FIGURES = (
    "microscope",
    "model",
    "na",
    "emission",
    "excitation",
    "dye",
    "immersion",
    "sample_index",
    "cover_glass",
    "sample_depth",
    "pinhole",
    "sheet_thickness",
    "sheet_na",
    "psf_shape",
)


def psf_for(
    image: Any, spacing: Sequence[float] | None, figures: MicroscopeOptions, psf_at: Places | Literal["auto"] | None
) -> tuple[NDArray[np.float32], list[float] | None, dict[str, Any]]:
    """The PSF that is computed for an image of which none is given, with the channels in front; for several depths these, in µm
    from the first plane, with the PSFs along the last axis before their own; and what was computed.
    """
    if np.ndim(image) < 3:
        raise ValueError("psf is missing, and one is computed for volumes only: give psf, or image three axes")
    if spacing is None:
        raise ValueError("psf is missing, and to compute one spacing must be known: give both, or psf")
    options = {"spacing": spacing, "psf_at": psf_at, **figures}
    psf, made = _generated(options, np.shape(image)[-3:])
    places = made["channels"][0].get("places")
    depths = None if places is None else [place["z"] for place in places]
    if psf_at is not None and depths is None:
        # One is enough.
        psf = psf[..., 0, :, :, :]
    own = 3 if depths is None else 4
    if psf.ndim == own:
        return psf, depths, made
    if np.ndim(image) < 4 or np.shape(image)[0] != len(psf):
        raise ValueError(
            f"there are {len(psf)} wavelengths and image has the shape {np.shape(image)}: its first axis must be the channel"
        )
    return psf.reshape((len(psf), *(1,) * (np.ndim(image) - 4), *psf.shape[1:])), depths, made


def _generated(
    options: dict[str, Any], image_shape: Sequence[int] | None
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """What the library computes, with the channels in front where wavelengths or dyes are sequences, and what it says of it."""
    has_channels = any(_is_sequence(options.get(name)) for name in ("emission", "excitation", "dye"))
    generated = ctypes.POINTER(_native.CArray)()
    text = ctypes.c_void_p()
    _native.check(
        _native.library().gpudeconv_generate_psf(
            _options.for_volumes(options, 3),
            -1 if has_channels else 0,
            None if image_shape is None else (ctypes.c_int64 * 3)(*image_shape),
            ctypes.byref(generated),
            ctypes.byref(text),
        )
    )
    return _taken(generated), _native.take_json(text)


def _is_sequence(value: Any) -> bool:
    return not isinstance(value, str) and np.ndim(value) == 1


def _taken(array: Any) -> NDArray[np.float32]:
    """A copy of an array of the library, which is given back."""
    try:
        shape = tuple(array.contents.shape[axis] for axis in range(array.contents.rank))
        elements = ctypes.cast(array.contents.data, ctypes.POINTER(ctypes.c_float))
        result: NDArray[np.float32] = np.ctypeslib.as_array(elements, shape).copy()
    finally:
        _native.library().gpudeconv_array_destroy(array)
    return result
