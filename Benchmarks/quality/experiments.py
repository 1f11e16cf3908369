"""What is measured: every method on every phantom, and what else may go wrong with them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from . import correlation
from .cache import Cache, oracle_key
from .formulas import oracle
from .ours import HELD_OUT, METHODS, Failure, Method, Program, Run, method
from .phantoms import Phantom
from .scores import Score

Figures = dict[str, Any]
SEEDS = (0, 1, 2, 3)
GAINS = (1.0, 1.25, 2.0)
UNSEEN_METHODS = ("plain 10", "auto", "held-out", "fast", "gated", "rlgc", "sieve", "wiener-butterworth")


def say(text: str) -> None:
    """Tells how far it is."""
    print(text, file=sys.stderr, flush=True)


def given(phantom: Phantom, options: str) -> str:
    """The option line of a method, with what is known of the image."""
    return f"--psf-as-is --background {phantom.background:g} {options}"


def described(phantoms: list[Phantom], cache: Cache) -> Figures:
    """Each phantom with its score as observed and its oracle: PSNR of plain Richardson-Lucy after each iteration."""
    found = {}
    for phantom in phantoms:
        curve = cache.value(oracle_key(phantom.checksum), lambda: oracle(phantom))
        best = max(curve)
        observed = Score.of(phantom.observed - phantom.background, phantom.truth)
        found[phantom.name] = {
            "checksum": phantom.checksum,
            "background": phantom.background,
            "observed": observed.as_json(),
            "oracle": best,
            "oracleIterations": curve.index(best) + 1,
            "oracleCurve": curve,
        }
    say(f"{len(found)} phantoms")
    return found


def one(program: Program, phantom: Phantom, way: Method, more: str = "") -> Figures:
    """One method on one phantom."""
    run = program.run(phantom.observed, phantom.psf, given(phantom, f"{way.options} {more}"))
    seconds, tuning = run.report["seconds"], run.tuning
    return Score.of(run.result, phantom.truth).as_json() | {
        "iterations": run.iterations,
        "transforms": way.transforms(run.iterations),
        "computeSeconds": round(seconds["compute"], 4),
        "prepareSeconds": round(seconds["prepare"], 4),
        "secondsPerIteration": round(seconds["compute"] / max(run.iterations, 1), 5),
        "totalVariation": tuning.get("totalVariation"),
        "gain": tuning.get("gain"),
        "least": float(run.result.min()),
    }


def ours(program: Program, phantoms: list[Phantom], ways: list[Method]) -> Figures:
    """Every method that this build knows on every phantom, by method and phantom."""
    found: Figures = {}
    for way in ways:
        unknown = program.unknown(way.options)
        if unknown:
            say(f"{way.name}: skipped, this build does not know {unknown}")
            found[way.name] = {"skipped": f"this build does not know {unknown}"}
            continue
        try:
            cases = {p.name: one(program, p, way) for p in phantoms}
            found[way.name] = {"commit": program.commit, "cases": cases}
            say(f"{way.name}: done")
        except Failure as failure:
            say(f"{way.name}: {failure}")
            found[way.name] = {"skipped": str(failure)}
    return found


def unseen(program: Program, phantoms: list[Phantom], ways: list[Method], cache: Cache, known: Figures) -> Figures:
    """Objects that nobody has tuned on, each with the exact PSF and one that is too wide; `known` are figures of other methods."""
    taken = [way for way in ways if way.name in UNSEEN_METHODS]
    return {"phantoms": described(phantoms, cache), "methods": known | ours(program, phantoms, taken)}


def seeds(program: Program, phantoms: list[Phantom]) -> Figures:
    """What other draws of the photons that are held out make of the number of iterations and the result."""
    return varied(program, phantoms, {str(seed): f"--seed {seed}" for seed in SEEDS})


def gains(program: Program, phantoms: list[Phantom]) -> Figures:
    """What a gain that is given too high costs; that of the phantoms is 1."""
    return varied(program, phantoms, {f"{gain:g}": f"--gain {gain:g}" for gain in GAINS})


def varied(program: Program, phantoms: list[Phantom], options: dict[str, str]) -> Figures:
    """Iterations and PSNR by method, phantom and variant."""
    found: Figures = {}
    for way in (method("held-out"), method("auto")):
        found[way.name] = {}
        for phantom in phantoms:
            runs = {name: one(program, phantom, way, more) for name, more in options.items()}
            kept = ("psnr", "iterations", "totalVariation")
            found[way.name][phantom.name] = {name: {k: run[k] for k in kept} for name, run in runs.items()}
    say(f"{' '.join(next(iter(options.values())).split()[:1])}: done")
    return found


def acceleration(program: Program, phantoms: list[Phantom]) -> Figures:
    """How many accelerated updates reach the Poisson divergence of 50 and 100 plain ones, and how often it rises."""
    found: Figures = {}
    base = "--method richardson-lucy --start flat --divergence-interval 1"
    for phantom in phantoms:
        curves = {}
        for name, count in (("none", 101), ("heavy-ball", 41), ("biggs-andrews", 41)):
            options = f"{base} --accelerate {name} --iterations {count}"
            report = program.run(phantom.observed, phantom.psf, given(phantom, options)).report
            curves[name] = report["convergence"][0]["poissonDivergence"]
        plain = curves.pop("none")
        found[phantom.name] = {
            name: {
                "to50": first_below(curve, plain[50]),
                "to100": first_below(curve, plain[100]),
                "rises": int(np.sum(np.diff(curve[2:]) > 1e-6 * curve[-1])),
            }
            for name, curve in curves.items()
        }
    say("acceleration: done")
    return found


def first_below(curve: list[float], limit: float) -> int | None:
    """How many updates had been made when a divergence was reached; the first value is that of the start."""
    return next((number for number, value in enumerate(curve) if value <= limit), None)


def curves(program: Program, phantoms: list[Phantom]) -> Figures:
    """The log-likelihood of the held-out photons by step, for each weight of total variation that `auto` asked for."""
    found = {}
    for phantom in phantoms:
        tuning = program.run(phantom.observed, phantom.psf, given(phantom, method("auto").options)).tuning
        found[phantom.name] = {f"{c['totalVariation']:g}": [round(v, 1) for v in c["values"]] for c in tuning["curves"]}
    return found


@dataclass(frozen=True)
class Stack:
    """A real image with its PSF, and the options that it needs."""

    folder: Path
    spacings: str
    """As options."""
    spacing: tuple[float, float, float]
    """Of the image, µm."""
    background: float

    @property
    def name(self) -> str:
        """That of its folder."""
        return self.folder.name

    @property
    def image(self) -> Path:
        """As observed."""
        return self.folder / "observed.tif"

    @property
    def psf(self) -> Path:
        """As measured."""
        return self.folder / "psf.tif"

    def options(self, line: str, share: float = 1) -> str:
        """The option line of a method, for that share of its photons."""
        return f"{self.spacings} --background {self.background * share:g} {line}"


def stacks(data: Path | None) -> list[Stack]:
    """Those that are there."""
    if data is None:
        return []
    lattice = "--spacing 0.3,0.1,0.1 --psf-spacing 0.1,0.1,0.1"
    grid = "--spacing 0.125,0.022,0.022 --psf-spacing 0.125,0.022,0.022"
    known = [
        Stack(data / "lattice-cell", lattice, (0.3, 0.1, 0.1), background=98),
        Stack(data / "confocal-grid", grid, (0.125, 0.022, 0.022), background=0),
    ]
    for stack in known:
        if not stack.image.exists():
            say(f"{stack.name}: skipped, {stack.image} is not there")
    return [stack for stack in known if stack.image.exists()]


REAL = {
    "plain 10": method("plain 10").options,
    "auto": method("auto").options,
    "fast": method("fast").options,
    # What cudaDecon does by default, as far as our options name it.
    "as cudaDecon": "--method richardson-lucy --radial-average --accelerate biggs-andrews --iterations 10 --start observed",
}


def real(program: Program, stack: Stack) -> dict[str, Run]:
    """A real stack by some methods."""
    found = {}
    for name, options in REAL.items():
        if program.unknown(options) is None:
            found[name] = program.run(stack.image, stack.psf, stack.options(options))
            say(f"{stack.name}, {name}: {found[name].iterations} iterations")
    return found


def shells(program: Program, stack: Stack, runs: dict[str, Run]) -> Figures:
    """Fourier shell correlation of the results of two halves of the photons of a real stack, as observed and by method.

    A half is thinned with a variance of gain (g - b) + s², s the read noise. Where nobody can tell the gain, it is what the noise
    of the image is, and the page says that its halves are not independent.
    """
    image = tifffile.imread(stack.image).astype(np.float64)
    tuned = runs["auto"]
    survey = tuned.report["survey"][0]
    gain, read_noise = tuned.tuning.get("gain"), survey.get("readNoise") or 0.0
    trusted = gain is not None
    if not trusted:
        gain, read_noise = correlation.apparent_gain(image - stack.background), 0.0
    variance = gain * np.maximum(image - stack.background, 0) + read_noise**2
    normal = np.random.default_rng(0).normal(size=image.shape)
    first = image / 2 + np.sqrt(variance / 4) * normal
    halves = (first, image - first)
    found: Figures = {"gain": gain, "gainIsKnown": trusted, "spacing": stack.spacing}
    found["curves"] = {"observed": correlation.shells(*halves, stack.spacing)}
    options = {"plain 10": REAL["plain 10"], "fast": REAL["fast"], "auto": settled(tuned)}
    for name, line in options.items():
        if program.unknown(line) is None:
            told = stack.options(line, share=0.5)
            results = [program.run(np.maximum(half, 0), stack.psf, told).result for half in halves]
            found["curves"][name] = correlation.shells(*results, stack.spacing)
    say(f"{stack.name}: shell correlation done")
    return found


def settled(tuned: Run) -> str:
    """What `auto` found for a channel, as options that do not search."""
    weight, gain = tuned.tuning.get("totalVariation") or 0, tuned.tuning.get("gain")
    if weight and gain is None:
        # Where nobody can tell the photons it takes the other method.
        return REAL["fast"]
    smooth = f" --total-variation {weight:g} --gain {gain:g}" if weight else ""
    fixed = HELD_OUT.replace("--stop held-out", f"--iterations {tuned.iterations}")
    return fixed + smooth
