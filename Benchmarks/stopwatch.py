"""Time and memory of iterations, as every contestant reports them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Stopwatch:
    """Moments between iterations; the first is taken before the first iteration."""

    moments: list[float] = field(default_factory=list)

    def __call__(self, *_: object) -> None:
        self.moments.append(time.perf_counter())

    @property
    def seconds(self) -> list[float]:
        """Duration of each iteration."""
        return [b - a for a, b in zip(self.moments, self.moments[1:])]


def peak_resident_bytes() -> int:
    """Most bytes that this program has held in memory (VmHWM, which a parent's memory does not count for)."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
