"""The C ABI of the Swift library, as gpudeconv.h has it, through ctypes.

The library is loaded at first use. ctypes releases the interpreter's lock during every call.
"""

from __future__ import annotations

import atexit
import ctypes
import errno
import functools
import json
import os
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

ABI_VERSION = 4
# Names the library where it is not the one in this folder.
LIBRARY_VARIABLE = "GPUDECONV_LIBRARY"


class DeviceError(RuntimeError):
    """There is no such device, or it, its driver or its compiler failed."""


class Progress(NamedTuple):
    """How far a run is."""

    stage: str
    """``waiting``, ``preparing``, ``compiling``, ``reading``, ``computing`` or ``writing``."""
    device: str
    """The device that has just done something."""
    completed_iterations: int
    total_iterations: int
    """Over all volumes."""
    finished_volumes: int
    volume_count: int
    seconds_left: float
    """NaN where it is not known yet."""
    voxels_per_second: float
    """NaN where it is not known yet."""


# What status codes become. One that is not listed is a failure all the same.
_OK = 0
_EXCEPTIONS: Mapping[int, type[BaseException]] = {
    1: ValueError,  # an option or argument outside its range
    2: ValueError,  # an array or file that cannot be used
    3: FileNotFoundError,  # an input that is missing or may not be read
    4: DeviceError,  # no such device
    5: DeviceError,  # a device failed
    6: MemoryError,  # on the host or on the device
    7: OSError,  # the output cannot be made
    8: OSError,  # reading or writing failed in the middle
    9: KeyboardInterrupt,  # a callback asked to stop
    10: RuntimeError,  # a fault of the library
    11: FileExistsError,  # the output exists
    12: OSError,  # the disk is full
}
_DISK_FULL = 12

# Options that ask for Richardson-Lucy where no method is named, whatever their value.
CHOOSING = (
    "iterations",
    "start",
    "accelerate",
    "stop",
    "total_variation",
    "good_roughness",
    "tikhonov_miller",
    "sieve",
)
# Options that name something in the file system or in a store.
_PATHS = {"flat_field", "mask", "view", "view_psf", "array", "output_array", "write_mask", "uncertainty"}

_TYPES: Mapping[np.dtype[Any], int] = {
    np.dtype(np.uint8): 1,
    np.dtype(np.int8): 2,
    np.dtype(np.uint16): 3,
    np.dtype(np.int16): 4,
    np.dtype(np.uint32): 5,
    np.dtype(np.int32): 6,
    np.dtype(np.float32): 7,
    np.dtype(np.float64): 8,
}
# Types whose elements the library reads as they are.
KNOWN_TYPES = frozenset(_TYPES)


class CArray(ctypes.Structure):
    """``gpudeconv_array``: somebody's memory, seen as an array."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("rank", ctypes.c_int32),
        ("type", ctypes.c_int32),
    ]

    @classmethod
    def of(cls, array: np.ndarray[Any, Any]) -> CArray:
        """The view of an array of a known type, which it keeps alive."""
        extents = ctypes.c_int64 * array.ndim
        made = cls(
            array.__array_interface__["data"][0],
            extents(*array.shape),
            extents(*array.strides),
            array.ndim,
            _TYPES[array.dtype],
        )
        made.array = array
        return made

    @classmethod
    def without_data(cls, shape: tuple[int, ...], dtype: np.dtype[Any]) -> CArray:
        """An array of which only shape and type count."""
        return cls(None, (ctypes.c_int64 * len(shape))(*shape), None, len(shape), _TYPES[dtype])


class _CProgress(ctypes.Structure):
    """``gpudeconv_progress``, whose fields are those of `Progress`."""

    _fields_ = [
        ("stage", ctypes.c_char_p),
        ("device", ctypes.c_char_p),
        ("completed_iterations", ctypes.c_int64),
        ("total_iterations", ctypes.c_int64),
        ("finished_volumes", ctypes.c_int64),
        ("volume_count", ctypes.c_int64),
        ("seconds_left", ctypes.c_double),
        ("voxels_per_second", ctypes.c_double),
    ]

    def value(self) -> Progress:
        values: list[Any] = [getattr(self, name) for name in Progress._fields]
        return Progress._make(v.decode(errors="replace") if isinstance(v, bytes) else v for v in values)


_Callback = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(_CProgress), ctypes.c_void_p)
_NO_CALLBACK = _Callback()

_handle = ctypes.c_void_p
_array = ctypes.POINTER(CArray)
_text = ctypes.c_char_p
# A text that the library has made is given back, so ctypes must not turn it into bytes.
_made_text = ctypes.POINTER(ctypes.c_void_p)

# Name, result, arguments.
_SIGNATURES: Iterable[tuple[str, Any, list[Any]]] = [
    ("version", _text, []),
    ("last_error", _text, []),
    ("string_destroy", None, [_handle]),
    ("options_create", ctypes.c_int, [ctypes.POINTER(_handle)]),
    ("options_set", ctypes.c_int, [_handle, _text, _text]),
    ("options_check", ctypes.c_int, [_handle]),
    ("options_list", ctypes.c_int, [_made_text]),
    ("options_destroy", None, [_handle]),
    ("session_create", ctypes.c_int, [ctypes.POINTER(_handle)]),
    ("session_clear", ctypes.c_int, [_handle]),
    (
        "deconvolve",
        ctypes.c_int,
        [_handle, _handle, _array, _array, _array, _array, _array, _Callback, _handle, _made_text],
    ),
    (
        "uncertainty",
        ctypes.c_int,
        [_handle, _handle, _array, _array, _array, _array, _array, _array, _Callback, _handle, _made_text],
    ),
    ("plan", ctypes.c_int, [_handle, _array, _array, _array, _array, _made_text]),
    ("prepare_psf", ctypes.c_int, [_handle, _array, ctypes.POINTER(_array), _made_text]),
    (
        "generate_psf",
        ctypes.c_int,
        [_handle, ctypes.c_int64, ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(_array), _made_text],
    ),
    ("array_destroy", None, [_array]),
    (
        "deconvolve_file",
        ctypes.c_int,
        [_handle, _text, ctypes.POINTER(_text), ctypes.c_int64, _text, _Callback, _handle, _made_text],
    ),
    ("devices", ctypes.c_int, [_made_text]),
]

_lock = threading.Lock()
_loaded: ctypes.CDLL | None = None
_session: ctypes.c_void_p | None = None


def library() -> ctypes.CDLL:
    """The library, loaded by the first who asks."""
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _load(os.environ.get(LIBRARY_VARIABLE))
        return _loaded


def _load(path: str | None) -> ctypes.CDLL:
    if path is None:
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libgpudeconv.so")
        if not os.path.exists(path):
            raise ImportError(
                f"there is no {path}: build it with 'make library' and install the package again, "
                f"or name a library in {LIBRARY_VARIABLE}"
            )
    try:
        loaded = ctypes.CDLL(path)
    except OSError as error:
        raise ImportError(f"{path} cannot be loaded: {error}") from error
    loaded.gpudeconv_abi_version.restype = ctypes.c_int32
    version = loaded.gpudeconv_abi_version()
    if version != ABI_VERSION:
        raise ImportError(
            f"{path} has version {version} of the C interface and this package wants {ABI_VERSION}: "
            "install a library and a package of the same release"
        )
    for name, result, arguments in _SIGNATURES:
        function = getattr(loaded, f"gpudeconv_{name}")
        function.restype = result
        function.argtypes = arguments
    return loaded


def session() -> ctypes.c_void_p:
    """What is kept from call to call in this process: contexts, plans, transfer functions."""
    global _session
    loaded = library()
    with _lock:
        if _session is None:
            made = _handle()
            status = loaded.gpudeconv_session_create(ctypes.byref(made))
            if status == _OK:
                _session = made
        else:
            status = _OK
    # Outside the lock, which looking for the message takes.
    check(status)
    assert _session is not None
    return _session


@atexit.register
def _clear_session() -> None:
    # Not destroyed: a daemon thread may still be computing.
    if _session is not None and _loaded is not None:
        _loaded.gpudeconv_session_clear(_session)


def _forget_after_fork() -> None:
    # The threads and devices of the parent are not those of the child, which begins anew.
    global _lock, _session
    _lock = threading.Lock()
    _session = None


os.register_at_fork(after_in_child=_forget_after_fork)


def check(status: int) -> None:
    """Raises what belongs to a status of the last call of this thread."""
    if status == _OK:
        return
    message = library().gpudeconv_last_error().decode(errors="replace") or f"the library failed with status {status}"
    exception = _EXCEPTIONS.get(status, RuntimeError)
    raise exception(errno.ENOSPC, message) if status == _DISK_FULL else exception(message)


@functools.cache
def option_table() -> list[dict[str, Any]]:
    """The library's options, each with ``keyword``, ``type``, ``ofFiles``, and ``values`` and ``default`` if any."""
    text = ctypes.c_void_p()
    check(library().gpudeconv_options_list(ctypes.byref(text)))
    options: list[dict[str, Any]] = take_json(text)
    return options


class Options:
    """``gpudeconv_options``, from values by the names of keywords; None is the default."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        # What ctypes passes for an object of this class.
        self._as_parameter_ = _handle()
        self._destroy = library().gpudeconv_options_destroy
        check(library().gpudeconv_options_create(ctypes.byref(self._as_parameter_)))
        defaults = {option["keyword"]: option.get("default") for option in option_table()}
        for name, value in values.items():
            # What nobody changed counts as not given, unless it says which method is meant.
            is_default = isinstance(value, (str, int, float)) and value == defaults.get(name) and name not in CHOOSING
            if value is not None and not is_default:
                text = option_text(name, value)
                if "\0" in text:
                    raise ValueError(f"{name} has a character NUL in it")
                option = name.replace("_", "-").encode()
                check(library().gpudeconv_options_set(self._as_parameter_, option, text.encode()))

    def check(self) -> None:
        """Raises what is wrong with a value that is out of its range."""
        check(library().gpudeconv_options_check(self))

    def __del__(self) -> None:
        if self._as_parameter_:
            self._destroy(self._as_parameter_)


def option_text(name: str, value: Any, separator: str = ",") -> str:
    """A value in the notation of the command line: sequences with commas, and those in them with slashes."""
    if name in _PATHS and not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path here, not {type(value).__name__}")
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    try:
        return separator.join(option_text(name, element, "/") for element in value)
    except TypeError:
        raise TypeError(f"{name} cannot be {value!r}") from None


def take_json(text: ctypes.c_void_p) -> Any:
    """What a text of the library says, which is given back."""
    try:
        return json.loads(ctypes.string_at(text))
    finally:
        library().gpudeconv_string_destroy(text)


def run(function: Any, *arguments: Any, progress: Callable[[Progress], object] | None = None) -> dict[str, Any]:
    """Calls a function whose last parameters are callback, context and report, and returns its report.

    `progress` is called in this thread. What it raises, and what a signal handler raises meanwhile, ends the run
    and comes out of here.
    """
    if progress is None and threading.current_thread() is not threading.main_thread():
        # Signals are handled in the main thread, so there is nothing to watch.
        return _call(function, arguments, _NO_CALLBACK)

    # Computed in a thread of its own: a signal that came during a call would be handled at the entry of the
    # callback, and ctypes drops what is raised there.
    events: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
    stop = threading.Event()
    outcome: list[dict[str, Any] | BaseException] = []

    def on_progress(value: Any, context: Any) -> int:
        if progress is not None:
            events.put(value.contents.value())
        return stop.is_set()

    callback = _Callback(on_progress)

    def work() -> None:
        try:
            outcome.append(_call(function, arguments, callback))
        except BaseException as error:
            outcome.append(error)
        events.put(None)

    thread = threading.Thread(target=work, name="gpudeconv", daemon=True)
    thread.start()
    try:
        while (event := events.get()) is not None:
            assert progress is not None
            progress(event)
        thread.join()
    except BaseException:
        stop.set()
        _join(thread)
        raise
    result = outcome[0]
    if isinstance(result, BaseException):
        raise result
    return result


def _join(thread: threading.Thread) -> None:
    """Waits for a run that was told to stop, whatever is raised meanwhile: it still writes into our arrays."""
    while thread.is_alive():
        try:
            thread.join()
        except BaseException:
            continue


def _call(function: Any, arguments: tuple[Any, ...], callback: Any) -> dict[str, Any]:
    report = _handle()
    check(function(*arguments, callback, None, ctypes.byref(report)))
    result: dict[str, Any] = take_json(report)
    return result
