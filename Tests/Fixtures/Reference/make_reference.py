"""Writes reference.json and reference.bin: small Richardson-Lucy problems with their answers.

Run with NumPy 2 and scikit-image 0.26 in this folder: python make_reference.py
reference.bin holds little-endian 32-bit floats; reference.json says where each array starts. The observed image and the PSF
are rounded to 32 bits first, and the answer is computed from the rounded values. PSFs are stored unnormalised.
"""

import json

import numpy as np
import skimage
from skimage.restoration import richardson_lucy as scikit_image_richardson_lucy

from richardson_lucy_reference import BOUNDARIES, model_for, normalization_of, normalized, richardson_lucy

ITERATIONS = 10


class Archive:
    """Arrays one behind the other in one file; the same array is stored once."""

    def __init__(self):
        self.data = bytearray()
        self.entries = {}

    def add(self, array):
        data = array.astype("<f4").tobytes()
        if data not in self.entries:
            self.entries[data] = {"byteOffset": len(self.data), "shape": list(array.shape)}
            self.data += data
        return self.entries[data]


def skewed_psf(shape, rng):
    """A positive blob, off centre, tilted, with a tail, with no symmetry that could hide a flip or a swap of axes."""
    z, y, x = np.meshgrid(*((np.arange(n) - (n - 1) / 2) / max(n / 2, 1) for n in shape), indexing="ij")
    core = np.exp(-3.0 * ((z - 0.15) ** 2 + (y + 0.2 + 0.3 * x) ** 2 + (x - 0.1 + 0.2 * z) ** 2))
    tail = 0.3 * np.exp(-2.0 * ((z + 0.3) ** 2 + (y - 0.4) ** 2 + (x - 0.5) ** 2))
    return (1000 * (core + tail) * rng.uniform(0.7, 1.3, shape)).astype(np.float32)


def observed_image(shape, psf, background, rng):
    """Points and a bright bar at the border, blurred, with Poisson noise and a few negative voxels as a calibration leaves."""
    truth = np.full(shape, 2.0)
    for _ in range(8):
        truth[tuple(rng.integers(0, n) for n in shape)] += rng.uniform(200, 2000)
    truth[:, : shape[1] // 3, -2:] += 60
    expected = model_for("periodic", shape, normalized(psf)).forward(truth) + background
    image = rng.poisson(expected).astype(np.float32)
    dark = rng.choice(image.size, 5, replace=False)
    image.flat[dark] = [-3, -0.5, 0, 0, -1]
    return image


def check_adjoint(model, frame_shape, rng):
    domain_shape = getattr(model, "domain_shape", frame_shape)
    x, r = rng.random(domain_shape), rng.random(frame_shape)
    left, right = (model.forward(x) * r).sum(), (x * model.backward(r)).sum()
    assert abs(left - right) < 1e-12 * abs(left), (left, right)


def sensitivity_of(shape, rng, flat_field=True, block=None):
    """A lamp that is brightest off centre, with one voxel in twenty bad, and a block of bad voxels as saturation leaves."""
    z, y, x = np.meshgrid(*((np.arange(n) + 0.5) / n for n in shape), indexing="ij")
    field = 1.4 - (x - 0.4) ** 2 - 1.5 * (y - 0.6) ** 2 + 0.1 * z if flat_field else np.ones(shape)
    field.flat[rng.choice(field.size, field.size // 20, replace=False)] = 0
    if block:
        field[block] = 0
    return field.astype(np.float32)


def check_threshold(model, boundary, sensitivity):
    """No voxel so close to the 1 % threshold that single precision could decide otherwise."""
    normalization = normalization_of(model, boundary, sensitivity)
    relative = normalization / (0.01 * normalization.max())
    assert np.abs(relative - 1).min() > 1e-4


def main():
    rng = np.random.default_rng(20240607)
    archive, cases = Archive(), []

    def add_case(
        name,
        observed,
        psf,
        boundary,
        background=0.0,
        read_noise=0.0,
        work_shape=None,
        start="flat",
        sensitivity=None,
    ):
        model = model_for(boundary, observed.shape, normalized(psf))
        if start == "flat":
            check_adjoint(model, observed.shape, rng)
        if boundary not in ("edge", "reflect"):
            check_threshold(
                model, boundary, np.ones(observed.shape) if sensitivity is None else sensitivity.astype(np.float64)
            )
        if boundary not in ("edge", "reflect"):
            work_shape = None
        expected, divergence = richardson_lucy(
            observed, psf, ITERATIONS, boundary, background, read_noise, work_shape, start, sensitivity
        )
        assert np.isfinite(expected).all() and expected.min() >= 0
        if boundary in ("extend", "periodic") and read_noise == 0 and sensitivity is None:
            assert np.all(np.diff(divergence) < 0), (name, divergence)
        cases.append(
            {
                "name": name,
                "origin": "richardson_lucy_reference.py",
                "boundary": boundary,
                "background": background,
                "readNoise": read_noise,
                "start": start,
                "iterations": ITERATIONS,
                "workShape": list(work_shape) if work_shape else None,
                "observed": archive.add(observed),
                "psf": archive.add(psf),
                "expected": archive.add(expected),
                "divergence": divergence,
            }
        )
        if sensitivity is not None:
            cases[-1]["sensitivity"] = archive.add(sensitivity)

    # One work shape serves every 3D case, so that few transforms have to be planned.
    work = (14, 24, 28)
    psf = skewed_psf((5, 6, 7), rng)
    first = observed = observed_image((10, 18, 15), psf, 0, rng)
    for boundary in BOUNDARIES:
        add_case(f"3D {boundary}", observed, psf, boundary, work_shape=work)
    even_psf = skewed_psf((4, 5, 8), rng)
    for boundary in ("extend", "periodic"):
        add_case(
            f"3D {boundary}, even PSF, read noise", observed, even_psf, boundary, background=1.25, read_noise=2.0
        )

    prime = observed_image((7, 19, 13), even_psf, 7.5, rng)
    for boundary in BOUNDARIES[:4]:
        add_case(f"3D {boundary}, prime, background", prime, even_psf, boundary, 7.5, work_shape=work)

    deep_psf = skewed_psf((7, 6, 5), rng)
    observed = observed_image((3, 18, 15), deep_psf, 3, rng)
    for boundary in BOUNDARIES:
        add_case(f"3D {boundary}, PSF deeper than the image", observed, deep_psf, boundary, 3.0, work_shape=work)

    flat_psf = skewed_psf((1, 5, 4), rng)
    flat = observed_image((1, 30, 24), flat_psf, 2, rng)
    for boundary in BOUNDARIES:
        add_case(f"2D {boundary}", flat, flat_psf, boundary, 2.0, work_shape=(1, 35, 28))

    # scikit-image starts at 0.5 everywhere; from any flat start the first iterate is the same.
    odd_psf = skewed_psf((5, 7, 3), rng)
    observed = (observed_image((10, 18, 15), odd_psf, 4, rng).clip(0) + rng.uniform(0.5, 1.5, (10, 18, 15))).astype("f4")
    theirs = scikit_image_richardson_lucy(
        observed.astype(np.float64), normalized(odd_psf), num_iter=ITERATIONS, clip=False
    )
    ours, divergence = richardson_lucy(observed, odd_psf, ITERATIONS, "zero")
    difference = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
    assert difference < 1e-9, difference
    cases.append(
        {
            "name": "3D zero, scikit-image",
            "origin": f"scikit-image {skimage.__version__}",
            "boundary": "zero",
            "background": 0.0,
            "readNoise": 0.0,
            "start": "flat",
            "iterations": ITERATIONS,
            "workShape": None,
            "observed": archive.add(observed),
            "psf": archive.add(odd_psf),
            "expected": archive.add(theirs),
            "divergence": divergence,
        }
    )

    # Other starts, with images that are above.
    for boundary, start in (("extend", "light"), ("extend", "observed"), ("zero", "observed"), ("reflect", "light")):
        add_case(f"3D {boundary}, {start} start", prime, even_psf, boundary, 7.5, work_shape=work, start=start)
    add_case("3D extend, light start, read noise", prime, even_psf, "extend", 3.0, 2.0, start="light")
    add_case("2D extend, light start", flat, flat_psf, "extend", 2.0, start="light")
    add_case("2D periodic, observed start", flat, flat_psf, "periodic", 2.0, start="observed")

    # Flat field and bad voxels, with images that are above.
    bad = sensitivity_of(prime.shape, rng, block=np.s_[2:5, 8:13, 3:7])
    for boundary, start in (("extend", "light"), ("extend", "observed"), ("zero", "light"), ("reflect", "observed")):
        add_case(
            f"3D {boundary}, {start} start, flat field and mask",
            prime,
            even_psf,
            boundary,
            7.5,
            2.0,
            work_shape=work,
            start=start,
            sensitivity=bad,
        )
    mask = sensitivity_of(prime.shape, rng, flat_field=False)
    add_case("3D edge, mask", prime, even_psf, "edge", 7.5, work_shape=work, sensitivity=mask)
    mask = sensitivity_of((10, 18, 15), rng, flat_field=False, block=np.s_[3:7, 5:11, 5:10])
    add_case("3D periodic, mask", first, even_psf, "periodic", sensitivity=mask)
    bad = sensitivity_of(flat.shape, rng, block=np.s_[:, 10:20, 4:12])
    add_case("2D extend, flat field and mask", flat, flat_psf, "extend", 2.0, start="light", sensitivity=bad)
    add_case("2D periodic, flat field and mask", flat, flat_psf, "periodic", 2.0, start="light", sensitivity=bad)

    with open("reference.bin", "wb") as file:
        file.write(archive.data)
    with open("reference.json", "w") as file:
        json.dump({"data": "reference.bin", "cases": cases}, file, indent=1)
        file.write("\n")
    print(f"{len(cases)} cases, {len(archive.data)} bytes; scikit-image differs by {difference:.1e}")


if __name__ == "__main__":
    main()
