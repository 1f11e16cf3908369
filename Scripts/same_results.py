"""What Scripts/same-results.sh does: runs twelve commands with one gpudeconv, or with two and compares what they write.

Prints a line a command: its name, the SHA-256 of the voxels it wrote, and the verdict.

  same to the byte   all files are
  same voxels        files differ (they are named), but arrays, their shapes, types and axes do not
  DIFFERS            voxels do, or AFTER failed

Exit status: 0 where all is the same to the byte, 1 where something DIFFERS, 3 where only bytes beside the voxels do
(for which a version's name may be the reason, or a lost voxel size), 2 for wrong usage, 69 where BEFORE fails or differs
from itself.

With BEFORE alone the list of checksums is printed, or written to LIST. To make the same list on another day, give the
same FOLDER: it keeps the inputs and the plans of transforms, which are found by measuring and decide over last digits.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import tifffile
import zarr

SHAPE = "24,40,48"
PSF_SHAPE = "9,11,11"
CPU = "--backend cpu --threads 2"
CLFFT = "--backend opencl --fft clfft"
VKFFT = "--backend opencl --fft vkfft"
BAD_VOXELS = "--mask in/mask.tif --flat-field in/flat.tif --saturation 600"

# Name, whether it is interrupted and gone on with, output, and the rest. Transforms on OpenCL have only two shapes, since
# kernels are compiled for each.
COMMANDS = [
    ("cpu-imagej", False, "out.tif", f"in/cell.tif --psf in/psf.tif --boundary extend {CPU}"),
    (
        "cpu-ome-uint16",
        False,
        "out.ome.tif",
        f"in/cell.tif --psf in/psf.tif --dtype uint16 --boundary edge --background 98 --start flat {CPU}",
    ),
    (
        "cpu-channels",
        False,
        "out.tif",
        "in/channels.tif --psf in/psf.tif,in/psf-red.tif --boundary reflect --background 98 --read-noise 1.5"
        f" --start observed {CPU}",
    ),
    (
        "cpu-psf-as-is",
        False,
        "out.tif",
        f"in/cell.tif --psf in/psf.tif --psf-as-is --dtype uint8 --deflate --boundary periodic {CPU}",
    ),
    (
        "cpu-tiles",
        False,
        "out.tif",
        f"in/cell.tif --psf in/psf.tif --tile 12,20,48 --boundary zero --background 98 --start light {CPU}",
    ),
    ("cpu-bad-voxels", False, "out.tif", f"in/cell.tif --psf in/psf.tif {BAD_VOXELS} {CPU}"),
    ("cpu-series-zarr", False, "out.zarr", f"in/frames/t*.tif --psf in/psf.tif --background 98 {CPU}"),
    (
        "cpu-zarr-2",
        False,
        "out.zarr",
        "in/array.zarr --axes czyx --psf in/psf.tif,in/psf-red.tif --zarr-format 2 --chunks 12,40,48 --codec zstd:3"
        f" --dtype uint16 --background 98 {CPU}",
    ),
    (
        "cpu-resumed",
        True,
        "out.zarr",
        f"in/frames/t*.tif --psf in/psf.tif -i 400 --divergence-interval 0 --background 98 {CPU}",
    ),
    (
        "clfft-imagej",
        False,
        "out.tif",
        f"in/cell.tif --psf in/psf.tif --boundary extend --background 98 --read-noise 1.5 --start observed {CLFFT}",
    ),
    (
        "vkfft-bad-voxels",
        False,
        "out.ome.tif",
        f"in/cell.tif --psf in/psf.tif {BAD_VOXELS} --boundary reflect --background 98 --start flat {VKFFT}",
    ),
    (
        "vkfft-tiles-zarr-3",
        False,
        "out.zarr",
        "in/image.zarr --psf in/psf.tif,in/psf-red.tif --tile 12,20,48 --boundary edge --zarr-format 3"
        f" --chunks 8,20,24 --shards 24,40,48 --codec blosc-zstd:5 {VKFFT}",
    ),
]


class Failure(Exception):
    """A command that did not do what it should, in a line."""


def arguments_of(output: str, rest: str) -> list[str]:
    return [*rest.split(), "-o", output, "--report", "report.json", "--quiet"]


def finish(process: subprocess.Popen, expected: int) -> None:
    error = process.communicate()[1].decode(errors="replace").strip().splitlines()
    if process.returncode != expected:
        raise Failure(f"exit status {process.returncode}, not {expected}: {error[-1] if error else 'nothing said'}")


def is_of_finished_volume(line: bytes) -> bool:
    try:
        return json.loads(line).get("finishedVolumes", 0) > 0
    except ValueError:
        # Of a program that crashes.
        return False


class Runner:
    """Runs programs in folders that have the inputs as `in`, all with one cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs = folder / "in"
        self.environment = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"))
        self.environment.pop("POCL_CACHE_DIR", None)

    def start(self, program: Path, arguments: list[str], folder: Path) -> subprocess.Popen:
        return subprocess.Popen(
            [str(program), *arguments],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def run(self, program: Path, name: str, is_resumed: bool, output: str, rest: str, pass_name: str) -> Path:
        """Runs a command in a new folder, and returns its output."""
        folder = self.folder / pass_name / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "in").symlink_to(self.inputs)
        arguments = arguments_of(output, rest)
        if is_resumed:
            self.interrupt(program, arguments, folder)
        finish(self.start(program, arguments, folder), 0)
        if is_resumed and not json.loads((folder / "report.json").read_text()).get("resumedVolumes"):
            raise Failure("it went on with nothing")
        return folder / output

    def interrupt(self, program: Path, arguments: list[str], folder: Path) -> None:
        """Stops a run when its first volume is written: where it stops is chance, what it ends with is not."""
        process = self.start(program, [*arguments, "--json-progress"], folder)
        for line in process.stderr:
            if is_of_finished_volume(line):
                # Not SIGINT, which shells have the commands behind an `&` ignore.
                process.send_signal(signal.SIGTERM)
                break
        finish(process, 130)

    def make_inputs(self, program: Path) -> None:
        if self.inputs.exists():
            return
        making = self.folder / "in.partial"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        for name, options in (("green", "--seed 1"), ("red", "--seed 2 --wavelength 640 --excitation 561")):
            simulate = ["simulate", name, "--shape", SHAPE, "--psf-shape", PSF_SHAPE, "--photons", "2000"]
            finish(self.start(program, [*simulate, "--backend", "cpu", *options.split()], making), 0)
        shutil.copy(making / "green/observed.tif", making / "cell.tif")
        shutil.copy(making / "green/psf.tif", making / "psf.tif")
        shutil.copy(making / "red/psf.tif", making / "psf-red.tif")
        green, red = (tifffile.imread(making / name / "observed.tif") for name in ("green", "red"))
        voxel = {"imagej": True, "resolution": (10, 10)}
        units = {"spacing": 0.25, "unit": "um"}

        tifffile.imwrite(
            making / "channels.tif", numpy.stack([green, red], axis=1), metadata={**units, "axes": "ZCYX"}, **voxel
        )
        (making / "frames").mkdir()
        for time in range(6):
            frame = numpy.roll(green, 5 * time, axis=2)
            tifffile.imwrite(making / f"frames/t{time}.tif", frame, metadata={**units, "axes": "ZYX"}, **voxel)
        random = numpy.random.default_rng(5)
        flat = random.uniform(0.8, 1.2, green.shape).astype(numpy.float32)
        tifffile.imwrite(making / "flat.tif", flat, metadata={**units, "axes": "ZYX"}, **voxel)
        mask = (random.uniform(size=green.shape) > 0.01).astype(numpy.uint8)
        tifffile.imwrite(making / "mask.tif", mask, metadata={**units, "axes": "ZYX"}, **voxel)

        channels = numpy.stack([green, red])
        array = zarr.create_array(
            str(making / "array.zarr"), shape=channels.shape, dtype="uint16", chunks=(1, 10, 40, 48), zarr_format=2
        )
        array[:] = channels
        image = zarr.open_group(str(making / "image.zarr"), mode="w", zarr_format=2)
        level = image.create_array("0", shape=(2, *channels.shape), dtype="uint16", chunks=(1, 1, 24, 20, 48))
        level[:] = numpy.stack([channels, numpy.roll(channels, 7, axis=3)])
        axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}]
        axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
        scale = [{"type": "scale", "scale": [1, 1, 0.25, 0.1, 0.1]}]
        datasets = [{"path": "0", "coordinateTransformations": scale}]
        image.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]
        making.rename(self.inputs)


def files_of(output: Path) -> dict[str, bytes]:
    """All files of an output by their paths in it."""
    if output.is_file():
        return {output.name: output.read_bytes()}
    return {str(path.relative_to(output)): path.read_bytes() for path in sorted(output.rglob("*")) if path.is_file()}


def is_array(path: Path) -> bool:
    return path.name == ".zarray" or (
        path.name == "zarr.json" and json.loads(path.read_text()).get("node_type") == "array"
    )


def arrays_of(output: Path) -> dict[str, numpy.ndarray]:
    """All arrays of an output, as other programs read them, by names that say the axes or the place in the store."""
    if output.is_file():
        with tifffile.TiffFile(output) as file:
            return {f"{number} {series.axes}": series.asarray() for number, series in enumerate(file.series)}
    folders = sorted(path.parent for path in output.rglob("*") if path.is_file() and is_array(path))
    return {str(folder.relative_to(output)): zarr.open_array(str(folder), mode="r")[...] for folder in folders}


def digest(parts: list[tuple[str, bytes]]) -> str:
    total = hashlib.sha256()
    for name, content in parts:
        total.update(f"{name} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()


class Result:
    """What a command wrote."""

    def __init__(self, output: Path) -> None:
        try:
            self.files = files_of(output)
            self.arrays = arrays_of(output)
        # What the libraries raise for damaged files is of many types.
        except Exception as error:
            raise Failure(f"{output.name} cannot be read: {type(error).__name__}: {error}") from error
        if not self.arrays:
            raise Failure(f"there is no array in {output.name}")
        self.voxels = digest(
            [(f"{name} {array.shape} {array.dtype}", array.tobytes()) for name, array in self.arrays.items()]
        )
        self.bytes = digest(list(self.files.items()))

    def differing_files(self, other: "Result") -> list[str]:
        names = {**self.files, **other.files}
        return [name for name in names if self.files.get(name) != other.files.get(name)]

    def difference(self, other: "Result") -> str:
        """In words, where voxels are not those of the other."""
        words = []
        for name in {**self.arrays, **other.arrays}:
            mine, others = self.arrays.get(name), other.arrays.get(name)
            if mine is None or others is None:
                words.append(f"{name}: only in one")
            elif (mine.shape, mine.dtype) != (others.shape, others.dtype):
                words.append(f"{name}: {mine.shape} {mine.dtype} became {others.shape} {others.dtype}")
            elif mine.tobytes() != others.tobytes():
                largest = numpy.abs(mine.astype(numpy.float64) - others).max()
                words.append(f"{name}: {(mine != others).sum()} of {mine.size} voxels, by {largest:.3g} at most")
        return "; ".join(words)


def results_before(runner: Runner, program: Path) -> dict[str, Result]:
    """What BEFORE writes for each command, twice; the run that fills the cache does not count."""
    results = {}
    for name, *command in COMMANDS:
        try:
            runner.run(program, name, *command, "warm")
            first, second = (Result(runner.run(program, name, *command, each)) for each in ("before", "again"))
        except Failure as failure:
            raise Failure(f"{name}: {failure}") from failure
        if first.bytes != second.bytes:
            what = first.difference(second) or "files " + ", ".join(first.differing_files(second))
            raise Failure(f"{name}: two runs of one program differ: {what}")
        results[name] = first
    return results


def write_list(results: dict[str, Result], path: Path | None) -> None:
    lines = ["# Command, SHA-256 of its voxels and of all its files; and what was run, twice where it was interrupted."]
    for name, is_resumed, output, rest in COMMANDS:
        result = results[name]
        lines.append(f"{name} {result.voxels} {result.bytes}")
        lines.append(f"    gpudeconv {' '.join(arguments_of(output, rest))}{' (interrupted)' if is_resumed else ''}")
    text = "\n".join(lines) + "\n"
    if path:
        path.write_text(text)
    else:
        print(text, end="")


def compare(runner: Runner, before: dict[str, Result], program: Path) -> int:
    """Runs AFTER, says how it compares, and returns the exit status."""
    differing = others = 0
    for name, *command in COMMANDS:
        mine = before[name]
        try:
            result = Result(runner.run(program, name, *command, "after"))
            if result.bytes == mine.bytes:
                verdict = "same to the byte"
            elif result.voxels == mine.voxels:
                others += 1
                verdict = f"same voxels, other bytes in {', '.join(mine.differing_files(result))}"
            else:
                differing += 1
                verdict = f"DIFFERS: {mine.difference(result)}"
        except Failure as failure:
            differing += 1
            verdict = f"DIFFERS: {failure}"
        print(f"{name:18} {mine.voxels} {verdict}", flush=True)
    same = len(COMMANDS) - differing - others
    print(f"{same} same to the byte, {others} same voxels, {differing} differ")
    return 1 if differing else 3 if others else 0


def program_of(text: str) -> Path:
    path = shutil.which(text)
    if not path:
        raise argparse.ArgumentTypeError(f"there is no program {text}")
    return Path(path).resolve()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=program_of)
    parser.add_argument("after", type=program_of, nargs="?")
    parser.add_argument("list", type=Path, nargs="?", help="file for the checksums of BEFORE")
    parser.add_argument("--checksums", type=Path, metavar="LIST", help="the same")
    parser.add_argument("--folder", type=Path, help="kept, and gone on with; otherwise a temporary one")
    arguments = parser.parse_args()
    checksums = arguments.checksums or arguments.list

    with tempfile.TemporaryDirectory(prefix="same-results-") as temporary:
        runner = Runner((arguments.folder or Path(temporary)).resolve())
        try:
            runner.make_inputs(arguments.before)
            before = results_before(runner, arguments.before)
        except Failure as failure:
            print(f"same-results.sh: {failure}", file=sys.stderr)
            sys.exit(69)
        if checksums or not arguments.after:
            write_list(before, checksums)
        sys.exit(compare(runner, before, arguments.after) if arguments.after else 0)


if __name__ == "__main__":
    main()
