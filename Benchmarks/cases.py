"""The volumes that are compared on, and how long."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """One volume."""

    name: str
    shape: Shape
    psf_shape: Shape
    iterations: int
    """Iterations that are timed in each round, between a first and a last one."""
    rounds: int
    """How often all contestants are run, one after the other."""


CASES = {
    case.name: case
    for case in (
        Case("small", (64, 256, 256), (31, 31, 31), iterations=21, rounds=5),
        Case("middle", (101, 512, 384), (51, 32, 32), iterations=5, rounds=3),
        Case("large", (201, 1024, 768), (101, 64, 64), iterations=3, rounds=2),
    )
}

# Seconds per iteration are minutes, or nearly: these run in one round, ITK with as few iterations as show one.
HEAVY = {("large", "scikit-image"), ("large", "scikit-image, workers"), ("large", "ITK"), ("middle", "ITK")}


def axes(shape: Shape) -> str:
    """The shape as our options take it: z,y,x."""
    return ",".join(str(n) for n in shape)
