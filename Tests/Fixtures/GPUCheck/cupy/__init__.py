"""As much of CuPy as Benchmarks/cupy_richardson_lucy.py uses, on NumPy: its step of a check is tried without a GPU."""

import time
from types import SimpleNamespace

import numpy
from numpy import *  # noqa: F403

__version__ = "rehearsal"
asnumpy = numpy.asarray


class ElementwiseKernel:
    """The three kernels of that script, by their names."""

    def __init__(self, _inputs, _outputs, _body, name):
        self.name = name

    def __call__(self, *arguments):
        if self.name == "take_ratio":
            observed, projection, least, ratio = arguments
            ratio[...] = observed / numpy.maximum(projection, least)
        else:
            *factors, estimate = arguments
            for factor in factors:
                estimate *= factor


class _Event:
    def record(self):
        self.moment = time.perf_counter()

    def synchronize(self):
        pass


cuda = SimpleNamespace(
    Event=_Event,
    Device=lambda: SimpleNamespace(id=0),
    get_current_stream=lambda: SimpleNamespace(synchronize=lambda: None),
    get_elapsed_time=lambda a, b: 1000 * (b.moment - a.moment),
    runtime=SimpleNamespace(getDeviceProperties=lambda _: {"name": b"NumPy"}),
)


def get_default_memory_pool():
    return SimpleNamespace(total_bytes=lambda: 0)
