"""What can compute on this machine."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from . import _native


@dataclass(frozen=True)
class Device:
    """Something that can compute."""

    number: int
    """What the keyword ``device`` takes."""
    backend: str
    """``cpu`` or ``opencl``."""
    type: str
    """``GPU``, ``CPU`` or ``accelerator``."""
    name: str
    driver: str
    memory_bytes: int
    largest_buffer_bytes: int
    compute_units: int


def devices() -> list[Device]:
    """What can compute on this machine.

    Returns
    -------
    list of Device
        This machine's cores, then every OpenCL device in the order of its drivers.

    Examples
    --------
    >>> import gpudeconv
    >>> gpudeconv.devices()[0].backend
    'cpu'
    """
    text = ctypes.c_void_p()
    _native.check(_native.library().gpudeconv_devices(ctypes.byref(text)))
    return [
        Device(
            number=entry["number"],
            backend=entry["backend"],
            type=entry["type"],
            name=entry["name"],
            driver=entry["driver"],
            memory_bytes=entry["memoryBytes"],
            largest_buffer_bytes=entry["largestBufferBytes"],
            compute_units=entry["computeUnits"],
        )
        for entry in _native.take_json(text)
    ]
