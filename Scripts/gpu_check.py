"""What Scripts/gpu-check.sh leaves to Python: lines of JSON from what steps wrote, and a Zarr array of made-up volumes.

Needs nothing but Python.
"""

import argparse
import json
import os
import random
import re
import sys
from pathlib import Path


def read(path: Path) -> object:
    """The JSON of a file, or None where a step was cut off before it wrote any."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def of_device(entry: dict) -> dict:
    """What matters of one device in the report of `gpudeconv bench`."""
    keys = [
        "device", "fft", "workShape", "secondsPerIteration", "deviceSecondsPerIteration", "fastestIterationSeconds",
        "firstIterationSeconds", "deviceBytes", "deviceBytesPerWorkVoxel", "leastBytes", "leastBytesPerSecond",
        "copyBytesPerSecond", "partOfCopyRate", "transfers", "warnings",
    ]  # fmt: skip
    figures = {key: entry[key] for key in keys if entry.get(key) not in (None, [])}
    figures["setupSeconds"] = entry["setupSeconds"]["total"]
    if entry.get("check"):
        figures["nrmse"] = entry["check"]["nrmse"]
    if entry.get("passes"):
        figures["passes"] = [
            {"name": each["name"], "bytes": each["bytes"], "milliseconds": 1000 * each["seconds"]}
            for each in entry["passes"]
        ]
        figures["passMilliseconds"] = 1000 * entry["passSeconds"]
    return figures


def of_bench(report: dict) -> dict:
    """What matters of the report of `gpudeconv bench`."""
    figures = {
        "shape": report["shape"],
        "psfShape": report["psfShape"],
        "boundary": report["boundary"],
        "devices": [of_device(entry) for entry in report["devices"]],
    }
    if report["skipped"]:
        figures["skipped"] = report["skipped"]
    return figures


def of_report(report: dict) -> dict:
    """What matters of the report of a deconvolution."""
    seconds = report["seconds"]
    figures = {key: report[key] for key in ("shape", "bottleneck", "peakDeviceBytes", "tileCount") if key in report}
    figures["seconds"] = seconds
    figures["volumes"] = report["channels"] * report["timepoints"]
    figures["volumesPerMinute"] = 60 * figures["volumes"] / seconds["total"]
    if seconds["compute"]:
        figures["totalPerCompute"] = seconds["total"] / seconds["compute"]
    return figures


def of_cupy(report: dict) -> dict:
    """What matters of the report of cupy_richardson_lucy.py."""
    keys = ["device", "workShape", "secondsPerIteration", "eventSecondsPerIteration", "firstIterationSeconds", "deviceBytes"]
    return {key: report[key] for key in keys}


def of_comparison(report: dict) -> dict:
    """What matters of a comparison."""
    return {key: report[key] for key in ("nrmse", "largestRowNRMSE", "maxAbsoluteDifference")}


def of_devices(devices: list) -> dict:
    """The names of all devices."""
    return {"devices": [f"{entry['name']} ({entry['backend']}, {entry['type']})" for entry in devices]}


READERS = {
    "bench": of_bench,
    "report": of_report,
    "cupy": of_cupy,
    "compare": of_comparison,
    "devices": of_devices,
}


def nvidia(folder: Path) -> dict:
    """The cards and the driver that nvidia-smi -q lists."""
    try:
        text = (folder / "nvidia-smi.txt").read_text()
    except OSError:
        return {}
    names = re.findall(r"^\s*Product Name\s*: (.*)$", text, re.MULTILINE)
    version = re.search(r"^\s*Driver Version\s*: (.*)$", text, re.MULTILINE)
    return {"cards": names, "driver": version.group(1) if version else None}


def figures_of(folder: Path) -> dict:
    """The figures of every JSON file that a step has left, by the file's name."""
    figures: dict = {}
    for path in sorted(folder.glob("*.json")):
        reader = READERS.get(path.stem.split("-")[0])
        content = read(path)
        if reader and content is not None:
            try:
                figures[path.stem] = reader(content)
            except (KeyError, TypeError, AttributeError) as error:
                figures[path.stem] = {"unreadable": f"{type(error).__name__}: {error}"}
    cards = nvidia(folder)
    if cards:
        figures["nvidia"] = cards
    return figures


def in_words(figures: dict) -> str:
    """The figures that somebody who watches wants to see."""
    words = []
    for name, values in figures.items():
        if name == "bench":
            for entry in values.get("devices", []):
                seconds = entry.get("deviceSecondsPerIteration") or entry["secondsPerIteration"]
                shape = "x".join(map(str, values["shape"]))
                words.append(f"{entry['fft']} {1000 * seconds:.3f} ms an iteration of {shape}")
                if "passMilliseconds" in entry:
                    words.append(f"{len(entry['passes'])} passes {entry['passMilliseconds']:.3f} ms")
                if "nrmse" in entry:
                    words.append("no number" if entry["nrmse"] is None else f"NRMSE {entry['nrmse']:.1e}")
                for key, rate in entry.get("transfers", {}).items():
                    if rate is not None:
                        words.append(f"{key.replace('BytesPerSecond', '')} {rate * 1e-9:.1f} GB/s")
            words += [f"{each.get('fft', each['part'])} skipped" for each in values.get("skipped", [])]
        elif name == "cupy":
            words.append(f"{1000 * values['eventSecondsPerIteration']:.3f} ms an iteration")
        elif name.startswith("compare"):
            nrmse = values.get("nrmse")
            words.append(f"{name.partition('-')[2]} " + ("no number" if nrmse is None else f"NRMSE {nrmse:.1e}"))
        elif name == "report" and "volumesPerMinute" in values:
            words.append(f"{values['volumesPerMinute']:.1f} volumes a minute, slowest: {values.get('bottleneck')}")
        elif name == "devices":
            words += values["devices"]
    return ", ".join(words)


def record(arguments: argparse.Namespace) -> None:
    """Adds the line of a step."""
    folder = arguments.output / arguments.name
    line: dict = {"name": arguments.name}
    if arguments.skipped:
        line["skipped"] = arguments.skipped
        said = f"skipped: {arguments.skipped}"
    else:
        # timeout(1) kills, itself among them.
        is_cut_off = arguments.status == 137 and arguments.microseconds >= 1e6 * arguments.limit
        line["seconds"] = arguments.microseconds / 1e6
        line["limit"] = arguments.limit
        line["status"] = arguments.status
        line["cutOff"] = is_cut_off
        if arguments.status != 0:
            lines = (folder / "errors.txt").read_text(errors="replace").strip().splitlines()
            line["error"] = lines[-1] if lines else ""
        line["figures"] = figures_of(folder)
        state = "cut off" if is_cut_off else "done" if arguments.status == 0 else f"failed with {arguments.status}"
        said = f"{line['seconds']:.1f} s, {state}"
        words = in_words(line["figures"])
        said += f": {words}" if words else ""
        said += f" ({line['error']})" if line.get("error") else ""
    with open(arguments.output / "steps.jsonl", "a") as steps:
        steps.write(json.dumps(line) + "\n")
    print(f"{arguments.name:20} {said}", flush=True)


def device(arguments: argparse.Namespace) -> None:
    """Prints the number of the first GPU, or else of the first OpenCL device."""
    devices = json.loads(arguments.devices.read_text())
    opencl = [number for number, entry in enumerate(devices) if entry["backend"] == "opencl"]
    gpus = [number for number in opencl if devices[number]["type"] == "GPU"]
    print((gpus + opencl)[0])


def require(arguments: argparse.Namespace) -> None:
    """Fails where a comparison has a larger NRMSE."""
    nrmse = json.loads(arguments.comparison.read_text())["nrmse"]
    if nrmse is None or not nrmse <= arguments.limit:
        sys.exit(f"{arguments.comparison}: an NRMSE of {nrmse}, and {arguments.limit} is the most")


def store(arguments: argparse.Namespace) -> None:
    """Makes a Zarr array of version 2 (time, z, y, x) of uint16, one chunk a volume, which are one and the same file."""
    axes = [int(part) for part in arguments.shape.split(",")]
    arguments.folder.mkdir(parents=True)
    metadata = {
        "zarr_format": 2,
        "shape": [arguments.count, *axes],
        "chunks": [1, *axes],
        "dtype": "<u2",
        "compressor": None,
        "fill_value": 0,
        "filters": None,
        "order": "C",
    }
    (arguments.folder / ".zarray").write_text(json.dumps(metadata))
    count = axes[0] * axes[1] * axes[2]
    # Counts below 256, from numbers that repeat: nothing here asks what is in the image.
    noise = random.Random(5).getrandbits(8 * min(count, 1 << 20)).to_bytes(min(count, 1 << 20), "little")
    voxels = bytearray(2 * count)
    voxels[0::2] = (noise * (count // len(noise) + 1))[:count]
    chunk = arguments.folder / "0.0.0.0"
    chunk.write_bytes(voxels)
    for time in range(1, arguments.count):
        os.link(chunk, arguments.folder / f"{time}.0.0.0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    parse = commands.add_parser("record", help=record.__doc__)
    parse.set_defaults(run=record)
    parse.add_argument("output", type=Path)
    parse.add_argument("name")
    parse.add_argument("--skipped")
    parse.add_argument("--status", type=int, default=0)
    parse.add_argument("--limit", type=int, default=0)
    parse.add_argument("--microseconds", type=int, default=0)

    parse = commands.add_parser("device", help=device.__doc__)
    parse.set_defaults(run=device)
    parse.add_argument("devices", type=Path)

    parse = commands.add_parser("require", help=require.__doc__)
    parse.set_defaults(run=require)
    parse.add_argument("comparison", type=Path)
    parse.add_argument("limit", type=float)

    parse = commands.add_parser("store", help=store.__doc__)
    parse.set_defaults(run=store)
    parse.add_argument("folder", type=Path)
    parse.add_argument("shape")
    parse.add_argument("count", type=int)

    arguments = parser.parse_args()
    arguments.run(arguments)


main()
