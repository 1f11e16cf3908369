"""Dask arrays in, a Dask array out."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.array import overlap

from . import _arrays, _options
from ._psf import prepare_psf
from ._warnings import DeconvolutionWarning

# Of a halo, where a PSF is smaller: light spreads a little further with each iteration.
LEAST_DEPTH = 12
# Voxels of the part of an image that is asked for what all its chunks are computed with.
PART = (64, 256, 256)


def deconvolve(
    image: Any,
    psf: Any,
    flat_field: Any,
    mask: Any,
    depth: int | Sequence[int] | None,
    options: dict[str, Any],
    *,
    function: Callable[..., Any],
) -> da.Array:
    """`gpudeconv.deconvolve` for arrays of which one at least is Dask's.

    Volumes that are one chunk each are computed as they are. Others are computed chunk by chunk, each with some of
    its neighbors' voxels around it, which are then cut off. `function` computes a chunk.
    """
    original_psf = psf
    has_places = options["psf_at"] is not None
    if has_places:
        psf = psf if _arrays.is_dask(psf) else np.asarray(psf)
    core = _arrays.core_axes(np.ndim(image), np.ndim(_arrays.of_first_place(psf) if has_places else psf))
    image = _as_dask(image, core)
    psf = _as_dask(psf, core)
    # Axes of a PSF, and the one of the places.
    psf_core = core + 1 if has_places else core
    psf = psf.rechunk({axis: -1 for axis in range(psf.ndim - psf_core, psf.ndim)})
    maps = {
        name: _spread(_as_dask(value, core), image, core, name)
        for name, value in (("flat_field", flat_field), ("mask", mask))
        if value is not None
    }
    for name, array in {"image": image, "psf": psf, **maps}.items():
        if any(map(math.isnan, array.shape)):
            raise ValueError(f"{name} has chunks of unknown size: call its compute_chunk_sizes() first")
    leading = _arrays.leading_shape(core, image=image, psf=_arrays.of_first_place(psf) if has_places else psf, **maps)
    if has_places and psf.shape[-psf_core] != len(options["psf_at"]):
        raise ValueError(
            f"psf has the shape {psf.shape} and psf_at {len(options['psf_at'])} places: give psf as many along the last axis "
            "before a PSF's own"
        )
    if np.ndim(options["background"]) > 0:
        raise ValueError(
            "background has one value a channel, which is not for Dask arrays, whose chunks may hold some of the "
            "channels: deconvolve each channel with its own"
        )

    if options["background"] == "auto" and math.prod(image.numblocks[:-core]) > 1:
        warnings.warn(
            "background='auto' is found by each chunk for itself, so that volumes of one channel may have different ones; "
            "give the numbers that one chunk or gpudeconv.deconvolve_file finds",
            DeconvolutionWarning,
            stacklevel=3,
        )
    options = {**options, "method": _options.method_of(options)}
    tunings = None
    if _options.is_tuned(options):
        # Chunks would each find their own.
        tunings = _tunings(image, psf, maps, core, psf_core, options, function)
    cut = [axis for axis in range(-core, 0) if image.numblocks[axis] > 1]
    sides: dict[int, int] = {}
    if cut:
        if options["boundary"] == "periodic":
            raise ValueError("boundary='periodic' needs whole volumes: rechunk image to one chunk along its last axes")
        if flat_field is not None:
            raise ValueError(
                "flat_field needs whole volumes, for it is divided by its mean over all of one: rechunk image to one "
                "chunk along its last axes"
            )
        if options["background"] == "auto":
            raise ValueError(
                "background='auto' needs whole volumes, for each chunk would find another one: rechunk image to one "
                "chunk along its last axes, or give the number that a call on a part of it has found"
            )
        if options["method"] == "wiener":
            warnings.warn(
                "image is chunked within its volumes, and a Wiener filter reaches across the whole of one, so that borders of "
                "chunks may be seen; rechunk image to one chunk along its last axes",
                DeconvolutionWarning,
                stacklevel=3,
            )
        if options["background"] != 0:
            warnings.warn(
                "image is chunked within its volumes, and with a background each chunk starts from the light that it "
                "has itself, so that borders of chunks may be seen; rechunk image to one chunk along its last axes",
                DeconvolutionWarning,
                stacklevel=3,
            )
        depths = _depths(depth, image, original_psf, core, options)
        sides = {axis: depths[axis] for axis in cut}
        image = _with_neighbors(image, sides)
        maps = {name: _with_neighbors(value, sides) for name, value in maps.items()}

    pairs: list[Any] = []
    for array in [image, psf, *maps.values()]:
        kind, own = ("psf", psf_core) if array is psf else ("image", core)
        names = [f"leading {i}" for i in range(array.ndim - own, 0, -1)]
        names += [f"{kind} {axis}" for axis in range(own)]
        pairs += [array, names]
    # Axes along which chunks have to know where they begin, for PSFs lie at different places of these.
    placed = [axis for axis in cut if has_places and len({_place(p)[axis] for p in options["psf_at"]}) > 1]
    if placed and options["spacing"] is None:
        raise ValueError("psf_at are places in µm, but nobody says how large the voxels of the image are: give spacing")
    for axis in placed:
        pairs += [_first_voxels(image.chunks[axis], sides[axis]), [f"image {core + axis}"]]
    if tunings is not None:
        names = [f"leading {i}" for i in range(psf.ndim - psf_core, 0, -1)]
        pairs += [tunings, names or ["tuning"]]
    ndim = len(leading) + core
    result = da.blockwise(
        _deconvolve_block,
        [f"leading {i}" for i in range(len(leading), 0, -1)] + [f"image {axis}" for axis in range(core)],
        *pairs,
        concatenate=True,
        dtype=np.float32,
        meta=np.empty((0,) * ndim, np.float32),
        token=options["method"],
        map_names=tuple(maps),
        placed=placed,
        is_tuned=tunings is not None,
        options=options,
        function=function,
    )
    if sides:
        axes = {ndim + axis: side for axis, side in sides.items()}
        result = overlap.trim_internal(result, axes, "none")
    return result


def _deconvolve_block(
    image: Any,
    psf: Any,
    *others: Any,
    map_names: tuple[str, ...],
    placed: list[int],
    is_tuned: bool,
    options: dict[str, Any],
    function: Callable[..., Any],
) -> Any:
    if is_tuned:
        *others, tuning = others  # type: ignore[assignment]
        options = {**options, "tuning": [json.loads(text) for text in np.ravel(tuning)]}
    if placed:
        options = _moved(options, {axis: first[0] for axis, first in zip(placed, others[len(map_names) :])})
    return function(image, psf, **dict(zip(map_names, others)), **options)


def _moved(options: dict[str, Any], first_voxels: dict[int, int]) -> dict[str, Any]:
    """Options for a part of an image that begins at these voxels along some axes: where PSFs lie counts from there."""
    places = np.array([_place(place) for place in options["psf_at"]], float)
    for axis, first_voxel in first_voxels.items():
        places[:, axis] -= first_voxel * options["spacing"][axis]
    return {**options, "psf_at": places.tolist()}


def _tunings(
    image: da.Array,
    psf: da.Array,
    maps: dict[str, da.Array],
    core: int,
    psf_core: int,
    options: dict[str, Any],
    function: Callable[..., Any],
) -> da.Array:
    """For each PSF what the middle of the first volume that it goes with says of the method, as text in JSON."""
    starts, own = [], []
    for extent, most in zip(image.shape[-core:], PART[-core:]):
        starts.append(max(extent - most, 0) // 2)
        own.append(slice(starts[-1], starts[-1] + min(extent, most)))
    if options["psf_at"] is not None and options["spacing"] is not None:
        options = _moved(options, {axis - core: start for axis, start in enumerate(starts)})

    def part(array: da.Array, index: tuple[int, ...]) -> da.Array:
        # The PSF's own place along axes that both have, the first along others.
        count = array.ndim - core
        index = ((0,) * count + index)[-count:] if count else ()
        return array[tuple(min(i, n - 1) for i, n in zip(index, array.shape)) + tuple(own)]

    leading = psf.shape[:-psf_core]
    ask = dask.delayed(_tuning, pure=True)
    blocks = np.empty(leading or (1,), object)
    for index in np.ndindex(*leading):
        found = ask(
            part(image, index),
            psf[index],
            {name: part(array, index) for name, array in maps.items()},
            blocks.ndim,
            options,
            function,
        )
        blocks[index or (0,)] = da.from_delayed(found, (1,) * blocks.ndim, dtype=object)
    return da.block(blocks.tolist())


def _tuning(
    image: Any, psf: Any, maps: dict[str, Any], ndim: int, options: dict[str, Any], function: Callable[..., Any]
) -> Any:
    found: dict[str, Any] = {}
    function(image, psf, report=found, **maps, **options)
    return np.full((1,) * ndim, json.dumps(found["tuning"][0]), object)


def _place(place: float | Sequence[float]) -> Sequence[float]:
    """A place as z, y and x."""
    return (place, 0.0, 0.0) if np.ndim(place) == 0 else place  # type: ignore[return-value]


def _first_voxels(chunks: tuple[int, ...], side: int) -> da.Array:
    """For each voxel along an axis of chunks with neighbors' voxels where the first one of its chunk lies in the whole."""
    # Its own voxels and those of its neighbors: chunks at both ends have them on one side.
    own = np.array(chunks) - side * (np.array([0] + [1] * (len(chunks) - 1)) + np.array([1] * (len(chunks) - 1) + [0]))
    starts = np.concatenate([[0], np.cumsum(own)[:-1]])
    starts[1:] -= side
    return da.from_array(np.repeat(starts, chunks), chunks=(chunks,))


def _as_dask(array: Any, core: int) -> da.Array:
    """A Dask array, of one volume a chunk where it was none."""
    if _arrays.is_dask(array):
        return array
    array = np.asarray(array)
    return da.from_array(array, chunks=(1,) * (array.ndim - core) + array.shape[-core:])


def _spread(array: da.Array, image: da.Array, core: int, name: str) -> da.Array:
    """A map with the extents and chunks of the image along its last axes."""
    while array.ndim < core:
        array = array[np.newaxis]
    shape = array.shape[:-core] + image.shape[-core:]
    try:
        array = da.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"{name} has the shape {array.shape} and does not fit an image of {image.shape}") from None
    return array.rechunk(array.chunks[:-core] + image.chunks[-core:])


def _with_neighbors(array: da.Array, sides: dict[int, int]) -> da.Array:
    return overlap.overlap(array, {array.ndim + axis: side for axis, side in sides.items()}, "none")


def _depths(depth: Any, image: da.Array, psf: Any, core: int, options: dict[str, Any]) -> list[int]:
    """Voxels to read around a chunk, for each of the last axes."""
    if depth is not None:
        depths = [depth] * core if np.ndim(depth) == 0 else list(depth)
        if len(depths) != core or not all(isinstance(d, (int, np.integer)) and d >= 0 for d in depths):
            raise ValueError(f"depth is {depth!r}: give it a whole number of voxels, or one for each of {core} axes")
    else:
        depths = [0 if extent == 1 else max(extent, LEAST_DEPTH) for extent in _psf_extents(psf, core, options)]
    return [min(int(d), extent) for d, extent in zip(depths, image.shape[-core:])]


def _psf_extents(psf: Any, core: int, options: dict[str, Any]) -> list[int]:
    """Voxels of the image that the largest PSF covers, at most."""
    spacing, psf_spacing = options["spacing"], options["psf_spacing"]
    if _arrays.is_dask(psf):
        # Not computed only to be measured.
        extents = np.array(psf.shape[-core:], float)
        if spacing is not None and psf_spacing is not None:
            extents *= np.array(psf_spacing[-core:]) / np.array(spacing[-core:])
        return [math.ceil(extent) for extent in extents]
    its_own = {name: options[name] for name in prepare_psf.__kwdefaults__ or () if name in options}
    psf = np.asarray(psf)
    prepared = [prepare_psf(one, **its_own).shape for one in psf.reshape((-1, *psf.shape[-core:]))]
    return [max(extents) for extents in zip(*prepared)]
