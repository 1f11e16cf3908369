"""Which device and how many threads a call takes that was not told.

Outside of Dask's distributed scheduler the library decides: the first GPU, else all cores. A worker of it takes

* a GPU of its host, each worker the next one; none if it was started with the resource ``GPU=0``;
* without a GPU, as many threads as it was started with. Calls of one process take turns on the CPU, so the workers of a
  host together compute with no more threads than Dask was given cores.

``GPUDECONV_DEVICE`` decides for both.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from typing import IO, Any

from ._devices import devices

# Names the device of this process as the keyword `device` does.
DEVICE_VARIABLE = "GPUDECONV_DEVICE"

_lock = threading.Lock()
_places: dict[str, int] = {}
# Open as long as this process lives: its locks end with it, however it ends.
_locked: list[IO[str]] = []
# The numbers of this machine's GPUs, once somebody asked for them.
_gpus: list[list[int]] = []


def resolved(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the device and the threads that this process is to take where they leave that open."""
    resolved = dict(options)
    backend = resolved.get("backend", "auto")
    worker = _current_worker()
    if resolved.get("device") is None and backend != "cpu":
        if named := os.environ.get(DEVICE_VARIABLE):
            resolved["device"] = named
        elif worker is not None:
            gpus = _gpu_numbers() if worker.state.total_resources.get("GPU") != 0 else []
            if gpus:
                resolved["device"] = gpus[_place_on_host(worker.id) % len(gpus)]
            elif backend == "auto":
                resolved["backend"] = "cpu"
    if resolved.get("threads") is None and worker is not None:
        resolved["threads"] = worker.state.nthreads
    return resolved


def _current_worker() -> Any:
    """The distributed worker that runs this task, or None."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.get_worker()
    except ValueError:
        return None


def _gpu_numbers() -> list[int]:
    with _lock:
        if not _gpus:
            _gpus.append([device.number for device in devices() if device.type.lower() != "cpu"])
        return _gpus[0]


def _place_on_host(worker_id: str) -> int:
    """0 for the first worker on this host that asks, 1 for the next, and so on; places of workers that have ended
    are given anew."""
    with _lock:
        if worker_id not in _places:
            _places[worker_id] = _take_place()
        return _places[worker_id]


def _take_place() -> int:
    import fcntl

    folder = os.path.join(tempfile.gettempdir(), f"gpudeconv-{os.getuid()}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for place in itertools.count():
            file = open(os.path.join(folder, f"worker-{place}"), "w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            _locked.append(file)
            return place
    except OSError:
        pass
    # Without a folder for temporary files or without locks, all take the first GPU.
    return 0
