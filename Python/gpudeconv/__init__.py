"""Deconvolution of 3D fluorescence images on OpenCL devices and CPUs.

`deconvolve` takes NumPy and Dask arrays alike, and drops into ``dask.array.map_blocks`` and
``xarray.apply_ufunc``.
"""

from typing import Any

from ._deconvolution import Uncertainty, deconvolve, deconvolve_file, plan, richardson_lucy, uncertainty
from ._devices import Device, devices
from ._native import DeviceError, Progress
from ._psf import generate_psf, prepare_psf
from ._warnings import DeconvolutionWarning

__all__ = [
    "DeconvolutionWarning",
    "Device",
    "DeviceError",
    "Progress",
    "Uncertainty",
    "deconvolve",
    "deconvolve_file",
    "devices",
    "generate_psf",
    "plan",
    "prepare_psf",
    "richardson_lucy",
    "uncertainty",
]

# Pickles name the place that is promised.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name

__version__: str


def __getattr__(name: str) -> Any:
    # Only when asked for: importlib.metadata takes longer to import than all of this package.
    if name == "__version__":
        from importlib.metadata import version

        return version("gpudeconv")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
