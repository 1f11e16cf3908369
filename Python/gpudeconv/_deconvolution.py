"""The functions of the package."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arrays, _native, _options, _warnings, _workers
from ._progress import ProgressOption, reporter
from ._psf import FIGURES, psf_for
from .typing import FFT, Acceleration, Backend, Boundary, Method, Microscope, Model, Path, Places, Start, Tuning

if TYPE_CHECKING:
    import dask.array as da
    from typing_extensions import Unpack

    from .typing import ArrayOptions, FileOptions, PlanOptions

# Keywords of `deconvolve` that are no options of the library.
OWN_KEYWORDS = frozenset({"image", "psf", "flat_field", "mask", "depth", "out", "progress", "report", *FIGURES})


# A Dask array is array_like, so that array_like comes last; where Dask is not installed, anything is one of its arrays,
# so that NumPy comes first.
@overload
def deconvolve(
    image: NDArray[Any],
    psf: NDArray[Any] | None = None,
    iterations: int | None = None,
    *,
    flat_field: NDArray[Any] | None = None,
    mask: NDArray[Any] | Literal["auto"] | None = None,
    **options: Unpack[ArrayOptions],
) -> NDArray[np.float32]: ...
@overload
def deconvolve(
    image: da.Array,
    psf: ArrayLike | da.Array | None = None,
    iterations: int | None = None,
    *,
    flat_field: ArrayLike | da.Array | None = None,
    mask: ArrayLike | da.Array | None = None,
    **options: Unpack[ArrayOptions],
) -> da.Array: ...
@overload
def deconvolve(
    image: ArrayLike,
    psf: da.Array,
    iterations: int | None = None,
    *,
    flat_field: ArrayLike | da.Array | None = None,
    mask: ArrayLike | da.Array | None = None,
    **options: Unpack[ArrayOptions],
) -> da.Array: ...
@overload
def deconvolve(
    image: ArrayLike,
    psf: ArrayLike,
    iterations: int | None = None,
    *,
    flat_field: da.Array,
    mask: ArrayLike | da.Array | None = None,
    **options: Unpack[ArrayOptions],
) -> da.Array: ...
@overload
def deconvolve(
    image: ArrayLike,
    psf: ArrayLike,
    iterations: int | None = None,
    *,
    flat_field: ArrayLike | None = None,
    mask: da.Array,
    **options: Unpack[ArrayOptions],
) -> da.Array: ...
@overload
def deconvolve(
    image: ArrayLike,
    psf: ArrayLike | None = None,
    iterations: int | None = None,
    *,
    flat_field: ArrayLike | None = None,
    mask: ArrayLike | Literal["auto"] | None = None,
    **options: Unpack[ArrayOptions],
) -> NDArray[np.float32]: ...
def deconvolve(
    image: ArrayLike,
    psf: ArrayLike | None = None,
    iterations: int | None = None,
    *,
    method: Method | None = None,
    boundary: Boundary = "extend",
    background: float | Sequence[float] | Literal["auto"] = 0.0,
    read_noise: float | None = None,
    snr: float | None = None,
    regularization: float | None = None,
    start: Start | None = None,
    accelerate: Acceleration | None = None,
    stop: str | None = None,
    max_iterations: int | None = None,
    total_variation: float | Literal["auto"] | None = None,
    good_roughness: float | None = None,
    tikhonov_miller: float | None = None,
    sieve: float | None = None,
    gain: float | None = None,
    seed: int | None = None,
    tuning: Path | Tuning | Sequence[Tuning] | None = None,
    saturation: float | Literal["auto"] | None = None,
    flat_field: ArrayLike | None = None,
    mask: ArrayLike | Literal["auto"] | None = None,
    spacing: Sequence[float] | None = None,
    psf_at: Places | Literal["auto"] | None = None,
    psf_modes: int | None = None,
    psf_spacing: Sequence[float] | None = None,
    psf_background: float | Literal["auto"] = "auto",
    psf_as_is: bool = False,
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
    radial_average: bool = False,
    symmetrize: bool = False,
    backend: Backend = "auto",
    device: int | str | Sequence[int] | None = None,
    fft: FFT = "auto",
    threads: int | None = None,
    memory_limit: int | str | None = None,
    tile: Sequence[int] | None = None,
    depth: int | Sequence[int] | None = None,
    out: NDArray[np.float32] | None = None,
    progress: ProgressOption = None,
    report: dict[str, Any] | None = None,
) -> Any:
    """Take the blur of a microscope out of images.

    A generalized ufunc of signature ``(z,y,x),(a,b,c)->(z,y,x)``: axes in front of the last three broadcast as
    everywhere in NumPy, so an image (channel, time, z, y, x) goes with PSFs (channel, 1, a, b, c). A PSF of two
    axes makes it ``(y,x),(b,c)->(y,x)``.

    Parameters
    ----------
    image : array_like or dask.array.Array, (..., z, y, x) or (..., y, x)
        Observed counts, of any real type, byte order and layout. 8 and 16-bit unsigned integers, which cameras
        give, are computed from as they are.
    psf : array_like or dask.array.Array, (..., a, b, c) or (..., b, c), optional
        Point spread functions as measured or computed, in any unit and of any size. They are prepared: see
        `prepare_psf`. Without one it is computed from `spacing` and the figures of the microscope.
    iterations : int, optional
        Updates of the estimate, for methods that iterate; more are sharper and noisier. Alone it means plain
        Richardson-Lucy. By default as many as the method takes of itself: 10, or 7 of ``fast``.
    method : {'auto', 'fast', 'richardson-lucy', 'gated', 'rlgc', 'wiener-butterworth', 'otf-masked-wiener', 'landweber', \
'ictm', 'fista', 'wiener', 'tikhonov'}, optional
        How to deconvolve; ``auto`` finds the number of iterations and how smooth the result may be from the photons of
        the image, ``fast`` takes less time than eight plain iterations. An option that the method does not take is a
        ValueError. By default ``auto``, or ``richardson-lucy`` where an option is given that only it takes.
    boundary : {'extend', 'zero', 'edge', 'reflect', 'periodic'}
        What lies outside the image. ``extend`` estimates the light there, so that borders come out neither dark nor
        bright.
    background : float, sequence of float or 'auto'
        Camera offset and haze, in counts of the image: for all channels, or one for each PSF; ``auto`` finds them in
        the dark parts of the image, once for all volumes of a channel. A Dask array is asked chunk by chunk, so that
        chunks find levels of their own: find one first, in ``report`` of a call on a part of it, and give that.
    read_noise : float, optional
        Read noise of the camera, in counts of the image; not for ``wiener`` and ``landweber``. By default 0.
    snr : float, optional
        Signal over noise of the image; ``wiener`` only. By default 20.
    regularization : float, optional
        How smooth the result is kept; ``tikhonov``, ``ictm`` and ``fista`` only. By default 0.05; 0.01 suits bright images,
        0.1 dim ones.
    start : {'light', 'flat', 'observed'}, optional
        Where the estimate starts, for methods that iterate. By default ``light``, which clears the haze of a
        background soonest.
    accelerate : {'none', 'heavy-ball', 'biggs-andrews'}, optional
        How the estimate goes on beyond each update; ``richardson-lucy`` only. 15 iterations then do the work of 50. By
        default none.
    stop : {'auto', 'none', 'held-out', 'whiteness', 'consensus', 'divergence:X'}, optional
        How the number of iterations is found, once for all volumes, or for those of each PSF where there are several
        (give each channel its own, if only a copy): where photons that were held out are foretold best, where nothing
        but noise is left of the image, where an iteration takes less than the part X off the divergence, or where
        halves of the photons agree on little more (``rlgc`` only). Of a Dask array a part in the middle is asked, once
        for each PSF, and all chunks take what it says. By default auto: ``held-out`` for ``gated``, ``consensus`` for
        ``rlgc``, none for others.
    max_iterations : int, optional
        The most iterations that a stop rule may come to. By default 100.
    total_variation : float or 'auto', optional
        How much the estimate is held to a small total variation, over the root of its light in photons; 0.15 suits most
        cells, 0 single points, and ``auto`` asks photons that were held out. By default 0.
    good_roughness, tikhonov_miller : float, optional
        How much the estimate is held to a small roughness, in place of total variation; ``richardson-lucy`` only. Good's
        is that of |grad x|^2 / x, where 0.01 to 0.05 suit most cells, that of Tikhonov and Miller of |grad x|^2 over the
        mean light, where 0.001 to 0.003 do; 0 suits single points. By default 0.
    sieve : float, optional
        How coarse the result is made: standard deviation of a Gaussian over the full width of the PSF at half maximum, 0 to
        1; ``richardson-lucy`` only. 0.25 suits most cells. By default 0.
    gain : float, optional
        Counts a photon. By default what the noise of the image says.
    seed : int, optional
        Number that photons are drawn with, to be held out or for halves. By default 0.
    tuning : path, dict or sequence of dict, optional
        What another run found out of its image, in place of what this one says: the path of its report, or what its
        ``report`` has under ``tuning``, so that images are treated alike.
    saturation : float or 'auto', optional
        Counts from which on a voxel is saturated and does not count; ``auto`` finds them where many voxels share the
        largest value and hardly any come near.
    flat_field : array_like or dask.array.Array, optional
        How sensitive each voxel is; divided by its mean, 0 is bad. Broadcasts with the image.
    mask : array_like, dask.array.Array or 'auto', optional
        False or 0 on bad voxels, which then do not count and may be NaN. Broadcasts with the image. ``auto`` finds
        pixels that are hot or dead in every plane, and empty planes; not for Dask arrays.
    spacing, psf_spacing : sequence of float, optional
        Voxel sizes of image and PSF in µm, in the order of the axes. Where they differ, the PSF is resampled.
    psf_at : sequence of float or of sequences of float, or 'auto', optional
        Where each of several PSFs holds, which then lie along one more axis of `psf`, the last before its own: depths
        in µm from the image's first plane, or z, y and x from its first voxel. Between them the PSF is the mean of its
        neighbors by their distance. Needs `spacing`; not for ``wiener``. Without `psf` depths for which PSFs are
        computed, `sample_depth` being that of the first plane; ``auto`` takes as many as their differences ask for.
    psf_modes : int, optional
        Modes that these PSFs are made of, 1 to 8; each takes as long as one PSF. By default as few as leave 10 % of
        none.
    psf_background : float or 'auto'
        Counts to subtract from the PSF; ``auto`` finds them at its border.
    psf_as_is : bool
        Normalize the PSF and do nothing else to it.
    microscope : {'widefield', 'confocal', 'spinning-disk', 'two-photon', 'light-sheet'}, optional
        Kind of microscope, where `psf` is left out and computed: see `generate_psf`, as for what follows.
    model : {'scalar', 'vectorial'}
        How light is described.
    na, emission, excitation, dye, immersion
        The objective and the light. One wavelength or dye for each channel goes with an image whose first axis is the
        channel.
    sample_index, cover_glass, sample_depth, pinhole, sheet_thickness, sheet_na, psf_shape
        The sample, and what there is besides.
    radial_average, symmetrize : bool
        Average the OTF over rings around the optical axis, or the PSF with its mirror images in y and x; not with
        `psf_as_is`.
    backend : {'auto', 'opencl', 'cpu'}
        What computes; ``auto`` takes a GPU if there is one, else the CPU.
    device : int, str or sequence of int, optional
        Device by its number or part of its name as `devices` has them; ``'all'`` for all GPUs, which share the
        volumes. By default the best one, or in a Dask worker the one that is its turn.
    fft : {'auto', 'clfft', 'vkfft'}
        FFT library on an OpenCL device.
    threads : int, optional
        Threads of the CPU back end. By default one for each core, or in a Dask worker as many as it has.
    memory_limit : int or str, optional
        Most memory to compute in, in bytes or such as ``'8GB'``. By default what is free.
    tile : sequence of int, optional
        Voxels that a tile delivers. By default as many as fit.
    depth : int or sequence of int, optional
        For Dask arrays that are chunked along z, y or x: voxels that each chunk reads of its neighbors. By default
        the size of the PSF.
    out : ndarray, optional
        Where the result goes: float32, of the result's shape, in any layout.
    progress : bool or callable, optional
        True for a progress bar, by tqdm if it is installed; or what is called with a `Progress` after every
        iteration, in this thread. What it raises ends the run and comes out of here, as Ctrl-C does.
    report : dict, optional
        Filled with what was done, by the keys of ``gpudeconv --report``.

    Returns
    -------
    ndarray or dask.array.Array
        Deconvolved counts per voxel, float32, of the broadcast shape; a Dask array if one was given, computed when
        that is.

    Raises
    ------
    ValueError
        For an option outside its range, shapes that do not fit, NaN or infinity on voxels that count, a PSF that is
        none.
    TypeError
        For elements that are no real numbers.
    DeviceError
        When there is no such device, or it fails.
    MemoryError
        When memory runs out; a `memory_limit` below what the smallest tile takes is a ValueError.

    Warns
    -----
    DeconvolutionWarning
        For what the report has under ``diagnostics``.

    Notes
    -----
    The interpreter's lock is released. Calls from many threads are safe: each device computes for one at a time, so
    that they need no more memory than one. What a call sets up, such as FFT plans and transfer functions, is kept
    for the next one of its kind.

    Examples
    --------
    >>> import numpy as np, gpudeconv
    >>> image = np.zeros((8, 16, 16), np.uint16)
    >>> image[3:6, 7:10, 7:10] = 100
    >>> psf = np.zeros((5, 5, 5))
    >>> psf[1:4, 1:4, 1:4] = 1
    >>> sharp = gpudeconv.deconvolve(image, psf, iterations=20, backend="cpu")
    >>> sharp.shape, sharp.dtype, np.unravel_index(sharp.argmax(), sharp.shape) == (4, 8, 8)
    ((8, 16, 16), dtype('float32'), True)
    """
    # All keywords, so that no option is left behind.
    keywords = dict(locals())
    options = {name: value for name, value in keywords.items() if name not in OWN_KEYWORDS}
    figures = {name: keywords[name] for name in FIGURES}
    made = None
    if psf is None:
        _refuse_options_of_psfs(options)
        psf, psf_at, made = psf_for(image, spacing, figures, psf_at)
        options |= {"psf_as_is": True, "psf_at": psf_at}
    else:
        _refuse_options_of_computed(figures, psf_at)
    mask = _found_mask(mask, options)
    if report is not None and not isinstance(report, dict):
        raise TypeError(f"report must be a dict, which is filled, not {type(report).__name__}")
    if any(map(_arrays.is_dask, (image, psf, flat_field, mask))):
        if tikhonov_miller not in (None, 0):
            raise ValueError(
                "tikhonov_miller looks at the mean light of the whole image, and chunks of Dask arrays would each take their "
                "own: give good_roughness, which looks at each voxel's light"
            )
        if out is not None or progress or report is not None:
            raise ValueError("out, progress and report are not for Dask arrays: use what Dask has for them")
        if options.get("mask") is not None:
            raise ValueError(
                "mask='auto' looks at whole stacks, and chunks of Dask arrays know nothing of each other: give the mask "
                "that mask='auto' finds in a file, which write_mask keeps"
            )
        from . import _dask

        try:
            # Here, and not by a worker in an hour.
            own_axes = np.ndim(psf) - (0 if psf_at is None else 1)
            _options.for_volumes(options, _arrays.core_axes(np.ndim(image), own_axes)).check()
        except ImportError:
            # Only the workers need a library that can be loaded.
            pass
        return _dask.deconvolve(image, psf, flat_field, mask, depth, options, function=deconvolve)

    if depth is not None:
        raise ValueError(
            "depth is what chunks of Dask arrays read of their neighbors, and no array is Dask's: leave it out; how deep "
            "the sample lies under the cover glass is sample_depth"
        )
    if report is None:
        options["divergence_interval"] = 0
    (result,), done = _computed(image, psf, flat_field, mask, options, progress, [out])
    if done is not None:
        _warnings.pass_on(done, report)
        if made is not None and report is not None:
            report["computedPSF"] = made
    return result


def _computed(
    image: ArrayLike,
    psf: ArrayLike,
    flat_field: ArrayLike | None,
    mask: ArrayLike | None,
    options: dict[str, Any],
    progress: ProgressOption,
    outputs: Sequence[NDArray[np.float32] | None],
) -> tuple[list[NDArray[np.float32]], dict[str, Any] | None]:
    """What the library makes of arrays in memory: results and report, which is None where there is nothing to compute.

    `outputs` is where the results go, None for new arrays: the deconvolved image alone, or with a map of its standard
    error.
    """
    image = _arrays.readable(image, "image")
    psf = _arrays.readable(psf, "psf")
    one_psf = psf if options.get("psf_at") is None else _arrays.of_first_place(psf)
    core = _arrays.core_axes(image.ndim, one_psf.ndim)
    core_shape = image.shape[-core:]
    maps = {
        name: _arrays.spread(_arrays.readable(value, name), core_shape, name)
        for name, value in (("flat_field", flat_field), ("mask", mask))
        if value is not None
    }
    shape = _arrays.leading_shape(core, image=image, psf=one_psf, **maps) + core_shape
    results = [np.empty(shape, np.float32) if out is None else _checked_output(out, shape) for out in outputs]
    if results[0].size == 0:
        return results, None
    volumes = [
        None
        if volume is None
        else volume.copy()
        if any(np.may_share_memory(volume, result) for result in results)
        else volume
        for volume in (image, psf, maps.get("flat_field"), maps.get("mask"))
    ]
    arguments = [
        None if volume is None else _native.CArray.of(_arrays.as_volumes(volume, core))
        for volume in (*volumes, *results)
    ]
    library = _native.library()
    with reporter(progress) as function:
        done = _native.run(
            library.gpudeconv_deconvolve if len(results) == 1 else library.gpudeconv_uncertainty,
            _native.session(),
            _options.for_volumes(_workers.resolved(options), core),
            *arguments,
            progress=function,
        )
    return results, done


class Uncertainty(NamedTuple):
    """What `uncertainty` found: a deconvolved image, and how certain and how fine it is."""

    image: NDArray[np.float32]
    """Deconvolved counts, as of `deconvolve`."""
    map: NDArray[np.float32]
    """A draw of the standard error of each voxel, in the units of `image`. Its root mean square over places that are alike
    is their standard error; its mean is 0.80 of it."""
    resolution: NDArray[np.float64]
    """The length of the finest wave that both halves of the photons agree on along each axis of a volume, in the order of
    the axes: in µm where `spacing` was given, else in voxels. NaN where they never agree, and along an axis of one voxel.
    Where there are several PSFs, those of each are along the leading axes of `psf`."""
    report: dict[str, Any]
    """What was done, by the keys of ``gpudeconv --report``; ``report["uncertainty"]`` has the curves of correlation."""


def uncertainty(
    image: ArrayLike,
    psf: ArrayLike | None = None,
    iterations: int | None = None,
    *,
    flat_field: ArrayLike | None = None,
    mask: ArrayLike | Literal["auto"] | None = None,
    progress: ProgressOption = None,
    **options: Unpack[PlanOptions],
) -> Uncertainty:
    """Deconvolve an image and say how certain each voxel is, and how fine the result.

    The photons are split into two independent halves, as if two cameras had shared the light, and each is deconvolved
    as all of them are. What differs is noise, and down to the size where they agree the result is resolved. It takes three
    times as long as `deconvolve`.

    Parameters
    ----------
    image : array_like, (..., z, y, x) or (..., y, x)
        Observed counts, as for `deconvolve`, but of no Dask array. How many counts a photon makes follows from their
        noise, or is `gain` among `options`; without either it cannot be told.
    psf, iterations, flat_field, mask, progress
        As for `deconvolve`.
    **options
        Other keywords of `deconvolve`: `typing.PlanOptions`. `seed` draws other halves.

    Returns
    -------
    Uncertainty
        ``image``, which is what `deconvolve` gives, ``map``, ``resolution`` and ``report``.

    Raises
    ------
    ValueError
        For a Dask array, where nobody can tell the photons, and as `deconvolve`.
    TypeError
        For a keyword that there is not.

    Warns
    -----
    DeconvolutionWarning
        As `deconvolve`.

    Examples
    --------
    >>> import numpy as np, gpudeconv
    >>> z, y, x = np.ogrid[-4:5, -8:8, -8:8]
    >>> psf = np.exp(-(z**2 / 4 + y**2 + x**2) / 4)
    >>> image = np.random.default_rng(1).poisson(1000 * psf + 20)
    >>> sharp = gpudeconv.uncertainty(image, psf, iterations=10, gain=1, backend="cpu")
    >>> sharp.map.shape == sharp.image.shape, sharp.resolution.shape
    (True, (3,))
    """
    figures: dict[str, Any] = {name: options.pop(name) for name in FIGURES if name in options}  # type: ignore[misc]
    _options.refuse_unknown(uncertainty, options)
    if any(map(_arrays.is_dask, (image, psf, flat_field, mask))):
        raise ValueError(
            "uncertainty compares both halves of whole volumes, of which chunks of Dask arrays are parts: give it an "
            "array in memory, such as image.compute(), or write the image to a file and use "
            "deconvolve_file(..., uncertainty=...)"
        )
    keywords = {name: value for name, value in (deconvolve.__kwdefaults__ or {}).items() if name not in OWN_KEYWORDS}
    keywords |= {"iterations": iterations, **options}
    made = None
    if psf is None:
        _refuse_options_of_psfs(keywords)
        psf, keywords["psf_at"], made = psf_for(image, keywords["spacing"], figures, keywords["psf_at"])
        keywords["psf_as_is"] = True
    else:
        _refuse_options_of_computed(figures, keywords["psf_at"])
    mask = _found_mask(mask, keywords)
    (result, errors), done = _computed(image, psf, flat_field, mask, keywords, progress, [None, None])
    report: dict[str, Any] = {}
    if done is not None:
        _warnings.pass_on(done, report)
    if made is not None:
        report["computedPSF"] = made
    one_psf = np.asarray(psf) if keywords["psf_at"] is None else _arrays.of_first_place(np.asarray(psf))
    core = _arrays.core_axes(result.ndim, one_psf.ndim)
    leading = one_psf.shape[: one_psf.ndim - core]
    resolution = np.full((int(np.prod(leading)), core), np.nan)
    for number, channel in enumerate(report.get("uncertainty", {}).get("channels", ())):
        for curve in channel["curves"]:
            if curve.get("resolution") is not None:
                resolution[number, "zyx"[3 - core :].index(curve["axis"])] = curve["resolution"]
    return Uncertainty(result, errors, resolution.reshape((*leading, core)), report)


def richardson_lucy(
    image: ArrayLike,
    psf: ArrayLike | None = None,
    iterations: int | None = None,
    *,
    flat_field: ArrayLike | None = None,
    mask: ArrayLike | Literal["auto"] | None = None,
    **options: Unpack[ArrayOptions],
) -> Any:
    """Richardson-Lucy deconvolution: `deconvolve` with ``method='richardson-lucy'``.

    Plain iterations, as many as are asked for, and by default 10: what programs and papers mean by the name. For the
    best result that the photons of the image allow, use `deconvolve`, which asks them.

    Parameters
    ----------
    image, psf, iterations, flat_field, mask, **options
        As for `deconvolve`.

    Returns
    -------
    ndarray or dask.array.Array
        As of `deconvolve`.

    Raises
    ------
    ValueError
        For another method, and as `deconvolve`.
    """
    if options.setdefault("method", "richardson-lucy") != "richardson-lucy":
        raise ValueError(f"method is {options['method']!r}: use deconvolve for other methods than its name says")
    return deconvolve(image, psf, iterations, flat_field=flat_field, mask=mask, **options)


def plan(
    image: ArrayLike,
    psf: ArrayLike | None = None,
    iterations: int | None = None,
    *,
    flat_field: ArrayLike | None = None,
    mask: ArrayLike | Literal["auto"] | None = None,
    **options: Unpack[PlanOptions],
) -> dict[str, Any]:
    """What `deconvolve` would do: device, tiles and memory.

    Parameters
    ----------
    image, flat_field, mask : array_like or dask.array.Array
        As for `deconvolve`; only shapes and types count, and whether `mask` is ``'auto'``.
    psf : array_like, optional
        As for `deconvolve`; what it is computed from where it is left out is among `options`.
    iterations : int, optional
        As for `deconvolve`.
    **options
        The options of `deconvolve` that are not about Dask or its result: `typing.PlanOptions`.

    Returns
    -------
    dict
        By the keys of ``gpudeconv plan --json``.

    Raises
    ------
    TypeError
        For a keyword that there is not.
    """
    figures: dict[str, Any] = {name: options.pop(name) for name in FIGURES if name in options}  # type: ignore[misc]
    _options.refuse_unknown(plan, options)
    made = None
    if psf is None:
        _refuse_options_of_psfs(dict(options))
        psf, options["psf_at"], made = psf_for(image, options.get("spacing"), figures, options.get("psf_at"))
        options["psf_as_is"] = True
    else:
        _refuse_options_of_computed(figures, options.get("psf_at"))
    found: dict[str, Any] = {}
    mask = _found_mask(mask, found)
    psf = _arrays.readable(psf, "psf")
    arrays = {
        name: value if hasattr(value, "shape") and hasattr(value, "dtype") else np.asarray(value)
        for name, value in (("image", image), ("flat_field", flat_field), ("mask", mask))
        if value is not None
    }
    one_psf = psf if options.get("psf_at") is None else _arrays.of_first_place(psf)
    core = _arrays.core_axes(len(arrays["image"].shape), one_psf.ndim)
    core_shape = arrays["image"].shape[-core:]

    def outline(name: str) -> _native.CArray | None:
        if name not in arrays:
            return None
        array = arrays[name]
        # Of that shape and type, without its memory.
        array = np.broadcast_to(np.zeros((), _arrays.readable_type(np.dtype(array.dtype), name)), array.shape)
        if name != "image":
            array = _arrays.spread(array, core_shape, name)
        return _native.CArray.without_data(_arrays.as_volumes(array, core).shape, array.dtype)

    text = ctypes.c_void_p()
    _native.check(
        _native.library().gpudeconv_plan(
            _options.for_volumes(_workers.resolved({"iterations": iterations, **options, **found}), core),
            outline("image"),
            _native.CArray.of(_arrays.as_volumes(psf, core)),
            outline("flat_field"),
            outline("mask"),
            ctypes.byref(text),
        )
    )
    result: dict[str, Any] = _native.take_json(text)
    return result if made is None else {**result, "computedPSF": made}


def deconvolve_file(
    input: Path,
    psf: Path | Sequence[Path] | None,
    output: Path,
    iterations: int | None = None,
    *,
    progress: ProgressOption = None,
    **options: Unpack[FileOptions],
) -> dict[str, Any]:
    """Deconvolve the volumes of a file, as the command ``gpudeconv INPUT --psf PSF -o OUTPUT`` does.

    Volumes are read, computed and written at the same time, and memory does not grow with their number. An output
    in Zarr is begun as ``NAME.partial``; after an interruption the same call goes on where it was.

    Parameters
    ----------
    input : path
        TIFF stack, Zarr array, OME-Zarr image, or a folder or pattern of stacks. Stores of Zarr may be folders, ZIP files, or
        URLs (``https://``, ``s3://``) as texts.
    psf : path or sequence of path, or None
        One for all channels, or one for each; with ``psf_at`` one for each place, with a channel for each of the image.
        None computes them, from what the file says of the microscope and from options such as ``na=1.4``.
    output : path
        TIFF file, or a Zarr store: a name that ends in ``.zarr``.
    iterations : int, optional
        Updates of each volume, for methods that iterate. Alone it means plain Richardson-Lucy.
    progress : bool or callable, optional
        As for `deconvolve`.
    **options
        All long options of the command, with ``_`` for ``-``: ``background=98``, ``array="raw"``, ``overwrite=True``,
        ``chunks=(64, 256, 256)``. ``flat_field`` and ``mask`` are paths here, and
        ``mask="auto"`` finds bad pixels. ``view`` and ``view_psf`` are the paths of a second image of the object, aligned
        with the first voxel by voxel, and of its PSF. ``uncertainty`` is the path of a map of the standard error, and
        the report then has the resolution under ``uncertainty``. `typing.FileOptions` has them.

    Returns
    -------
    dict
        What was done, by the keys of ``gpudeconv --report``.

    Raises
    ------
    TypeError
        For a keyword that there is not.
    FileNotFoundError
        For an input that is missing or may not be read.
    FileExistsError
        When the output exists and `overwrite` is not given.
    OSError
        When the output cannot be made, or reading or writing fails in the middle; with ``errno.ENOSPC`` on a full disk.
    """
    _options.refuse_unknown(deconvolve_file, options, of_files=True)
    paths = [] if psf is None else [psf] if isinstance(psf, (str, os.PathLike)) else list(psf)
    psfs = (ctypes.c_char_p * len(paths))(*map(_encoded, paths))
    with reporter(progress) as function:
        done = _native.run(
            _native.library().gpudeconv_deconvolve_file,
            _options.for_volumes(_workers.resolved({"iterations": iterations, **options}), 3),
            _encoded(input),
            psfs,
            len(paths),
            _encoded(output),
            progress=function,
        )
    _warnings.pass_on(done, None)
    return done


def _found_mask(mask: Any, options: dict[str, Any]) -> Any:
    """The mask where it is an array; where it is to be found, None, with the option for that."""
    if not isinstance(mask, str):
        return mask
    if mask != "auto":
        raise ValueError(f"mask is {mask!r}: give an array, or 'auto'; deconvolve_file takes the path of a file")
    options["mask"] = mask
    return None


def _refuse_options_of_psfs(options: dict[str, Any]) -> None:
    """Raises ValueError where somebody gave an option of a measured PSF and no PSF."""
    defaults = deconvolve.__kwdefaults__ or {}
    for name in ("psf_spacing", "psf_background", "psf_as_is", "radial_average", "symmetrize"):
        if options.get(name, defaults[name]) != defaults[name]:
            raise ValueError(f"{name} is for a PSF that is given, and psf is not: leave it out, or give psf")
    if options.get("psf_modes") is not None and options.get("psf_at") is None:
        raise ValueError("psf_modes is for PSFs of several places: give them with psf_at, or leave it out")


def _refuse_options_of_computed(figures: dict[str, Any], psf_at: Any) -> None:
    """Raises ValueError where somebody gave what a PSF is computed from and a PSF."""
    defaults = deconvolve.__kwdefaults__ or {}
    if isinstance(psf_at, str) and psf_at == "auto":
        raise ValueError("psf_at='auto' is for PSFs that are computed, and psf is given: give the place of each PSF")
    for name, value in figures.items():
        if value != defaults[name]:
            raise ValueError(f"{name} is for a PSF that is computed, and psf is given: leave one of them out")


def _encoded(path: Path) -> bytes:
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError(f"the path {path!r} has a character NUL in it")
    return encoded


def _checked_output(out: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if not isinstance(out, np.ndarray) or out.dtype != np.float32 or not out.flags.aligned:
        raise ValueError("out must be a NumPy array of float32, in the byte order of this machine")
    if out.shape != shape:
        raise ValueError(f"out has the shape {out.shape} and the result {shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    return out
