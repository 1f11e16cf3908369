"""Writes what was measured: raw figures, the page of all scores, the page for users with its pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from . import experiments, pictures, plots, tables
from .bars import Bar
from .experiments import Stack, given
from .microscopes import SPACINGS
from .ours import Failure, Program, Run, method
from .phantoms import Phantom, bars, phantom
from .pictures import Cut, View

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = ROOT / "Documentation" / "Images" / "quality"
PAGE = ROOT / "Documentation" / "Quality.md"
RESULTS = ROOT / "Benchmarks" / "Results"
Figures = dict[str, Any]
COLUMNS = ("plain 10", "auto", "fast")


def write(figures: Figures, found: list[Bar], program: Program, data: Path | None) -> None:
    """All files."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in figures.items()]
    (RESULTS / "quality.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    plots.by_case(figures, IMAGES / "by-case.png")
    plots.against_cost(figures, IMAGES / "against-cost.png")
    plots.held_out(figures, IMAGES / "held-out.png")
    if figures["shells"]:
        plots.shells(figures, IMAGES / "shells.png")
    phantom_pictures(program, data)
    names = ("summary", "cases", "peers", "unseen", "seeds", "gains", "acceleration", "shells", "options")
    parts = {name: getattr(tables, name)(figures) for name in names}
    tables.fill(PAGE, parts | {"bars": tables.bars(found), "made": made(figures)})
    scores = ["# All scores", made(figures), "[What they mean](../../Documentation/Quality.md)", tables.full(figures)]
    (RESULTS / "quality.md").write_text("\n\n".join(scores) + "\n")


def made(figures: Figures) -> str:
    """When, where, of what and how long."""
    machine, ours = figures["machine"], figures["ours"]
    skipped = [name for name, found in ours.items() if "skipped" in found]
    older = [name for name, found in ours.items() if found.get("commit", machine["commit"]) != machine["commit"]]
    text = (
        f"Measured on {figures['date']} with gpudeconv {machine['commit']} on {machine['processor']}, {machine['cores']} "
        f"cores, by `make quality` ({figures['seconds'] / 60:.0f} minutes; "
        "oracles and other programs are kept from one time to the next)."
    )
    if older:
        text += f" Of another commit: {', '.join(older)}."
    return text + (f" This build does not know: {', '.join(skipped)}." if skipped else "")


def phantom_pictures(program: Program, data: Path | None) -> None:
    """A cell, single points, and the bars."""
    cell = phantom("confocal", "cell", 200)
    spacing = SPACINGS["confocal"]
    draw_phantom(program, cell, Cut(spacing, section=(12, 30)), IMAGES / "cell.png")
    draw_phantom(program, phantom("sheet", "cell", 20), Cut(SPACINGS["sheet"], section=(12, 30)), IMAGES / "cell-dim.png")
    draw_phantom(program, phantom("confocal", "lines", 200), Cut(spacing), IMAGES / "lines.png")
    if data and (data / "hollow-bars").is_dir():
        draw_phantom(program, bars(data / "hollow-bars", 2000), Cut((1, 1, 1), section=(16, 32)), IMAGES / "bars.png")
        draw_phantom(program, public_bars(data / "hollow-bars"), Cut((1, 1, 1), section=(16, 32)), IMAGES / "hollow-bars.png")


def public_bars(folder: Path) -> Phantom:
    """The image as it was published, whose noise is not that of photons."""
    observed, truth, blur = (tifffile.imread(folder / f"{n}.tif").astype(float) for n in ("observed", "truth", "psf"))
    return Phantom("bars", "published", 0, observed, truth, blur, 0.0)


def draw_phantom(program: Program, shown: Phantom, cut: Cut, path: Path) -> None:
    """As observed, by each method that this build knows, and the truth."""
    views = [View("observed", np.maximum(shown.observed - shown.background, 0))]
    for name in COLUMNS:
        options = method(name).options
        if program.unknown(options) is None:
            run = program.run(shown.observed, shown.psf, given(shown, options))
            views.append(View(labelled(name, run), run.result))
    pictures.draw([*views, View("truth", shown.truth)], cut, path)


def labelled(name: str, run: Run) -> str:
    """With the iterations where they were found."""
    return f"{name}: {run.iterations} iterations" if name == "auto" else name


def real_stacks(program: Program, data: Path | None) -> Figures:
    """Deconvolves the real stacks that are there, draws them, and holds halves of their photons against each other."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    found: Figures = {}
    for stack in experiments.stacks(data):
        try:
            runs = experiments.real(program, stack)
            draw_stack(stack, runs)
            found[stack.name] = experiments.shells(program, stack, runs)
        except Failure as failure:
            experiments.say(f"{stack.name}: {failure}")
    return found


def draw_stack(stack: Stack, runs: dict[str, Run]) -> None:
    """A part of it, before and by each method."""
    image = np.maximum(tifffile.imread(stack.image).astype(np.float64) - stack.background, 0)
    cut = CUTS[stack.name](stack)
    views = [View("observed", image)] + [View(labelled(name, run), run.result) for name, run in runs.items()]
    pictures.draw(views, cut, IMAGES / f"{stack.name}.png")


CUTS = {
    "lattice-cell": lambda stack: Cut(stack.spacing, section=(44, 160), corner=(60, 140), side=200),
    "confocal-grid": lambda stack: Cut(stack.spacing, section=(10, 75)),
}
