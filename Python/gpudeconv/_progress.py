"""Progress for people: tqdm where it is installed, else a line of text."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ._native import Progress

ProgressFunction = Callable[[Progress], object]
ProgressOption = bool | ProgressFunction | None


@contextmanager
def reporter(progress: ProgressOption) -> Iterator[ProgressFunction | None]:
    """What is to be called with the progress of a run."""
    if progress is None or progress is False:
        yield None
    elif callable(progress):
        yield progress
    elif progress is not True:
        raise TypeError(f"progress is {progress!r}: give True, or what is to be called")
    else:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            try:
                yield _TextLine()
            finally:
                sys.stderr.write("\n")
            return
        with tqdm(unit="iteration", leave=True) as bar:

            def show(value: Progress) -> None:
                bar.total = value.total_iterations
                bar.set_description_str(value.stage, refresh=False)
                bar.update(value.completed_iterations - bar.n)

            yield show


class _TextLine:
    """One line on standard error, which is written anew at most ten times a second."""

    def __init__(self) -> None:
        self.next_time = 0.0

    def __call__(self, value: Progress) -> None:
        is_done = value.completed_iterations == value.total_iterations
        if time.monotonic() < self.next_time and not is_done:
            return
        self.next_time = time.monotonic() + 0.1
        line = f"\r{value.stage}: {value.completed_iterations} of {value.total_iterations} iterations"
        if not math.isnan(value.seconds_left):
            line += f", {value.seconds_left:.0f} s left"
        sys.stderr.write(f"{line:<72}")
        sys.stderr.flush()
