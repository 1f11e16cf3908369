"""Richardson-Lucy in plain NumPy and double precision: slow, without FFTs, and easy to check by eye.

All arrays are in the order z, y, x. g is the observed image, h the PSF with sum 1 whose centre is voxel P // 2 of each
axis, x the estimate, f the sensitivity of the recorded voxels (the flat field, and 0 on bad voxels; 1 where none is given),
y = f H x + b the expected image with background b. For a shift k from -(P // 2) to P - 1 - P // 2,

    (H x)[i] = sum over k of h[k + P // 2] x[i - k]          (H' r)[i] = sum over k of h[k + P // 2] r[i + k]

The boundary says what x[i - k] means outside the frame of M recorded voxels:

  extend    the estimate lives on M + P - 1 voxels, P - 1 - P // 2 of them before the frame and P // 2 after it; only the
            frame is observed (Bertero and Boccacci 2005). V = H' f
  zero      the estimate lives on the frame, outside there is nothing. V = 1 - H'(1 - f): f counts as 1 beyond the frame
  edge      the observed image and f are enlarged to the work shape with their border voxels; then as periodic, and cropped
  reflect   the same with their mirror images, the border voxel included and repeated as often as needed
  periodic  the frame repeats; a PSF larger than the frame wraps and adds up. V = 1 - H'(1 - f)

W = 1 / V where V exceeds 1 % of its maximum, else 0. One iteration is x <- x * W * H'(ratio) with
ratio = f (g + s^2) / max(y + s^2, guard), guard = 1e-6 m, where s is the read noise, m = b + light, and
light = sum(g - b) / sum(f). Sums are over the recorded voxels with f > 0, negative ones taken as 0. Where x starts:

  flat      at light everywhere
  observed  at max((g - b) / f, 0.001 light) where something is observed, and at light in the rest of the domain
  light     flat; and where b > 0 the first three updates compare light with light: their ratio is
            f (g - b + s^2) / max(f H x + s^2, floor) with floor = max(min(b, light / 2), guard), and no factor W * H'(ratio)
            is below 0.001 where W > 0
"""

from itertools import product

import numpy as np

BOUNDARIES = ("extend", "zero", "edge", "reflect", "periodic")
STARTS = ("flat", "observed", "light")
LIGHT_UPDATES = 3
LEAST = 1e-3


def normalized(psf):
    """The PSF in double precision with sum 1."""
    psf = psf.astype(np.float64)
    return psf / psf.sum()


def taps(psf):
    """Pairs of a shift k (z, y, x) and the PSF's value h[k + P // 2]."""
    for index in product(*(range(n) for n in psf.shape)):
        yield tuple(j - n // 2 for j, n in zip(index, psf.shape)), psf[index]


# Outside the estimate's domain nothing exists: `extend` and `zero`.


class OpenModel:
    """H from a domain that holds the frame to the frame, with nothing outside the domain."""

    def __init__(self, psf, frame_shape, before, after):
        self.psf = psf
        self.frame_shape = frame_shape
        self.before = before
        self.domain_shape = tuple(m + b + a for m, b, a in zip(frame_shape, before, after))

    def _overlap(self, shift):
        """Slices of the frame and of the domain such that frame voxel i meets domain voxel i - shift."""
        frame, domain = [], []
        for k, m, b, n in zip(shift, self.frame_shape, self.before, self.domain_shape):
            # Frame voxel i lies at b + i in the domain; 0 <= b + i - k < n.
            start, end = max(0, k - b), min(m, n + k - b)
            end = max(start, end)
            frame.append(slice(start, end))
            domain.append(slice(b + start - k, b + end - k))
        return tuple(frame), tuple(domain)

    def forward(self, estimate):
        result = np.zeros(self.frame_shape)
        for shift, weight in taps(self.psf):
            frame, domain = self._overlap(shift)
            result[frame] += weight * estimate[domain]
        return result

    def backward(self, ratio):
        result = np.zeros(self.domain_shape)
        for shift, weight in taps(self.psf):
            frame, domain = self._overlap(shift)
            result[domain] += weight * ratio[frame]
        return result

    @property
    def frame(self):
        """The recorded voxels inside the domain."""
        return tuple(slice(b, b + m) for b, m in zip(self.before, self.frame_shape))


class PeriodicModel:
    """H on a domain that repeats in every direction."""

    def __init__(self, psf):
        self.psf = psf

    def forward(self, estimate):
        return sum(weight * np.roll(estimate, shift, axis=(0, 1, 2)) for shift, weight in taps(self.psf))

    def backward(self, ratio):
        return sum(
            weight * np.roll(ratio, tuple(-k for k in shift), axis=(0, 1, 2)) for shift, weight in taps(self.psf)
        )


def enlargement(frame_shape, psf_shape, work_shape):
    """Voxels to add before and after each axis to reach the work shape: at least P // 2 on every side."""
    widths = []
    for m, p, n in zip(frame_shape, psf_shape, work_shape):
        extra = n - m - 2 * (p // 2)
        assert extra >= 0, "the work shape is too small"
        before = p // 2 + extra // 2
        widths.append((before, n - m - before))
    return widths


def model_for(boundary, frame_shape, psf):
    """H for the boundaries that need no enlarged image."""
    if boundary == "extend":
        return OpenModel(psf, frame_shape, [p - 1 - p // 2 for p in psf.shape], [p // 2 for p in psf.shape])
    if boundary == "zero":
        return OpenModel(psf, frame_shape, (0, 0, 0), (0, 0, 0))
    return PeriodicModel(psf)


def poisson_divergence(observed, expected):
    """D(g || y) = sum of g ln(g / y) - g + y, where 0 ln 0 = 0."""
    bright = observed > 0
    logarithm = np.zeros_like(observed)
    logarithm[bright] = observed[bright] * np.log(observed[bright] / expected[bright])
    return float((logarithm - observed + expected).sum())


def normalization_of(model, boundary, sensitivity):
    """V, of which W is the reciprocal."""
    if boundary == "extend":
        return model.backward(sensitivity)
    return 1 - model.backward(1 - sensitivity)


def richardson_lucy(
    observed,
    psf,
    iterations,
    boundary,
    background=0.0,
    read_noise=0.0,
    work_shape=None,
    start="flat",
    sensitivity=None,
):
    """The estimate on the frame, and D(g || y) over the voxels with f > 0 of each iteration before its update."""
    assert boundary in BOUNDARIES and start in STARTS
    psf = normalized(psf)
    f = np.ones(observed.shape) if sensitivity is None else sensitivity.astype(np.float64)
    good = f > 0
    recorded = np.where(good, np.maximum(observed.astype(np.float64), 0), 0)
    light = (recorded - background)[good].sum() / f.sum()
    guard = 1e-6 * (background + light)

    model = model_for(boundary, recorded.shape, psf)
    observed_everywhere, f_everywhere = recorded, f
    seen = (slice(None),) * 3  # the recorded voxels inside what H gives
    kept = (slice(None),) * 3  # the recorded voxels inside the estimate
    domain_shape = recorded.shape
    if boundary == "extend":
        kept, domain_shape = model.frame, model.domain_shape
    elif boundary in ("edge", "reflect"):
        widths = enlargement(recorded.shape, psf.shape, work_shape)
        mode = {"edge": "edge", "reflect": "symmetric"}[boundary]
        observed_everywhere, f_everywhere = np.pad(recorded, widths, mode=mode), np.pad(f, widths, mode=mode)
        domain_shape = observed_everywhere.shape
        seen = kept = tuple(slice(before, before + m) for (before, _), m in zip(widths, recorded.shape))
    normalization = normalization_of(model, boundary, f_everywhere)
    visible = normalization > 0.01 * normalization.max()
    weights = np.where(visible, 1 / np.where(visible, normalization, 1), 0)

    estimate = np.full(domain_shape, light)
    if start == "observed":
        frame = kept if boundary == "extend" else (slice(None),) * 3
        good_everywhere = f_everywhere > 0
        corrected = (observed_everywhere - background) / np.where(good_everywhere, f_everywhere, 1)
        estimate[frame] = np.where(good_everywhere, np.maximum(corrected, LEAST * light), light)
    divergence = []
    for iteration in range(iterations):
        blurred = f_everywhere * model.forward(estimate)
        expected = blurred + background
        divergence.append(poisson_divergence(recorded[good], np.maximum(expected, guard)[seen][good]))
        if start == "light" and background > 0 and iteration < LIGHT_UPDATES:
            floor = max(min(background, light / 2), guard)
            difference = observed_everywhere - background + read_noise**2
            ratio = f_everywhere * difference / np.maximum(blurred + read_noise**2, floor)
            estimate = estimate * np.where(weights > 0, np.maximum(weights * model.backward(ratio), LEAST), 0)
        else:
            shifted = observed_everywhere + read_noise**2
            ratio = f_everywhere * shifted / np.maximum(expected + read_noise**2, guard)
            estimate = estimate * weights * model.backward(ratio)
    return estimate[kept], divergence
