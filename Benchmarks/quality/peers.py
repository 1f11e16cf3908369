"""Other programs on the phantoms: each as its own program does it, with its own or its documented number of iterations.

    python -m quality.peers NAME --folder FOLDER        (in Benchmarks; reads FOLDER/*.npz, writes FOLDER/scores.json)

None of them knows a background, so they get what lies above it: max(g - b, 0). Those that do nothing about borders come twice, as
they are and in an image that is mirrored around by half the PSF.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .cache import Cache, peer_key
from .formulas import Model, heavy_ball
from .phantoms import Phantom
from .scores import Score

Deconvolve = Callable[[np.ndarray, np.ndarray], np.ndarray]
SECONDS = 1200


@dataclass(frozen=True)
class Peer:
    """A program, or the formula of one, with its number of iterations."""

    name: str
    distribution: str
    """The package on PyPI, empty for a formula of ours."""
    deconvolve: Deconvolve
    boundary: str
    transforms: int
    """3D transforms of a volume, as the formula needs them."""
    chosen: str
    """Where the number of iterations is from."""


def scikit_image(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    """Its default number, without clipping at 1."""
    import skimage.restoration

    return skimage.restoration.richardson_lucy(image, psf, clip=False)


def redlionfish(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    """Its default number, on the CPU. An odd last axis grows by one there."""
    import RedLionfishDeconv

    result = RedLionfishDeconv.doRLDeconvolutionFromNpArrays(image, psf, method="cpu")
    return result[tuple(slice(0, n) for n in image.shape)]


def clij2_fft(function: str) -> Deconvolve:
    """One of its two, on the first OpenCL device."""

    def deconvolve(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
        import clij2fft.libs
        import clij2fft.richardson_lucy

        return getattr(clij2fft.richardson_lucy, function)(image, psf, 50, lib=clij2fft.libs.getlib())

    return deconvolve


def sdeconv(method: str) -> Deconvolve:
    """One of its filters, with its defaults."""

    def deconvolve(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
        import sdeconv.deconv
        import torch

        # It shifts the PSF within the image's shape, so it has to be as large.
        whole = np.zeros(image.shape, np.float32)
        places = [(m // 2 - p // 2, p) for m, p in zip(image.shape, psf.shape)]
        whole[tuple(slice(at, at + p) for at, p in places)] = psf
        filtering = getattr(sdeconv.deconv, method)(torch.tensor(whole))
        return filtering(torch.tensor(image)).cpu().numpy()

    return deconvolve


def flowdec(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    """Mirrored to a power of two, 30 iterations as in its examples."""
    import flowdec.data
    import flowdec.restoration

    solver = flowdec.restoration.RichardsonLucyDeconvolver(n_dims=3).initialize()
    return solver.run(flowdec.data.Acquisition(data=image, kernel=psf), niter=30).data


def deconwolf(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
    """What it describes, in our formula: light outside is estimated, heavy ball, 40 iterations as in its first example."""
    return next(itertools.islice(heavy_ball(Model(image, psf, 0)), 39, None))


def mirrored(deconvolve: Deconvolve) -> Deconvolve:
    """The same in an image that is mirrored around by half the PSF, whose size then is even, and cut."""

    def padded(image: np.ndarray, psf: np.ndarray) -> np.ndarray:
        around = [(p // 2, p // 2 + m % 2) for m, p in zip(image.shape, psf.shape)]
        result = deconvolve(np.pad(image, around, mode="symmetric"), psf)
        return result[tuple(slice(before, before + m) for (before, _), m in zip(around, image.shape))]

    return padded


def both(name: str, distribution: str, deconvolve: Deconvolve, boundary: str, transforms: int, chosen: str) -> list[Peer]:
    """As it is, and mirrored around."""
    return [
        Peer(name, distribution, deconvolve, boundary, transforms, chosen),
        Peer(f"{name}, mirrored", distribution, mirrored(deconvolve), "mirrored", transforms, chosen),
    ]


PEERS = [
    *both("scikit-image 50", "scikit-image", scikit_image, "zero", 300, "its default"),
    *both("RedLionfish 10", "redlionfish", redlionfish, "periodic", 40, "its default"),
    Peer("clij2-fft 50", "clij2-fft", clij2_fft("richardson_lucy"), "reflect", 200, "ours, it has none"),
    Peer("clij2-fft nc 50", "clij2-fft", clij2_fft("richardson_lucy_nc"), "extend", 200, "ours, it has none"),
    *both("sdeconv RL 30", "sdeconv", sdeconv("SRichardsonLucy"), "periodic", 120, "its default"),
    *both("sdeconv Wiener", "sdeconv", sdeconv("SWiener"), "periodic", 2, "its default"),
    Peer("flowdec 30", "flowdec", flowdec, "reflect", 120, "its examples"),
    Peer("deconwolf's shb 40", "", deconwolf, "extend", 160, "its first example"),
]
# What is tried no further, and why.
ABSENT = {
    "deconwolf": "is in neither PyPI nor Debian 12; its method stands as a formula",
    "ci-deconvolve": "needs Python 3.12, Debian 12 has 3.11; heavy ball on an estimated border too",
}


def scores(peer: Peer, phantoms: list[Phantom], cache: Cache) -> dict[str, Any]:
    """Score and seconds by phantom, or why there are none."""
    version = installed(peer)
    if version is None:
        return {"failure": f"{peer.distribution} is not installed here"}

    def key(phantom: Phantom) -> str:
        return peer_key(peer.name, version, phantom.checksum)

    missing = [p for p in phantoms if key(p) not in cache.values]
    if missing:
        found = computed(peer, missing)
        if "failure" in found:
            return found
        cache.values |= {key(p): found[p.name] for p in missing}
        cache.save()
    return {"version": version, "cases": {p.name: cache.values[key(p)] for p in phantoms}}


def installed(peer: Peer) -> str | None:
    """Its version."""
    if not peer.distribution:
        return "formula"
    try:
        return importlib.metadata.version(peer.distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def computed(peer: Peer, phantoms: list[Phantom]) -> dict[str, Any]:
    """In a process of its own, so that it may crash."""
    with tempfile.TemporaryDirectory(prefix="gpudeconv-peers-") as scratch:
        folder = Path(scratch)
        for phantom in phantoms:
            image = np.maximum(phantom.observed - phantom.background, 0).astype(np.float32)
            np.savez(folder / f"{phantom.name}.npz", image=image, psf=phantom.psf.astype(np.float32), truth=phantom.truth)
        command = [sys.executable, "-m", "quality.peers", peer.name, "--folder", scratch]
        # clij2-fft's library lies beside the interpreter's.
        libraries = [str(Path(sys.prefix) / "lib"), os.environ.get("LD_LIBRARY_PATH")]
        environment = os.environ | {"LD_LIBRARY_PATH": ":".join(filter(None, libraries))}
        here = Path(__file__).parent.parent
        try:
            done = subprocess.run(
                command, cwd=here, env=environment, capture_output=True, text=True, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            return {"failure": f"it took more than {SECONDS} s"}
        if done.returncode or not (folder / "scores.json").exists():
            last = next(iter(done.stderr.strip().splitlines()[-1:]), "")
            return {"failure": f"exit code {done.returncode}: {last[:200]}"}
        return json.loads((folder / "scores.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=[peer.name for peer in PEERS])
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    peer = next(p for p in PEERS if p.name == arguments.peer)
    found = {}
    for path in sorted(arguments.folder.glob("*.npz")):
        with np.load(path) as arrays:
            image, psf, truth = (arrays[name] for name in ("image", "psf", "truth"))
        started = time.perf_counter()
        result = np.asarray(peer.deconvolve(image, psf), np.float64)
        seconds = time.perf_counter() - started
        found[path.stem] = Score.of(result, truth).as_json() | {"seconds": round(seconds, 3)}
    (arguments.folder / "scores.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
