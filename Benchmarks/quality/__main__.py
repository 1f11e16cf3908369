"""Measures how near our methods and their peers come to the truth, and renews the page that tells it.

    python -m quality [--quick] [--only NAMES] [--data FOLDER] [--program FILE] [--threads N] [--no-peers]

in Benchmarks; `make quality` does so in an environment of its own. README.md says what is measured. --quick takes the nine
cells only, prints the tables and leaves the files of the repository as they are.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import Machine

from . import experiments, pages, tables
from .bars import all_bars
from .cache import Cache
from .experiments import say
from .ours import METHODS, Program
from .peers import ABSENT, PEERS, scores
from .phantoms import Phantom, cells, phantom, study, unseen

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / ".build/release/gpudeconv"
PARTS = ("peers", "seeds", "gains", "acceleration", "curves", "shells")
Figures = dict[str, Any]


def peers(phantoms: list[Phantom], cache: Cache) -> Figures:
    """Every peer that is installed."""
    found = {}
    for peer in PEERS:
        known = {"boundary": peer.boundary, "transforms": peer.transforms, "chosen": peer.chosen}
        found[peer.name] = known | scores(peer, phantoms, cache)
        say(f"{peer.name}: {found[peer.name].get('failure', 'done')}")
    return found


def measured(program: Program, data: Path | None, cache: Cache, last: Figures, wanted: set[str]) -> Figures:
    """All figures; what is not wanted is that of the last time."""
    phantoms = study(data)
    ways = [way for way in METHODS if way.name in wanted]

    def part(name: str, compute: Callable[[], Figures]) -> Figures:
        return compute() if name in wanted else last.get(name, {})

    figures: Figures = {"phantoms": experiments.described(phantoms, cache), "absent": ABSENT}
    figures["ours"] = last.get("ours", {}) | experiments.ours(program, phantoms, ways)
    figures["peers"] = part("peers", lambda: peers(phantoms, cache))
    known = last.get("unseen", {}).get("methods", {})
    figures["unseen"] = experiments.unseen(program, unseen(), ways, cache, known)
    figures["seeds"] = part("seeds", lambda: experiments.seeds(program, [*cells(), phantom("sheet", "lines", 200)]))
    figures["gains"] = part("gains", lambda: experiments.gains(program, cells()))
    fields = [p for p in phantoms if p.microscope != "bars"]
    figures["acceleration"] = part("acceleration", lambda: experiments.acceleration(program, fields))
    figures["curves"] = part("curves", lambda: experiments.curves(program, cells()))
    figures["shells"] = part("shells", lambda: pages.real_stacks(program, data))
    return figures


def names(text: str) -> set[str]:
    """Names of methods and parts, separated by commas."""
    given = {name.strip() for name in text.split(",") if name.strip()}
    known = {*PARTS, *(way.name for way in METHODS)}
    if not given or given - known:
        unknown = ", ".join(sorted(given - known)) or "nothing"
        raise argparse.ArgumentTypeError(f"{unknown}: give some of {', '.join(sorted(known))}")
    return given


def quick(program: Program, cache: Cache) -> None:
    """The nine cells by our methods, on the screen."""
    phantoms = cells()
    figures: Figures = {"phantoms": experiments.described(phantoms, cache)}
    figures["ours"] = experiments.ours(program, phantoms, METHODS)
    print(tables.summary(figures), tables.cases(figures), tables.bars(all_bars(figures)), sep="\n\n")


def find_data(given: Path | None) -> Path | None:
    """The folder of real stacks: as given, GPUDECONV_DATA, or ../shared/data beside the repository."""
    named = given or (Path(os.environ["GPUDECONV_DATA"]) if os.environ.get("GPUDECONV_DATA") else None)
    folder = named or ROOT.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    say(f"Without bars and real stacks: {folder} is not there; GPUDECONV_DATA names the folder")
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the nine cells only, on the screen")
    parser.add_argument("--only", type=names, help="methods and parts to measure anew; all else stays as it was")
    parser.add_argument("--data", type=Path, help="folder with lattice-cell, hollow-bars and confocal-grid")
    parser.add_argument("--program", type=Path, default=PROGRAM)
    parser.add_argument("--threads", type=int, default=2, help="of our CPU back end")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="leave the figures of other programs as they were")
    arguments = parser.parse_args()

    started = time.monotonic()
    results = pages.RESULTS / "quality.json"
    last = json.loads(results.read_text()) if results.exists() else {}
    cache = Cache(ROOT / ".quality" / "cache.json", last)
    machine = Machine.here()
    own = arguments.program.resolve() == PROGRAM.resolve()
    program = Program(arguments.program, arguments.threads, machine.commit if own else "another build")
    if arguments.quick:
        quick(program, cache)
        return
    data = find_data(arguments.data)
    wanted = arguments.only or {*PARTS, *(way.name for way in METHODS)}
    if not arguments.peers:
        wanted -= {"peers"}
    figures = {"date": datetime.date.today().isoformat(), "machine": machine.as_json()}
    figures |= measured(program, data, cache, last, wanted)
    found = all_bars(figures)
    figures["bars"] = [bar.as_json() for bar in found]
    figures["seconds"] = round(time.monotonic() - started)
    pages.write(figures, found, program, data)
    for bar in found:
        print(f"{bar.verdict:12}  {bar.what}: {tables.number(bar.value, '.2f')} ({bar.limit:g}) {bar.where}")
    say(f"{figures['seconds']} s in all. Documentation/Quality.md is renewed.")


if __name__ == "__main__":
    sys.exit(main())
