"""What importing, pickling and forking the package does."""

import doctest
import gc
import importlib.metadata
import pathlib
import pickle
import subprocess
import sys
import weakref

import numpy as np
import pytest

import gpudeconv
from gpudeconv import _native


def python(code):
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_importing_takes_less_than_a_tenth_of_a_second_beyond_numpy():
    code = "import numpy, time; begin = time.perf_counter(); import gpudeconv; print(time.perf_counter() - begin)"
    assert min(float(python(code)) for _ in range(3)) < 0.1


def test_importing_brings_nothing_but_numpy_along():
    code = """
import sys, gpudeconv
print([m for m in ("dask", "distributed", "tqdm", "xarray", "importlib.metadata") if m in sys.modules])
print(gpudeconv._native._loaded)
"""
    assert python(code) == "[]\nNone\n"


def test_the_version_is_that_of_the_library():
    assert gpudeconv.__version__ == importlib.metadata.version("gpudeconv")
    assert gpudeconv.__version__ == _native.library().gpudeconv_version().decode()


def test_there_is_nothing_that_is_not_there():
    with pytest.raises(AttributeError, match="nothing"):
        getattr(gpudeconv, "nothing")  # noqa: B009


def test_types_are_announced():
    assert (pathlib.Path(gpudeconv.__file__).parent / "py.typed").exists()


def test_functions_and_errors_are_pickled_by_name():
    for name in gpudeconv.__all__:
        thing = getattr(gpudeconv, name)
        assert thing.__module__ == "gpudeconv"
        assert pickle.loads(pickle.dumps(thing)) is thing
    assert (
        b"gpudeconv" in pickle.dumps(gpudeconv.richardson_lucy) and len(pickle.dumps(gpudeconv.richardson_lucy)) < 100
    )
    error = pickle.loads(pickle.dumps(gpudeconv.DeviceError("no device")))
    assert isinstance(error, gpudeconv.DeviceError) and str(error) == "no device"


def test_docstrings_have_examples_that_hold():
    result = doctest.testmod(gpudeconv)
    assert result.attempted > 5 and result.failed == 0


def test_a_forked_child_has_a_session_of_its_own():
    code = """
import os, signal, numpy, gpudeconv
image, psf = numpy.ones((6, 8, 8)), numpy.ones((3, 3, 3))
before = gpudeconv.richardson_lucy(image, psf, 2, backend="cpu")
parent = gpudeconv._native._session.value
gpudeconv.richardson_lucy([image] * 3, psf, 2, backend="cpu")
child = os.fork()
if child == 0:
    signal.alarm(60)
    assert gpudeconv._native._session is None
    one = gpudeconv.richardson_lucy(image, psf, 2, backend="cpu")
    three = gpudeconv.richardson_lucy([image] * 3, psf, 2, backend="cpu")
    os._exit(0 if (one == before).all() and (three == before).all() else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert python(code) == "0\n"


def test_a_process_that_ends_in_the_middle_of_a_run_ends():
    code = """
import threading, time, numpy, gpudeconv
image, psf = numpy.ones((16, 32, 32)), numpy.ones((3, 3, 3))
run = lambda: gpudeconv.richardson_lucy(image, psf, 1_000_000, backend="cpu")
threading.Thread(target=run, daemon=True).start()
time.sleep(0.5)
print("ends")
"""
    assert python(code) == "ends\n"


def test_the_lock_of_the_interpreter_is_released():
    code = """
import threading, time, numpy, gpudeconv
image, psf = numpy.ones((32, 64, 64)), numpy.ones((5, 5, 5))
gpudeconv.richardson_lucy(image, psf, 1, backend="cpu")
run = lambda: gpudeconv.richardson_lucy(image, psf, 200, backend="cpu", threads=1)
thread = threading.Thread(target=run)
thread.start()
ticks = 0
while thread.is_alive():
    time.sleep(0.001)
    ticks += 1
print(ticks)
"""
    assert int(python(code)) > 10


def test_arrays_outlive_a_call_only_where_somebody_keeps_them():
    image = np.ones((4, 5, 6)).view(type("Watched", (np.ndarray,), {}))
    watch = weakref.ref(image)
    gpudeconv.richardson_lucy(image, np.ones((1, 1, 1)), 1, backend="cpu")
    del image
    gc.collect()
    assert watch() is None
