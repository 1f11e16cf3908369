"""What must hold, and whether it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .phantoms import LEVELS
from .microscopes import MICROSCOPES

Figures = dict[str, Any]
CELLS = [f"{m}-cell-{peak}" for m in MICROSCOPES for peak in LEVELS]
LINES = [f"{m}-lines-{peak}" for m in MICROSCOPES for peak in LEVELS]
BARS = [f"bars-{peak}" for peak in LEVELS]
NARROW = [name for name in CELLS if not name.startswith("wide")]
DIM = [name for name in NARROW if name.endswith("-20")]


@dataclass(frozen=True)
class Bar:
    """One condition."""

    what: str
    value: float | None
    """None where it was not measured."""
    limit: float
    at_least: bool = True
    where: str = ""
    """The case that decides, or those that miss."""

    @property
    def verdict(self) -> str:
        """In one word."""
        if self.value is None:
            return "not measured"
        held = self.value >= self.limit - 1e-9 if self.at_least else self.value <= self.limit + 1e-9
        return "pass" if held else "miss"

    def as_json(self) -> Figures:
        """All of it."""
        value = None if self.value is None else round(self.value, 3)
        return {"what": self.what, "value": value, "limit": self.limit, "atLeast": self.at_least} | {
            "where": self.where,
            "verdict": self.verdict,
        }


class Results:
    """The figures, by method and case."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.phantoms = figures["phantoms"]

    def case(self, method: str, name: str) -> Figures | None:
        """Score and run of a method on a phantom."""
        return self.figures["ours"].get(method, {}).get("cases", {}).get(name)

    def psnr(self, method: str, name: str) -> float | None:
        """dB."""
        case = self.case(method, name)
        return case and case["psnr"]

    def over_oracle(self, method: str, name: str) -> float | None:
        """dB over the best plain iteration."""
        psnr = self.psnr(method, name)
        return None if psnr is None or name not in self.phantoms else psnr - self.phantoms[name]["oracle"]

    def plain(self, name: str) -> float | None:
        """PSNR of ten plain iterations, from whichever start is the better."""
        both = [self.psnr(method, name) for method in ("plain 10", "plain 10 flat")]
        known = [value for value in both if value is not None]
        return max(known) if known else None

    def over_plain(self, method: str, name: str) -> float | None:
        """dB over those."""
        psnr, plain = self.psnr(method, name), self.plain(name)
        return None if psnr is None or plain is None else psnr - plain

    def between(self, method: str, other: str, name: str) -> float | None:
        """dB between two methods."""
        a, b = self.psnr(method, name), self.psnr(other, name)
        return None if a is None or b is None else a - b


def least(what: str, limit: float, cases: Iterable[str], value: Callable[[str], float | None]) -> Bar:
    """The worst case must be at least the limit."""
    found = {name: v for name in cases if (v := value(name)) is not None}
    if not found:
        return Bar(what, None, limit)
    worst = min(found, key=found.__getitem__)
    return Bar(what, found[worst], limit, where=worst)


def most(what: str, limit: float, cases: Iterable[str], value: Callable[[str], float | None]) -> Bar:
    """The worst case must be at most the limit."""
    found = {name: v for name in cases if (v := value(name)) is not None}
    if not found:
        return Bar(what, None, limit, at_least=False)
    worst = max(found, key=found.__getitem__)
    return Bar(what, found[worst], limit, at_least=False, where=worst)


def all_bars(figures: Figures) -> list[Bar]:
    """Every one, in the order of the page."""
    results = Results(figures)
    return [*of_auto(results), *of_held_out(results), *of_fast(results), *of_rlgc(results), *of_the_rest(figures)]


def of_auto(results: Results) -> list[Bar]:
    """What `auto` has to be worth."""

    def over(name: str) -> float | None:
        return results.over_oracle("auto", name)

    gained = [value for name in CELLS if (value := over(name)) is not None]
    good = float(sum(value >= 0.2 for value in gained)) if gained else None
    bars = [
        Bar("auto: cells that are 0.2 dB over the oracle", good, 6),
        least("auto: dB over the oracle, worst cell", -0.3, CELLS, over),
        Bar("auto: dB over the oracle, mean of the cells", sum(gained) / len(gained) if gained else None, 0.5),
        least("auto: dB over ten plain, worst cell", 0.5, CELLS, lambda n: results.over_plain("auto", n)),
    ]
    weights = {n: c["totalVariation"] for n in LINES if (c := results.case("auto", n))}
    smoothed = [name for name, weight in weights.items() if weight]
    count = float(len(smoothed)) if weights else None
    return [*bars, Bar("auto: points and lines with total variation", count, 0, False, ", ".join(smoothed))]


def of_held_out(results: Results) -> list[Bar]:
    """What the stop has to be worth by itself."""
    what = "held-out, no total variation: dB over the oracle, worst cell or bars"
    return [least(what, -0.3, CELLS + BARS, lambda n: results.over_oracle("held-out", n))]


def of_fast(results: Results) -> list[Bar]:
    """What 31 transforms have to be worth."""

    def flux(name: str) -> float | None:
        case = results.case("fast", name)
        return case and case["flux"]

    def over(name: str) -> float | None:
        return results.over_oracle("fast", name)

    known = [n for n in CELLS + LINES + BARS if results.psnr("fast", n) is not None]
    better = {n: results.over_plain("fast", n) or 0 for n in known}
    worse = [name for name, value in better.items() if value < 0]
    count = float(len(better) - len(worse)) if known else None
    twenty = "plain 20 flat"
    return [
        most("fast: transforms", 31, known, lambda n: float(results.case("fast", n)["transforms"])),
        Bar("fast: phantoms not worse than ten plain", count, len(known) or 21, where=", ".join(worse)),
        least("fast: dB over twenty plain, worst cell", 0, CELLS, lambda n: results.between("fast", twenty, n)),
        least("fast: dB over the oracle, worst sheet or confocal cell", -0.5, NARROW, over),
        least("fast: the same at 20 photons", 0.5, DIM, over),
        least("fast: flux, least of sheet and confocal cells", 0.95, NARROW, flux),
        most("fast: flux, most of sheet and confocal cells", 1.05, NARROW, flux),
    ]


def of_rlgc(results: Results) -> list[Bar]:
    """What the published rule reaches."""
    cases = [name for name in NARROW if not name.endswith("-2000")]
    what = "rlgc: dB over the oracle, worst sheet or confocal cell of 20 and 200"
    return [least(what, -0.4, cases, lambda n: results.over_oracle("rlgc", n))]


def of_the_rest(figures: Figures) -> list[Bar]:
    """Gain, seeds and acceleration."""
    bars: list[Bar] = []
    gains, seeds, fields = (figures.get(name) or {} for name in ("gains", "seeds", "acceleration"))
    for way in ("held-out", "auto"):
        cases = gains.get(way, {})
        for gain, limit in (("1.25", 0.3), ("2", 0.8)):
            what = f"{way}: dB lost with the gain times {gain}, worst cell"
            bars.append(most(what, limit, cases, lambda n: cases[n]["1"]["psnr"] - cases[n][gain]["psnr"]))
    for way in ("held-out", "auto"):
        cases = seeds.get(way, {})
        for key, unit, limit in (("iterations", "iterations", 1), ("psnr", "dB", 0.15)):
            what = f"{way}: {unit} that another seed makes, worst case"
            bars.append(most(what, limit, cases, lambda n: furthest([run[key] for run in cases[n].values()])))
    for name in ("heavy-ball", "biggs-andrews"):
        for key, limit in (("to50", 18), ("to100", 27)):
            what = f"{name}: updates to the divergence of {key[2:]} plain, worst case"
            bars.append(most(what, limit, fields, lambda n: fields[n][name][key]))
        bars.append(most(f"{name}: rises of the divergence", 0, fields, lambda n: fields[n][name]["rises"]))
    return bars


def furthest(values: list[float]) -> float:
    """How far the furthest is from the middle of them."""
    middle = sorted(values)[(len(values) - 1) // 2]
    return max(abs(value - middle) for value in values)
