"""The figures as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from .bars import BARS, CELLS, LINES, Results  # noqa: E402
from .tables import mean, present  # noqa: E402

Figures = dict[str, Any]
SHOWN = ["plain 10", "plain 50", "auto", "held-out", "fast", "gated", "rlgc", "wiener-butterworth", "landweber 50"]
COLORS = dict(zip(SHOWN, ["#9aa0a6", "#5f6368", "#1b6ca8", "#7fb3d9", "#d9822b", "#3a8f5c", "#a23b72", "#c9a227", "#8d6e63"]))
OTHERS = "#b0b4b8"
FLOOR = -6.0
LOWEST = -12.0


def save(figure: plt.Figure, path: Path) -> None:
    """As a small PNG file."""
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def color(name: str) -> str:
    """The same for a method in all pictures."""
    return COLORS.get(name, OTHERS)


def by_case(figures: Figures, path: Path) -> None:
    """dB over the oracle of each method by phantom, three panels."""
    results = Results(figures)
    methods = [name for name in SHOWN if name in present(figures)]
    names = [[n for n in group if n in figures["phantoms"]] for group in (CELLS, LINES, BARS)]
    names = [group for group in names if group]
    widths = [len(group) for group in names]
    figure, axes = plt.subplots(1, len(names), figsize=(13, 4.4), sharey=True, squeeze=False, width_ratios=widths)
    width = 0.8 / len(methods)
    for axis, group in zip(axes[0], names):
        for index, method in enumerate(methods):
            values = [max(results.over_oracle(method, n) or 0, FLOOR) for n in group]
            places = [i + (index - len(methods) / 2 + 0.5) * width for i in range(len(group))]
            axis.bar(places, values, width, color=color(method), label=method)
        axis.axhline(0, color="black", linewidth=0.8)
        axis.set_xticks(range(len(group)), group, rotation=60, ha="right", fontsize=8)
        axis.set_ylim(FLOOR, 7)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel(f"dB over the best plain iteration\n(what is below {FLOOR:g} is cut)")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=len(methods), fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.94))
    figure.savefig(path, dpi=90)
    plt.close(figure)


def against_cost(figures: Figures, path: Path) -> None:
    """Mean dB over the oracle on the cells, against transforms and against seconds a volume; peers as crosses."""
    results = Results(figures)
    figure, axes = plt.subplots(1, 2, figsize=(13, 5.4), sharey=True)
    points = []
    for name in present(figures):
        cases = figures["ours"][name]["cases"]
        over = [results.over_oracle(name, n) for n in CELLS]
        cost = [mean([cases[n][key] for n in CELLS]) for key in ("transforms", "computeSeconds")]
        if not name.endswith("flat"):
            points.append((name, cost, mean(over), "o", color(name)))
    for name, found in figures.get("peers", {}).items():
        if "cases" not in found or name.endswith("mirrored"):
            continue
        over = [found["cases"][n]["psnr"] - figures["phantoms"][n]["oracle"] for n in CELLS]
        seconds = mean([found["cases"][n]["seconds"] for n in CELLS])
        points.append((name, [found["transforms"], seconds], mean(over), "x", "#666666"))
    for place, (axis, label) in enumerate(zip(axes, ("3D transforms a volume", "seconds a volume of 28x80x80"))):
        for _, cost, gained, marker, shade in points:
            marker = "v" if gained < LOWEST else marker
            axis.scatter([cost[place]], [max(gained, LOWEST)], marker=marker, color=shade, zorder=3)
        axis.set_xscale("log")
        axis.margins(x=0.15, y=0.08)
        axis.set_xlabel(label)
        axis.axhline(0, color="black", linewidth=0.8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(f"dB over the best plain iteration, mean of nine cells\n(below {LOWEST:g}: at {LOWEST:g})")
    figure.tight_layout()
    for place, axis in enumerate(axes):
        name_points(axis, [(name, cost[place], max(gained, LOWEST)) for name, cost, gained, _, _ in points])
    save(figure, path)


def name_points(axis: plt.Axes, points: list[tuple[str, float, float]]) -> None:
    """Names beside points, each where none is yet."""
    places = {name: axis.transData.transform((x, y)) for name, x, y in points}
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in places.values()]
    for name, x, y in sorted(points, key=lambda point: -point[2]):
        px, py = places[name]
        width, height = 5.2 * len(name), 9.0
        tries = [(6, dy) for dy in (-4, 7, -15, 17, -25)] + [(-width - 6, dy) for dy in (-4, 7, -15, 17, -25)]
        boxes = [(px + dx, py + dy, px + dx + width, py + dy + height) for dx, dy in tries]
        free = [i for i, box in enumerate(boxes) if not any(overlap(box, other) for other in taken)]
        chosen = free[0] if free else 0
        taken.append(boxes[chosen])
        # Points are 1/72 inch, and a pixel here 1/100.
        offset = tuple(0.72 * d for d in tries[chosen])
        axis.annotate(name, (x, y), offset, textcoords="offset points", fontsize=7)


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether two boxes (left, low, right, high) meet."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def held_out(figures: Figures, path: Path) -> None:
    """The log-likelihood of held-out photons by step, and PSNR of plain iterations, on three cells."""
    names = [n for n in ("sheet-cell-20", "sheet-cell-200", "sheet-cell-2000") if n in figures["curves"]]
    figure, axes = plt.subplots(2, len(names), figsize=(13, 6), squeeze=False)
    for column, name in enumerate(names):
        upper, lower = axes[0][column], axes[1][column]
        curves = figures["curves"][name]
        top = max(max(values) for values in curves.values())
        for (weight, values), shade in zip(curves.items(), ("#9aa0a6", "#7fb3d9", "#1b6ca8")):
            upper.plot(range(1, len(values) + 1), [v - top for v in values], "o-", ms=3, color=shade, label=f"TV {weight}")
        best = max(max(values) for values in curves.values())
        upper.set_ylim(-200 if best else -1, 12)
        upper.set_title(name, fontsize=10)
        upper.set_xlabel("accelerated step", fontsize=8)
        plain = figures["phantoms"][name]["oracleCurve"]
        lower.plot(range(1, len(plain) + 1), plain, color="#5f6368", label="plain, by iterations")
        for method in ("auto", "held-out"):
            case = figures["ours"][method]["cases"][name]
            lower.plot([case["iterations"]], [case["psnr"]], "o", color=color(method), label=f"{method}, where it stops")
        lower.set_xlabel("iterations", fontsize=8)
        for axis in (upper, lower):
            axis.spines[["top", "right"]].set_visible(False)
            axis.legend(fontsize=7, frameon=False)
    axes[0][0].set_ylabel("log-likelihood of the held-out\nphotons, nats below the best")
    axes[1][0].set_ylabel("PSNR, dB")
    save(figure, path)


def shells(figures: Figures, path: Path) -> None:
    """Shell correlation of halves of the real stacks."""
    found = figures["shells"]
    figure, axes = plt.subplots(len(found), 2, figsize=(11, 3.4 * len(found)), squeeze=False)
    shades = {"observed": "#000000"} | COLORS
    for row, (name, stack) in zip(axes, found.items()):
        for axis, direction in zip(row, ("lateral", "axial")):
            for method, curve in stack["curves"].items():
                part = curve[direction]
                axis.plot(part["frequencies"], part["correlations"], color=shades[method], label=method)
            axis.axhline(1 / 7, color="black", linewidth=0.6, linestyle=":")
            axis.set_title(f"{name}, {direction}", fontsize=10)
            axis.set_xlabel("1/µm", fontsize=8)
            axis.set_ylim(-0.1, 1.05)
            axis.spines[["top", "right"]].set_visible(False)
            axis.legend(fontsize=7, frameon=False)
        row[0].set_ylabel("correlation of two halves")
    save(figure, path)
