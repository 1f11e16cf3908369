"""Measures how near our methods and their peers come to the truth, and renews the page that tells it.

    python -m quality [--quick] [--data FOLDER] [--program FILE] [--threads N] [--no-peers]        (in Benchmarks)

`make quality` does so in an environment of its own; README.md says what is measured. --quick takes the nine cells only, prints the tables
and leaves the files of the repository as they are.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import time
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
Figures = dict[str, Any]


def peers(phantoms: list[Phantom], cache: Cache) -> Figures:
    """Every peer that is installed."""
    found = {}
    for peer in PEERS:
        known = {"boundary": peer.boundary, "transforms": peer.transforms, "chosen": peer.chosen}
        found[peer.name] = known | scores(peer, phantoms, cache)
        say(f"{peer.name}: {found[peer.name].get('failure', 'done')}")
    return found


def measured(program: Program, data: Path | None, cache: Cache, last: Figures, with_peers: bool) -> Figures:
    """All that does not need a real stack."""
    phantoms = study(data)
    figures: Figures = {"phantoms": experiments.described(phantoms, cache), "absent": ABSENT}
    figures["ours"] = experiments.ours(program, phantoms, METHODS)
    figures["peers"] = peers(phantoms, cache) if with_peers else last.get("peers", {})
    figures["unseen"] = experiments.unseen(program, unseen(), cache)
    figures["seeds"] = experiments.seeds(program, [*cells(), phantom("sheet", "lines", 200)])
    figures["gains"] = experiments.gains(program, cells())
    figures["acceleration"] = experiments.acceleration(program, [p for p in phantoms if p.microscope != "bars"])
    figures["curves"] = experiments.curves(program, cells())
    return figures


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
    parser.add_argument("--data", type=Path, help="folder with lattice-cell, hollow-bars and confocal-grid")
    parser.add_argument("--program", type=Path, default=ROOT / ".build/release/gpudeconv")
    parser.add_argument("--threads", type=int, default=2, help="of our CPU back end")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="leave the figures of other programs as they were")
    arguments = parser.parse_args()

    started = time.monotonic()
    results = pages.RESULTS / "quality.json"
    last = json.loads(results.read_text()) if results.exists() else {}
    cache = Cache(ROOT / ".quality" / "cache.json", last)
    program = Program(arguments.program, arguments.threads)
    if arguments.quick:
        quick(program, cache)
        return
    data, machine = find_data(arguments.data), Machine.here()
    figures = {"date": datetime.date.today().isoformat(), "machine": machine.as_json()}
    figures |= measured(program, data, cache, last, arguments.peers)
    figures["shells"] = pages.real_stacks(program, data)
    found = all_bars(figures)
    figures["bars"] = [bar.as_json() for bar in found]
    figures["seconds"] = round(time.monotonic() - started)
    pages.write(figures, found, program, data)
    for bar in found:
        print(f"{bar.verdict:12}  {bar.what}: {tables.number(bar.value, '.2f')} ({bar.limit:g}) {bar.where}")
    say(f"{figures['seconds']} s in all. Documentation/Quality.md is renewed.")


if __name__ == "__main__":
    sys.exit(main())
