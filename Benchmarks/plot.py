"""The results as a picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import NullFormatter  # noqa: E402

from results import CaseResult  # noqa: E402

OURS = "#1b6ca8"
PEERS = "#b0b4b8"


def draw(results: list[CaseResult], path: Path) -> None:
    """Seconds per iteration of every contestant that ran, one panel a case, fastest on top."""
    panels = [sorted(ran(result), key=lambda pair: pair[1], reverse=True) for result in results]
    height = 1.0 + 0.26 * max(len(panel) for panel in panels)
    figure, axes = plt.subplots(1, len(panels), figsize=(6.4 * len(panels), height), squeeze=False)
    for axis, result, panel in zip(axes[0], results, panels):
        names, seconds = [name for name, _ in panel], [value for _, value in panel]
        colors = [OURS if name.startswith("gpudeconv") else PEERS for name in names]
        bars = axis.barh(names, seconds, color=colors)
        axis.bar_label(bars, [f"{value:.3g} s" for value in seconds], padding=3, fontsize=8)
        axis.set_xscale("log")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlim(0.5 * min(seconds), 3 * max(seconds))
        axis.set_xlabel("seconds per iteration")
        shape = "x".join(map(str, result.case.shape))
        axis.set_title(f"{result.case.name}: {shape}", fontsize=10)
        axis.tick_params(axis="y", labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def ran(result: CaseResult) -> list[tuple[str, float]]:
    """Names and seconds of those that ran."""
    return [(entry.name, entry.seconds) for entry in result.entries.values() if entry.seconds is not None]
