"""Types of keywords, for annotations: ``boundary: gpudeconv.typing.Boundary``.

A test holds them against the options that the library has.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from ._progress import ProgressOption

Path = str | os.PathLike[str]

Method = Literal[
    "auto",
    "fast",
    "richardson-lucy",
    "gated",
    "rlgc",
    "wiener-butterworth",
    "otf-masked-wiener",
    "landweber",
    "ictm",
    "fista",
    "wiener",
    "tikhonov",
]
Boundary = Literal["extend", "zero", "edge", "reflect", "periodic"]
Start = Literal["light", "flat", "observed"]
Acceleration = Literal["none", "heavy-ball", "biggs-andrews"]
Backend = Literal["auto", "opencl", "cpu"]
FFT = Literal["auto", "clfft", "vkfft"]
DType = Literal["float32", "uint16", "uint8"]
Microscope = Literal["widefield", "confocal", "spinning-disk", "two-photon", "light-sheet"]
Model = Literal["scalar", "vectorial"]
# An entry of a report's "tuning".
Tuning = Mapping[str, Any]
# Of PSFs: depths, or z, y and x of each.
Places = Sequence[float | Sequence[float]]


class MicroscopeOptions(TypedDict, total=False):
    """What a PSF is computed from: the keywords of `generate_psf` and `deconvolve` that are about the microscope."""

    microscope: Microscope | None
    model: Model
    na: float | None
    emission: float | Sequence[float] | None
    excitation: float | Sequence[float] | None
    dye: str | Sequence[str] | None
    immersion: str | float | None
    sample_index: float | None
    cover_glass: float | None
    sample_depth: float
    pinhole: str | float | None
    sheet_thickness: float | None
    sheet_na: float | None
    psf_shape: Sequence[int] | None


class Options(TypedDict, total=False):
    """The options of `deconvolve` and `plan`, beside ``iterations`` and the microscope."""

    method: Method | None
    boundary: Boundary
    background: float | Sequence[float] | Literal["auto"]
    read_noise: float | None
    snr: float | None
    regularization: float | None
    start: Start | None
    accelerate: Acceleration | None
    stop: str | None
    max_iterations: int | None
    total_variation: float | Literal["auto"] | None
    good_roughness: float | None
    tikhonov_miller: float | None
    sieve: float | None
    gain: float | None
    seed: int | None
    tuning: Path | Tuning | Sequence[Tuning] | None
    saturation: float | Literal["auto"] | None
    spacing: Sequence[float] | None
    psf_at: Places | Literal["auto"] | None
    psf_modes: int | None
    psf_spacing: Sequence[float] | None
    psf_background: float | Literal["auto"]
    psf_as_is: bool
    radial_average: bool
    symmetrize: bool
    backend: Backend
    device: int | str | Sequence[int] | None
    fft: FFT
    threads: int | None
    memory_limit: int | str | None
    tile: Sequence[int] | None


class PlanOptions(Options, MicroscopeOptions, total=False):
    """The options of `plan`, beside ``iterations``."""


class ArrayOptions(Options, MicroscopeOptions, total=False):
    """The keywords of `deconvolve`, beside ``iterations`` and what it reads."""

    depth: int | Sequence[int] | None
    out: NDArray[np.float32] | None
    progress: ProgressOption
    report: dict[str, Any] | None


class FileOptions(Options, MicroscopeOptions, total=False):
    """The options of `deconvolve_file`, beside ``iterations``."""

    array: Path | None
    axes: str | None
    channel: int | str | Sequence[int] | None
    time: int | str | Sequence[int] | None
    flat_field: Path | None
    mask: Path | None
    view: Path | None
    view_psf: Path | None
    view_background: float | Sequence[float] | Literal["auto"] | None
    dtype: DType
    ome: bool
    deflate: bool
    overwrite: bool
    write_mask: Path | None
    uncertainty: Path | None
    divergence_interval: int
    output_array: Path | None
    zarr_format: Literal[2, 3] | None
    chunks: Sequence[int] | None
    shards: Sequence[int] | None
    codec: str | None
