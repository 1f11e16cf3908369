"""What a second call of one kind costs; how fast calls are is measured by Benchmarks/python_calls.py."""

import numpy as np
from conftest import gaussian

import gpudeconv


def test_the_second_call_sets_nothing_up():
    image = np.random.default_rng(4).poisson(50, (40, 160, 160)).astype(np.uint16)
    psf = gaussian((9, 13, 13), (1.5, 1.5, 1.5))
    first, second = {}, {}
    gpudeconv.richardson_lucy(image, psf, backend="cpu", psf_as_is=True, report=first)
    gpudeconv.richardson_lucy(image, psf, backend="cpu", psf_as_is=True, report=second)
    # A transfer function takes milliseconds, looking for one that is kept microseconds.
    assert second["seconds"]["setup"] < 0.1 * first["seconds"]["setup"]
