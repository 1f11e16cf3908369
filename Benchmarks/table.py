"""The results as a Markdown page."""

from __future__ import annotations

from machine import Machine
from results import Bar, CaseResult, Entry, baseline_ratio

REFERENCE = "script zero"


def page(machine: Machine, command: str, date: str, results: list[CaseResult], found: list[Bar]) -> str:
    """The whole page."""
    parts = [f"# Benchmark of {date}", heading(machine, command), "## Bars", bar_table(found)]
    for result in results:
        parts += [case_heading(result), case_table(result)]
        parts += failures(result)
    parts += ["## Versions", version_table(results)]
    return "\n\n".join(parts) + "\n"


def heading(machine: Machine, command: str) -> str:
    """Where and how."""
    return "\n".join(
        [
            f"{machine.processor}, {machine.cores} cores, {machine.memory_bytes / 1e9:.0f} GB; {machine.system}, "
            f"Linux {machine.kernel}, Python {machine.python}; gpudeconv {machine.commit}. "
            f"Load before: {machine.load:.1f}.",
            "",
            f"Command: `{command}`. Raw figures are in `results.json`;",
            "[README.md](../../README.md) says what is measured.",
            "",
            "![Seconds per iteration](results.png)",
        ]
    )


def bar_table(found: list[Bar]) -> str:
    """What must hold."""
    rows = ["| case | what | value | of the fastest | bar | |", "|---|---|---|---|---|---|"]
    for bar in found:
        sign = "≥" if bar.at_least else "≤"
        fastest = "" if bar.fastest is None else number(bar.fastest)
        limit = f"{sign} {number(bar.limit)}"
        rows.append(f"| {bar.case} | {bar.what} | {number(bar.value)} | {fastest} | {limit} | {bar.verdict} |")
    return "\n".join(rows)


def case_heading(result: CaseResult) -> str:
    """The volume."""
    case = result.case
    image, psf = ("x".join(map(str, shape)) for shape in (case.shape, case.psf_shape))
    return f"## {case.name.capitalize()}: {image} uint16, PSF {psf}"


def case_table(result: CaseResult) -> str:
    """One row a contestant; a device's own memory where it has some."""
    rows = [
        "| | boundary | s / iteration | fastest | times the script | peak memory | NRMSE to ours | rounds | timed by |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for entry in result.entries.values():
        rows.append(case_row(result, entry))
        if (ratio := baseline_ratio(entry)) is not None and entry.seconds is not None:
            rows.append(baseline_row(result, entry, ratio))
    return "\n".join(rows)


def case_row(result: CaseResult, entry: Entry) -> str:
    """One contestant."""
    if not entry.rounds:
        return f"| {entry.name} | {entry.boundary} | did not run | | | | | 0 | |"
    cells = [
        entry.name,
        entry.boundary,
        number(entry.seconds),
        number(entry.fastest),
        number(result.ratio(entry.name, REFERENCE)),
        f"{(entry.peak_bytes or 0) / 1e6:.0f} MB",
        "" if entry.nrmse is None else f"{entry.nrmse:.1e}",
        str(len(entry.rounds)),
        entry.timing,
    ]
    return f"| {' | '.join(cells)} |"


def baseline_row(result: CaseResult, entry: Entry, ratio: float) -> str:
    """clFFT's own plans, measured in the process of the entry."""
    # A round may have had no memory left for it.
    baselines = [r.figures["baseline"] for r in entry.rounds if r.figures.get("baseline")]
    fastest = min(b["fastestIterationSeconds"] for b in baselines)
    times = result.ratio(entry.name, REFERENCE)
    cells = [
        f"clFFT's own 3D plans, in the process of {entry.name}",
        entry.boundary,
        number((entry.seconds or 0) * ratio),
        number(fastest),
        number(times * ratio if times else None),
        f"{baselines[0]['deviceBytes'] / 1e6:.0f} MB",
        "" if baselines[0]["nrmse"] is None else f"{baselines[0]['nrmse']:.1e}",
        str(len(baselines)),
        entry.timing,
    ]
    return f"| {' | '.join(cells)} |"


def failures(result: CaseResult) -> list[str]:
    """Why some did not run."""
    lines = [f"* {e.name}: {e.failure}" for e in result.entries.values() if e.failure]
    return ["\n".join(["Did not run, or not in every round:", "", *lines])] if lines else []


def version_table(results: list[CaseResult]) -> str:
    """The version of each program that ran; that of the script is SciPy's."""
    versions: dict[str, str] = {}
    for result in results:
        for entry in result.entries.values():
            if entry.rounds:
                program = "script" if entry.name.startswith("script") else entry.name.partition(",")[0]
                program = "gpudeconv" if entry.name.startswith("gpudeconv") else program
                versions.setdefault(program, entry.rounds[0].version)
    return "\n".join(["| | version |", "|---|---|", *(f"| {name} | {version} |" for name, version in versions.items())])


def number(value: float | None) -> str:
    """Three figures, or a dash."""
    if value is None:
        return "–"
    return f"{value:.1e}" if 0 < abs(value) < 1e-3 else f"{value:.0f}" if value >= 100 else f"{value:.3g}"
