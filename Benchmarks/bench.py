"""Times gpudeconv and its peers on the same volumes, taking turns, and writes what it found.

    python bench.py [--cases small,middle,large] [--threads 2] [--rounds N] [--only NAME,...] [--output Results/DATE-MACHINE]

`make bench` does so in an environment of its own; README.md says what is measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile

import plot
import table
from cases import CASES, Case
from contestants import Contestant, Failure, Ours, all_contestants, cpu_name
from machine import Machine
from results import Bar, CaseResult, Entry, as_json, bar_as_json, bars
from richardson_lucy import BOUNDARIES

HERE = Path(__file__).resolve().parent
# Those whose image must be that of our CPU back end with the same boundary.
COMPARED = ("gpudeconv", "script", "scikit-image")


def say(text: str) -> None:
    """Tells how far it is."""
    print(text, file=sys.stderr, flush=True)


def run_case(case: Case, contestants: list[Contestant], threads: int, folder: Path) -> CaseResult:
    """Round after round, each contestant once in each."""
    make_volumes(case, threads, folder)
    entries = {c.name: Entry(c.name, c.boundary, c.timing) for c in contestants}
    for number in range(case.rounds):
        for contestant in contestants:
            entry = entries[contestant.name]
            if entry.failure or number >= contestant.rounds(case):
                continue
            compares = number == 0 and contestant.name.startswith(COMPARED)
            result = folder / "result" if compares else None
            try:
                entry.rounds.append(contestant.run(case, folder, result))
                say(f"{case.name}, round {number + 1}: {contestant.name}: {entry.medians[-1]:.4g} s an iteration")
                if result:
                    entry.nrmse = difference(folder, entry, threads)
            except Failure as failure:
                entry.failure = str(failure)
                say(f"{case.name}, round {number + 1}: {contestant.name}: did not run: {failure}")
    return CaseResult(case, entries)


def make_volumes(case: Case, threads: int, folder: Path) -> None:
    """The image and its PSF, and our results to compare the others with. Has FFTW's plans made, too."""
    for boundary in BOUNDARIES:
        ours = Ours(cpu_name(boundary, threads), boundary, "", device=0, threads=threads)
        ours.run(case, folder, folder / boundary)
    for name in ("observed.tif", "psf.tif"):
        (folder / "zero" / name).rename(folder / name)
    for boundary in BOUNDARIES:
        shutil.rmtree(folder / boundary)


def difference(folder: Path, entry: Entry, threads: int) -> float | None:
    """NRMSE of the image that a contestant left, if it did, to ours; takes the image away."""
    image = None
    for path in (folder / "result.npy", folder / "result.tif"):
        if path.exists():
            image = np.load(path) if path.suffix == ".npy" else tifffile.imread(path)
            path.unlink()
    shutil.rmtree(folder / "result", ignore_errors=True)
    if image is None or entry.name == cpu_name(entry.boundary, threads):
        return None
    ours = tifffile.imread(folder / f"{entry.boundary}.tif")
    # Plane by plane: in double precision, without copies of the whole.
    squares = sum(float(np.sum((a.astype(np.float64) - b) ** 2)) for a, b in zip(image, ours))
    return float(np.sqrt(squares / sum(float(np.sum(b.astype(np.float64) ** 2)) for b in ours)))


def write(folder: Path, machine: Machine, command: str, date: str, results: list[CaseResult], found: list[Bar]) -> None:
    """The page, the raw figures and the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    raw: dict[str, object] = {"date": date, "machine": machine.as_json(), "command": command}
    raw |= {"cases": [as_json(result) for result in results], "bars": [bar_as_json(bar) for bar in found]}
    (folder / "results.json").write_text(json.dumps(raw, indent=1) + "\n")
    (folder / "results.md").write_text(table.page(machine, command, date, results, found))
    plot.draw(results, folder / "results.png")


def cases(text: str) -> list[Case]:
    """Names of cases, separated by commas."""
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in CASES]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{text!r}: give some of {','.join(CASES)}")
    return [CASES[name] for name in CASES if name in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=cases, default=list(CASES.values()))
    parser.add_argument("--threads", type=int, default=2, help="of our CPU back end, and workers of SciPy")
    parser.add_argument("--rounds", type=int, help="of every case, instead of what cases.py says")
    parser.add_argument("--only", default="", help="beginnings of the names of contestants, separated by commas; default all")
    parser.add_argument("--output", type=Path, help="folder for the results")
    arguments = parser.parse_args()

    machine = Machine.here()
    date = datetime.date.today().isoformat()
    names = ",".join(case.name for case in arguments.cases)
    command = shlex.join(["make", "bench", f"CASES={names}", f"THREADS={arguments.threads}"])
    if arguments.rounds:
        arguments.cases = [dataclasses.replace(case, rounds=arguments.rounds) for case in arguments.cases]
        command += f" ROUNDS={arguments.rounds}"
    contestants = all_contestants(arguments.threads)
    if arguments.only:
        command += f" ONLY={shlex.quote(arguments.only)}"
        wanted = tuple(name.strip() for name in arguments.only.split(",") if name.strip())
        contestants = [c for c in contestants if c.name == arguments.only or c.name.startswith(wanted)]
        if not contestants:
            parser.error(f"--only {arguments.only}: no contestant's name begins so")
    results: list[CaseResult] = []
    folder = arguments.output or HERE / "Results" / f"{date}-{machine.slug}"
    for case in arguments.cases:
        with tempfile.TemporaryDirectory(prefix="gpudeconv-bench-") as scratch:
            try:
                results.append(run_case(case, contestants, arguments.threads, Path(scratch)))
            except Failure as failure:
                sys.exit(f"The volumes of the case {case.name} cannot be made: {failure}")
        # After every case, so that an interruption costs no more than one.
        found = bars(results, arguments.threads)
        write(folder, machine, command, date, results, found)
    for bar in found:
        sign = "at least" if bar.at_least else "at most"
        print(
            f"{bar.verdict:12}  {bar.case:6}  {bar.what}: {table.number(bar.value)}, {sign} {table.number(bar.limit)}"
        )
    say(f"The results are in {folder}.")


if __name__ == "__main__":
    main()
