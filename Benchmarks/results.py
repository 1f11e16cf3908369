"""What a benchmark found, and whether the bars hold."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from cases import Case
from contestants import Round, cpu_name

AGREEMENT = 1e-5


@dataclass
class Entry:
    """One contestant in one case."""

    name: str
    boundary: str
    timing: str
    rounds: list[Round] = field(default_factory=list)
    failure: str | None = None
    nrmse: float | None = None
    """Of its image to that of our CPU back end with the same boundary, where both compute the same."""

    @property
    def medians(self) -> list[float]:
        """Median seconds per iteration of each round."""
        return [statistics.median(r.seconds) for r in self.rounds]

    @property
    def seconds(self) -> float | None:
        """The median of those."""
        return statistics.median(self.medians) if self.rounds else None

    @property
    def fastest(self) -> float | None:
        """Seconds of the fastest iteration of all rounds."""
        return min((s for r in self.rounds for s in r.seconds), default=None)

    @property
    def peak_bytes(self) -> int | None:
        """Most bytes of any round."""
        return max((r.peak_bytes for r in self.rounds), default=None)

    def figure(self, key: str) -> Any:
        """What `gpudeconv bench` said in the first round."""
        return self.rounds[0].figures.get(key) if self.rounds else None


@dataclass
class CaseResult:
    """All contestants in one case."""

    case: Case
    entries: dict[str, Entry]

    def ratio(self, numerator: str, denominator: str) -> float | None:
        """Median over the rounds that both ran of the ratio of their seconds per iteration in that round.

        Both sides of such a ratio ran within minutes of each other.
        """
        a, b = self.entries.get(numerator), self.entries.get(denominator)
        pairs = list(zip(a.medians, b.medians)) if a and b else []
        return statistics.median(x / y for x, y in pairs) if pairs else None

    def fastest_ratio(self, numerator: str, denominator: str) -> float | None:
        """Ratio of the fastest iterations of all rounds, of contestants that had as many chances."""
        a, b = self.entries.get(numerator), self.entries.get(denominator)
        if not (a and b and a.fastest and b.fastest) or a.timing != b.timing or len(a.rounds) != len(b.rounds):
            return None
        return a.fastest / b.fastest


@dataclass
class Bar:
    """Something that must hold, and whether it does."""

    case: str
    what: str
    value: float | None
    limit: float
    at_least: bool
    fastest: float | None = None
    """The same ratio of the fastest iterations, which a busy machine disturbs least; the value decides."""

    @property
    def passes(self) -> bool | None:
        """None where nothing was measured."""
        if self.value is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def verdict(self) -> str:
        """The outcome in one word."""
        return {True: "pass", False: "miss", None: "not measured"}[self.passes]


def bars(results: list[CaseResult], threads: int) -> list[Bar]:
    """All that must hold, case by case."""
    found: list[Bar] = []
    for result in results:
        found += case_bars(result, threads)
    return found + growth_bars(results, threads)


def case_bars(result: CaseResult, threads: int) -> list[Bar]:
    """The bars within one case."""
    case = result.case.name
    zero, extend = cpu_name("zero", threads), cpu_name("extend", threads)
    found: list[Bar] = []

    def hold(numerator: str, denominator: str, limit: float, at_least: bool) -> None:
        value, fastest = result.ratio(numerator, denominator), result.fastest_ratio(numerator, denominator)
        found.append(Bar(case, f"{numerator} / {denominator}", value, limit, at_least, fastest))

    def at_most(limit: float, numerator: str, denominator: str) -> None:
        hold(numerator, denominator, limit, at_least=False)

    at_most(0.30, zero, "script zero")
    at_most(0.40, extend, "script zero")
    if case == "middle":
        at_most(1 / 6, zero, "scikit-image")
    if case in ("middle", "large"):
        at_most(1 / 30, extend, "ITK")
    if threads > 1:
        for boundary in ("zero", "extend"):
            hold(cpu_name(boundary, 1), cpu_name(boundary, threads), 0.9 * threads, at_least=True)
    if case == "large" and (entry := result.entries.get(extend)):
        bytes_per_voxel, iteration = entry.figure("peakHostBytesPerWorkVoxel"), entry.figure("iterationPerTransforms")
        found.append(Bar(case, f"{extend}: peak bytes per work voxel", bytes_per_voxel, 20, at_least=False))
        found.append(Bar(case, f"{extend}: iteration / bare transforms", iteration, 1.2, at_least=False))
    for entry in result.entries.values():
        if "baseline" in (entry.rounds[0].figures if entry.rounds else {}) and "opencl" in entry.name:
            what, fastest = f"clFFT's own 3D plans / {entry.name}", baseline_ratio(entry, "fastestIterationSeconds")
            found.append(Bar(case, what, baseline_ratio(entry), 1.5, at_least=True, fastest=fastest))
    for entry in result.entries.values():
        if entry.nrmse is not None:
            what = f"{entry.name}: NRMSE to gpudeconv cpu {entry.boundary}"
            found.append(Bar(case, what, entry.nrmse, AGREEMENT, at_least=False))
    return found


def baseline_ratio(entry: Entry, key: str = "secondsPerIteration") -> float | None:
    """A time of clFFT's own 3D plans over ours, both in the same process."""
    pairs = [(r.figures["baseline"], r.figures) for r in entry.rounds if r.figures.get("baseline")]
    ratios = [baseline[key] / ours[key] for baseline, ours in pairs]
    return statistics.median(ratios) if ratios else None


def growth_bars(results: list[CaseResult], threads: int) -> list[Bar]:
    """Time per padded voxel from the small case to the large one."""
    by_name = {result.case.name: result for result in results}
    if not {"small", "large"} <= by_name.keys():
        return []

    def per_voxel(case: str, name: str) -> float | None:
        entry = by_name[case].entries.get(name)
        if entry is None or entry.seconds is None:
            return None
        z, y, x = entry.figure("workShape")
        return entry.seconds / (z * y * x)

    found = []
    for boundary in ("zero", "extend"):
        name = cpu_name(boundary, threads)
        small, large = per_voxel("small", name), per_voxel("large", name)
        value = large / small if small and large else None
        found.append(Bar("large", f"{name}: time per padded voxel, large / small", value, 1.5, at_least=False))
    return found


def as_json(result: CaseResult) -> dict[str, Any]:
    """A case with all raw figures."""
    case = result.case
    return {
        "case": case.name,
        "shape": case.shape,
        "psfShape": case.psf_shape,
        "iterations": 2 + case.iterations,
        "contestants": [entry_as_json(entry) for entry in result.entries.values()],
    }


def entry_as_json(entry: Entry) -> dict[str, Any]:
    """A contestant with all raw figures."""
    return {
        "name": entry.name,
        "boundary": entry.boundary,
        "timing": entry.timing,
        "secondsPerIteration": entry.seconds,
        "fastestIterationSeconds": entry.fastest,
        "peakBytes": entry.peak_bytes,
        "nrmse": entry.nrmse,
        "failure": entry.failure,
        "rounds": [
            {
                "iterationSeconds": r.seconds,
                "firstIterationSeconds": r.first_seconds,
                "peakBytes": r.peak_bytes,
                "version": r.version,
                "bench": r.figures or None,
            }
            for r in entry.rounds
        ],
    }


def bar_as_json(bar: Bar) -> dict[str, Any]:
    """A bar with its outcome."""
    return {"case": bar.case, "what": bar.what, "value": bar.value, "limit": bar.limit} | {
        "atLeast": bar.at_least,
        "fastest": bar.fastest,
        "verdict": bar.verdict,
    }
