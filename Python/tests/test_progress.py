"""Progress, and how a run is stopped."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import gpudeconv

CPU = {"backend": "cpu"}


class Stop(Exception):
    pass


def test_progress_is_told_after_every_iteration_in_the_thread_of_the_caller(volumes, psfs):
    seen, threads = [], set()

    def note(progress):
        seen.append(progress)
        threads.add(threading.current_thread())

    gpudeconv.richardson_lucy(volumes, psfs, 5, progress=note, **CPU)
    assert threads == {threading.current_thread()}
    assert {p.total_iterations for p in seen if p.stage == "computing"} == {30}
    assert seen[-1].completed_iterations == 30
    assert {p.completed_iterations for p in seen} >= set(range(1, 31))
    assert {p.volume_count for p in seen} == {6}


@pytest.mark.parametrize("in_main_thread", [True, False])
def test_what_progress_raises_ends_the_run(volumes, psfs, in_main_thread):
    seen, raised = [], []

    def stop(progress):
        seen.append(progress)
        if progress.completed_iterations == 3:
            raise Stop

    def call():
        with pytest.raises(Stop):
            gpudeconv.richardson_lucy(volumes, psfs, 10_000, progress=stop, **CPU)
        raised.append(True)

    if in_main_thread:
        call()
    else:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    assert raised and seen[-1].completed_iterations == 3


def test_a_run_can_follow_one_that_was_stopped(volume, psf):
    def stop(progress):
        raise Stop

    expected = gpudeconv.richardson_lucy(volume, psf, 3, **CPU)
    with pytest.raises(Stop):
        gpudeconv.richardson_lucy(volume, psf, 3, progress=stop, **CPU)
    assert np.array_equal(gpudeconv.richardson_lucy(volume, psf, 3, **CPU), expected)


def test_tqdm_shows_a_bar(volume, psf, capsys):
    gpudeconv.richardson_lucy(volume, psf, 4, progress=True, **CPU)
    assert "4/4" in capsys.readouterr().err


def test_without_tqdm_a_line_is_shown(volume, psf, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    gpudeconv.richardson_lucy(volume, psf, 4, progress=True, **CPU)
    captured = capsys.readouterr()
    assert "4 of 4 iterations" in captured.err and captured.err.endswith("\n")
    assert captured.out == ""


def test_nothing_is_printed_unless_asked(volume, psf, capfd):
    gpudeconv.richardson_lucy(volume, psf, 2, **CPU)
    assert capfd.readouterr() == ("", "")


LONG_RUN = """
import numpy, gpudeconv
image = numpy.ones((32, 64, 64), "u2")
psf = numpy.ones((5, 5, 5))
gpudeconv.richardson_lucy(image, psf, 1, backend="cpu")
print("begins", flush=True)
try:
    gpudeconv.richardson_lucy(image, psf, 1_000_000, backend="cpu")
except KeyboardInterrupt:
    print("interrupted", gpudeconv.richardson_lucy(image, psf, 1, backend="cpu").shape)
"""


def test_ctrl_c_ends_a_run_and_no_more(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", LONG_RUN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begins\n"
    time.sleep(0.3)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, complaints = process.communicate(timeout=60)
    assert output == "interrupted (32, 64, 64)\n"
    assert complaints == "" and process.returncode == 0
    assert time.monotonic() - begin < 10


def test_a_signal_handler_that_raises_ends_the_run(volume, psf):
    def handler(number, frame):
        raise Stop

    before = signal.signal(signal.SIGUSR1, handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        with pytest.raises(Stop):
            gpudeconv.richardson_lucy(volume, psf, 1_000_000, **CPU)
    finally:
        signal.signal(signal.SIGUSR1, before)
