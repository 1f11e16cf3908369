"""Makes the files beside it that tell whether computed PSFs are right. Needs numpy, scipy, psfmodels 0.3.3 and psf 2026.1.18.

microscopes.raw   little-endian float32: PSFs of other programs, at their own sampling, each over its brightest voxel
microscopes.txt   one a line, in that order: program kind model na emission excitation immersion sample depth airy-units
                  planes rows columns dz dy dx and the stage position of the middle plane
layers.txt        na immersion sample depth model z r intensity: the integrals by adaptive quadrature in ρ, light that
                  is totally reflected included; z is the travel of the objective, intensity over that at the first line

psfmodels averages over pixels by `oversample_factor` squared samples, which are interpolated linearly: 3 are off by up to
2e-3, so it gets 15. Its confocal PSFs convolve with a disk of pixels, so they are computed on a fine and wide grid, whose
pixels make a disk of the pinhole's area to 0.5 %, and every fifth is kept. psf weights the longitudinal field twice and
leaves out the sine condition for emitted light, so it agrees where angles are small only. Its pinhole is made of pixels
too, and every sixteenth is kept.
"""
import pathlib
import warnings

import numpy as np
import psf
import psfmodels
from scipy.integrate import quad
from scipy.special import jv

warnings.simplefilter("ignore")
here = pathlib.Path(__file__).parent
EMISSION, EXCITATION = 520, 488
settings, volumes = [], []


def keep(program, kind, model, na, emission, excitation, immersion, sample, depth, airy_units, spacing, middle, volume):
    settings.append((program, kind, model, na, emission, excitation, immersion, sample, depth, airy_units, *volume.shape, *spacing, middle))
    volumes.append((volume / volume.max()).astype("<f4"))


for na, immersion, sample in ((0.8, 1.0, 1.33), (1.2, 1.33, 1.38), (1.4, 1.515, 1.47)):
    for depth in (0, 10):
        for model in ("scalar", "vectorial"):
            # Relative to the paraxial focus, which lies at depth · immersion / sample; around the best one.
            middle = {0: 0, 10: {1.0: -0.78, 1.33: -0.3, 1.515: 0.4}[immersion]}[depth]
            z = middle + (np.arange(7) - 3) * 0.25
            volume = psfmodels.make_psf(
                list(z + depth), 21, dxy=0.06, pz=depth, NA=na, wvl=EMISSION / 1000, ns=sample, ni=immersion,
                ni0=immersion, oversample_factor=15, normalize=False, model=model)
            keep("psfmodels", "widefield", model, na, EMISSION, EXCITATION, immersion, sample, depth, 1,
                 (0.25, 0.06, 0.06), depth * immersion / sample + middle, volume)

for na, immersion, sample, depth in ((0.8, 1.0, 1.33, 0), (1.2, 1.33, 1.33, 0), (1.4, 1.515, 1.47, 10)):
    pixel = 0.0099 if na == 1.2 else 0.01
    for airy_units in (0.5, 1):
        middle = 0.4 if depth else 0
        z = middle + (np.arange(3) - 1) * 0.2
        fine = psfmodels.confocal_psf(
            list(z + depth), 241, pinhole_au=airy_units, dxy=pixel, pz=depth, NA=na, ex_wvl=EXCITATION / 1000,
            em_wvl=EMISSION / 1000, ns=sample, ni=immersion, ni0=immersion, oversample_factor=1, normalize=False, model="vectorial")
        keep("psfmodels", "confocal", "vectorial", na, EMISSION, EXCITATION, immersion, sample, depth, airy_units,
             (0.2, 5 * pixel, 5 * pixel), depth * immersion / sample + middle, fine[:, 85:156:5, 85:156:5])

for kind, flags, airy_units in (
        ("widefield", psf.ISOTROPIC | psf.EMISSION, 1), ("confocal", psf.ISOTROPIC | psf.CONFOCAL, 0.5),
        ("confocal", psf.ISOTROPIC | psf.CONFOCAL, 1), ("two-photon", psf.ISOTROPIC | psf.TWOPHOTON, 1)):
    excitation = 900 if kind == "two-photon" else EXCITATION
    pinhole = {"pinhole_radius": airy_units * 0.61 * EMISSION / 1000 / 0.08} if kind == "confocal" else {}
    # The nearly uniform pupil of a beam much wider than the aperture.
    quadrant = psf.PSF(flags, shape=(26, 401), dims=(150, 12.5), ex_wavelen=excitation, em_wavelen=EMISSION, num_aperture=0.08,
                       refr_index=1.0, underfilling=0.02, **pinhole).data[:, ::16]
    half = np.concatenate([quadrant[:0:-1], quadrant])
    volume = np.concatenate([half[:, :0:-1], half], axis=1)[:, None, :]
    keep("psf", kind, "vectorial", 0.08, EMISSION, excitation, 1.0, 1.0, 0, airy_units, (6, 0.5, 0.5), 0, volume)

np.concatenate([v.ravel() for v in volumes]).tofile(here / "microscopes.raw")
with open(here / "microscopes.txt", "w") as file:
    for row in settings:
        file.write(" ".join(f"{v:.10g}" if not isinstance(v, str) else v for v in row) + "\n")


def intensity(na, immersion, sample, depth, model, stage, radius):
    k, glass = 2 * np.pi / (EMISSION / 1000), 1.515
    root = lambda n, rho: np.sqrt(complex(n * n - rho * rho))

    def fields(rho):
        q = {n: root(n, rho) for n in (immersion, glass, sample)}
        cosine = {n: q[n] / n for n in q}
        phase = np.exp(1j * k * (depth * q[sample] - stage * q[immersion]))
        if model == "scalar":
            return [phase * rho * jv(0, k * radius * rho)]
        s = p = 1
        for a, b in ((immersion, glass), (glass, sample)):
            s *= 2 * a * cosine[a] / (a * cosine[a] + b * cosine[b])
            p *= 2 * a * cosine[a] / (b * cosine[a] + a * cosine[b])
        weight = phase * rho / np.sqrt(cosine[immersion])
        return [weight * (s + p * cosine[sample]) * jv(0, k * radius * rho),
                np.sqrt(2) * weight * p * rho / sample * jv(1, k * radius * rho),
                weight * (s - p * cosine[sample]) * jv(2, k * radius * rho)]

    edges = [0, na] if na <= sample else [0, sample, na]
    total = 0
    for order in range(1 if model == "scalar" else 3):
        field = sum(
            quad(lambda rho: fields(rho)[order].real, a, b, epsabs=1e-9, epsrel=1e-9, limit=200)[0]
            + 1j * quad(lambda rho: fields(rho)[order].imag, a, b, epsabs=1e-9, epsrel=1e-9, limit=200)[0]
            for a, b in zip(edges, edges[1:]))
        total += abs(field) ** 2
    return total


with open(here / "layers.txt", "w") as file:
    for na, immersion, sample, depth in ((1.4, 1.515, 1.33, 0), (1.4, 1.515, 1.33, 4), (0.95, 1.0, 1.4, 10)):
        for model in ("scalar", "vectorial"):
            middle = depth * immersion / sample
            first = intensity(na, immersion, sample, depth, model, middle, 0)
            for z, r in ((0, 0), (0.3, 0), (-0.3, 0), (0, 0.15), (0, 0.45), (0.6, 0.3), (-0.6, 0.3), (0.9, 1.2)):
                value = intensity(na, immersion, sample, depth, model, middle + z, r) / first
                file.write(f"{na} {immersion} {sample} {depth} {model} {middle + z:.10g} {r} {value:.10g}\n")
