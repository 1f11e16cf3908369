"""The figures as Markdown tables, and the page that they stand in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .bars import BARS, CELLS, LINES, Bar, Results
from .ours import METHODS

Figures = dict[str, Any]
GROUPS = {"cell": CELLS, "points and lines": LINES, "bars": BARS}


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def number(value: float | None, form: str = "+.2f") -> str:
    """With its sign, or a dash."""
    if value is None:
        return "–"
    return format(value, form).replace("-", "−")


def present(figures: Figures) -> list[str]:
    """Our methods that ran, in the order of their table."""
    return [way.name for way in METHODS if "cases" in figures["ours"].get(way.name, {})]


def summary(figures: Figures) -> str:
    """A row a method: means over groups of phantoms, and what it takes."""
    results = Results(figures)
    head = ["method", "cells, mean", "worst", "points, mean", "bars, mean", "flux of cells", "transforms", "seconds a cell"]
    rows = []
    for name in present(figures):
        way = next(m for m in METHODS if m.name == name)
        cases = figures["ours"][name]["cases"]
        over = {g: [v for n in names if (v := results.over_oracle(name, n)) is not None] for g, names in GROUPS.items()}
        known = [cases[n] for n in CELLS if n in cases]
        fluxes = [c["flux"] for c in known]
        counts = sorted({c["transforms"] for c in known})
        spread = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
        seconds = sum(c["computeSeconds"] for c in known) / len(known)
        rows.append(
            [f"{name}", number(mean(over["cell"])), number(min(over["cell"])), number(mean(over["points and lines"]))]
            + [number(mean(over["bars"])), f"{min(fluxes):.2f} to {max(fluxes):.2f}"]
            + [f"{spread} ({way.formula})" if not way.linear else spread, f"{seconds:.2f}"]
        )
    return table(head, rows)


def mean(values: list[float]) -> float | None:
    """None of nothing."""
    return sum(values) / len(values) if values else None


def by_case(figures: Figures, names: list[str], methods: list[str]) -> str:
    """dB over the oracle by phantom, with iterations where they were found."""
    results = Results(figures)
    known = [m for m in methods if m in present(figures)]
    rows = []
    for name in [n for n in names if n in figures["phantoms"]]:
        phantom = figures["phantoms"][name]
        cells = [name, f"{phantom['observed']['psnr']:.2f}", f"{phantom['oracle']:.2f} ({phantom['oracleIterations']})"]
        for method in known:
            text = number(results.over_oracle(method, name))
            case = figures["ours"][method]["cases"][name]
            if method in ("auto", "held-out", "gated", "rlgc", "whiteness"):
                weight = f", {case['totalVariation']:g}" if method == "auto" and case["totalVariation"] is not None else ""
                text += f" ({case['iterations']}{weight})"
            cells.append(text)
        rows.append(cells)
    return table(["phantom", "observed, dB", "oracle, dB (iterations)", *known], rows)


CLOSE = ["plain 10", "plain 50", "auto", "held-out", "fast", "gated", "rlgc", "wiener-butterworth"]


def cases(figures: Figures) -> str:
    """All phantoms by those methods that one would take."""
    return by_case(figures, CELLS + LINES + BARS, CLOSE)


def full(figures: Figures) -> str:
    """Every score of every method on every phantom."""
    rows = []
    for name in present(figures):
        for case, found in figures["ours"][name]["cases"].items():
            scores = [f"{found['psnr']:.2f}", f"{found['nrmse']:.3f}", f"{found['pearson']:.4f}", f"{found['flux']:.3f}"]
            over = number(Results(figures).over_oracle(name, case))
            rows.append([name, case, *scores, over, str(found["iterations"]), str(found["transforms"])])
            rows[-1] += [f"{found['secondsPerIteration']:.4f}", f"{found['computeSeconds'] + found['prepareSeconds']:.2f}"]
    head = ["method", "phantom", "PSNR", "NRMSE", "Pearson", "flux", "over the oracle", "iterations", "transforms"]
    return table([*head, "s an iteration", "s in all"], rows)


def options(figures: Figures) -> str:
    """What each method is on the command line, and which this build did not know."""
    rows = []
    for way in METHODS:
        ran = figures["ours"].get(way.name, {})
        rows.append([way.name, f"`{way.options}`", way.formula, ran.get("skipped", "ran")])
    return table(["method", "options", "transforms a volume", ""], rows)


def peers(figures: Figures) -> str:
    """A row a peer, as the rows of our methods."""
    rows = []
    missing = [f"* {name}: {why}." for name, why in figures["absent"].items()]
    for name, found in figures["peers"].items():
        if "failure" in found:
            missing.append(f"* {name}: {found['failure']}.")
            continue
        over = {
            g: [found["cases"][n]["psnr"] - figures["phantoms"][n]["oracle"] for n in names if n in found["cases"]]
            for g, names in GROUPS.items()
        }
        finite = {g: [v for v in values if v == v] for g, values in over.items()}
        fluxes = [found["cases"][n]["flux"] for n in CELLS]
        seconds = sum(found["cases"][n]["seconds"] for n in CELLS) / len(CELLS)
        rows.append(
            [name, found["boundary"], number(mean(finite["cell"])), number(min(finite["cell"], default=None))]
            + [number(mean(finite["points and lines"])), number(mean(finite["bars"]))]
            + [f"{min(fluxes):.2f} to {max(fluxes):.2f}", str(found["transforms"]), f"{seconds:.2f}"]
            + [found["chosen"], found["version"]]
        )
    head = ["peer, iterations", "outside", "cells, mean", "worst", "points, mean", "bars, mean", "flux of cells"]
    text = table([*head, "transforms", "seconds a cell", "the number is", "version"], rows)
    return text + ("\n\nNot measured:\n\n" + "\n".join(missing) if missing else "")


def unseen(figures: Figures) -> str:
    """Mean dB over the oracle of the exact PSF, by object and PSF."""
    part = figures["unseen"]
    known = [way.name for way in METHODS if "cases" in part["methods"].get(way.name, {})]
    rows = []
    for kind in ("membranes", "nuclei", "vesicles"):
        for variant, label in (("", "exact"), ("-wide-psf", "10 % too wide")):
            base = [n for n in part["phantoms"] if f"-{kind}-" in n and not n.endswith("-wide-psf")]
            oracle = mean([part["phantoms"][n + variant]["oracle"] - part["phantoms"][n]["oracle"] for n in base])
            cells = [f"{kind}, {label}", number(oracle)]
            for name in known:
                runs = part["methods"][name]["cases"]
                over = [runs[n + variant]["psnr"] - part["phantoms"][n]["oracle"] for n in base]
                cells.append(f"{number(mean(over))} ({number(min(over))})")
            rows.append(cells)
    return table(["object, PSF", "best plain iteration with that PSF", *known], rows)


def seeds(figures: Figures) -> str:
    """Iterations and PSNR of four draws."""
    rows = []
    for name in figures["seeds"]["held-out"]:
        cells = [name]
        for way in ("held-out", "auto"):
            runs = list(figures["seeds"][way][name].values())
            counts = ", ".join(str(r["iterations"]) for r in runs)
            values = [r["psnr"] for r in runs]
            weights = ", ".join(f"{r['totalVariation']:g}" for r in runs) if way == "auto" else ""
            cells += [counts, *([weights] if weights else []), f"{min(values):.2f} to {max(values):.2f}"]
        rows.append(cells)
    head = ["phantom", "held-out: iterations", "PSNR", "auto: iterations", "weights", "PSNR"]
    return table(head, rows)


def gains(figures: Figures) -> str:
    """What a wrong gain costs."""
    rows = []
    for name in figures["gains"]["held-out"]:
        cells = [name]
        for way in ("held-out", "auto"):
            runs = figures["gains"][way][name]
            for gain in ("1.25", "2"):
                cost = runs[gain]["psnr"] - runs["1"]["psnr"]
                cells.append(f"{number(cost)} ({runs['1']['iterations']} → {runs[gain]['iterations']})")
        rows.append(cells)
    return table(["phantom", "held-out, × 1.25", "× 2", "auto, × 1.25", "× 2"], rows)


def acceleration(figures: Figures) -> str:
    """Updates to the divergence of 50 and 100."""
    rows = []
    for name, found in figures["acceleration"].items():
        cells = [f"{found[a][k]}" for k in ("to50", "to100") for a in ("heavy-ball", "biggs-andrews")]
        rows.append([name, *cells, str(found["heavy-ball"]["rises"] + found["biggs-andrews"]["rises"])])
    head = ["phantom", "heavy ball to 50", "Biggs-Andrews to 50", "heavy ball to 100", "Biggs-Andrews to 100", "rises"]
    return table(head, rows)


def shells(figures: Figures) -> str:
    """Resolution of real stacks."""
    rows = []
    for name, found in figures.get("shells", {}).items():
        for way, curve in found["curves"].items():
            lateral, axial = (curve[d]["resolution"] for d in ("lateral", "axial"))
            told = [f"{value:.3f} µm" if value else "beyond the voxels" for value in (lateral, axial)]
            note = "" if found["gainIsKnown"] else "halves not independent"
            rows.append([name, way, *told, note])
    if not rows:
        return "No real stacks were there."
    return table(["stack", "method", "lateral", "axial", ""], rows)


def bars(found: list[Bar]) -> str:
    """What must hold."""
    rows = []
    for bar in found:
        sign = "≥" if bar.at_least else "≤"
        value = number(bar.value, ".2f")
        rows.append([bar.what, value, f"{sign} {number(bar.limit, 'g')}", f"**{bar.verdict}**", bar.where])
    return table(["what", "value", "bar", "", "the case that decides"], rows)


def fill(page: Path, parts: dict[str, str]) -> None:
    """Puts tables between the marks `<!-- NAME -->` and `<!-- end -->` of a page."""
    text = page.read_text()
    for name, part in parts.items():
        mark = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not mark.search(text):
            raise ValueError(f"{page} has no place for {name}")
        text = mark.sub(lambda m: f"{m[1]}\n{part}\n\n{m[2]}", text)
    page.write_text(text)
