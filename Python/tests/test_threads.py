"""Many calls from many threads, in a process of their own whose memory and end can be watched."""

import subprocess
import sys

CODE = """
import concurrent.futures, sys, threading
import numpy as np
import gpudeconv

rng = np.random.default_rng(5)
opencl = [device.number for device in gpudeconv.devices() if device.backend == "opencl"]
assert opencl
jobs = []
for shape, psf_shape, device in [
    ((10, 20, 24), (5, 5, 5), 0),
    ((10, 20, 24), (5, 5, 5), opencl[0]),
    ((7, 30, 18), (3, 4, 5), 0),
    ((24, 60, 50), (5, 9, 9), 0),
    ((2, 9, 16, 17), (2, 1, 3, 4), 0),
]:
    image = rng.poisson(50, shape).astype(np.uint16)
    psf = rng.random(psf_shape)
    jobs.append((image, psf, device, gpudeconv.richardson_lucy(image, psf, 4, device=device, psf_as_is=True)))

lock = threading.Lock()
resident = []

def call(number):
    image, psf, device, expected = jobs[number % len(jobs)]
    result = gpudeconv.richardson_lucy(image, psf, 4, device=device, psf_as_is=True)
    assert np.array_equal(result, expected), number
    with lock, open("/proc/self/statm") as file:
        resident.append(int(file.read().split()[1]) * 4096)

everyone = threading.Barrier(16)

def touch(_):
    everyone.wait()
    array = np.ones(200_000, np.float32)
    everyone.wait()

with concurrent.futures.ThreadPoolExecutor(16) as pool:
    # The C library gives threads arenas of their own, which stay as large as what NumPy had in them; now they are.
    list(pool.map(touch, range(16)))
    list(pool.map(call, range(200)))
tenth, most = resident[10 - 1], max(resident[10:])
print(len(resident), most / tenth)
"""


def test_calls_of_16_threads_are_right_and_take_no_more_memory_than_the_first_ten():
    process = subprocess.run([sys.executable, "-W", "ignore", "-c", CODE], capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    calls, growth = process.stdout.split()
    assert calls == "200"
    assert float(growth) < 1.02
