"""Holds the pieces of the measurement against what is known: python -m unittest quality.test_quality, in the folder above."""

import itertools
import sys
import unittest
from pathlib import Path

import numpy as np

from . import bars, correlation, tables
from .formulas import Model, plain
from .microscopes import MICROSCOPES, psf, widened
from .ours import METHODS
from .phantoms import cells, phantom
from .scores import Score

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "Tests" / "Fixtures" / "Reference"))
import richardson_lucy_reference as reference  # noqa: E402


class PhantomTest(unittest.TestCase):
    """Images are what they say."""

    def test_light_is_as_bright_as_said(self) -> None:
        shown = phantom("sheet", "cell", 200)
        light = shown.observed - shown.background
        self.assertAlmostEqual(np.percentile(light, 99.9), 200, delta=20)
        self.assertEqual(shown.background, 4)

    def test_phantoms_are_those_of_the_tables(self) -> None:
        # Drawn anew with other versions of NumPy, SciPy or psfmodels they may be others; all figures then are, too.
        sums = [round(p.observed.sum()) for p in cells()[:3]]
        self.assertEqual(sums, [398419, 3802592, 38020703])

    def test_a_psf_has_sum_one_and_its_peak_in_the_middle(self) -> None:
        for microscope in MICROSCOPES:
            with self.subTest(microscope=microscope):
                volume = psf(microscope)
                self.assertAlmostEqual(volume.sum(), 1)
                middle = tuple(n // 2 for n in volume.shape)
                self.assertEqual(np.unravel_index(volume.argmax(), volume.shape), middle)

    def test_a_wider_psf_is_wider(self) -> None:
        grid = np.indices((21, 21, 21)) - 10
        gaussian = np.exp(-(grid**2).sum(axis=0) / (2 * 2.0**2))
        wide = widened(gaussian, 1.1)
        spread = np.sqrt((wide * grid[0] ** 2).sum())
        self.assertAlmostEqual(spread, 2.2, delta=0.01)


class FormulaTest(unittest.TestCase):
    """The oracle's Richardson-Lucy."""

    def test_agrees_with_plain_sums(self) -> None:
        generator = np.random.default_rng(5)
        observed = generator.poisson(50, (6, 9, 10)).astype(np.float32)
        blur = generator.random((4, 3, 5), dtype=np.float32)
        result = next(itertools.islice(plain(Model(observed, blur, 0)), 4, None))
        expected, _ = reference.richardson_lucy(observed, blur, 5, "extend")
        self.assertLess(np.linalg.norm(result - expected) / np.linalg.norm(expected), 1e-5)


class ScoreTest(unittest.TestCase):
    """Figures by hand."""

    def test_scores(self) -> None:
        truth = np.array([[[0.0, 10.0]]])
        score = Score.of(np.array([[[1.0, 9.0]]]), truth)
        self.assertAlmostEqual(score.psnr, 20)
        self.assertAlmostEqual(score.nrmse, np.sqrt(2 / 100))
        self.assertAlmostEqual(score.pearson, 1)
        self.assertAlmostEqual(score.flux, 1)

    def test_shell_correlation_of_noise_is_none_and_of_the_same_is_one(self) -> None:
        generator = np.random.default_rng(1)
        first, second = generator.normal(size=(2, 32, 64, 64))
        for direction in ("axial", "lateral"):
            apart = correlation.shells(first, second, (0.2, 0.1, 0.1))[direction]["correlations"]
            self.assertLess(abs(np.mean(apart[4:])), 0.1)
            same = correlation.shells(first, first, (0.2, 0.1, 0.1))[direction]["correlations"]
            np.testing.assert_allclose(same[2:], 1, atol=1e-3)

    def test_resolution_is_where_a_known_correlation_falls(self) -> None:
        # Signal and noise of equal halves: 0.5 up to a frequency of 2.5/µm, and noise alone beyond.
        generator = np.random.default_rng(2)
        shape, spacing = (32, 96, 96), (0.1, 0.1, 0.1)
        radius = np.sqrt(sum(f**2 for f in correlation.frequencies(shape, spacing)))
        signal, *noise = generator.normal(size=(3, *shape))
        limited = np.fft.irfftn(np.fft.rfftn(signal) * (radius < 2.5), shape, axes=(0, 1, 2))
        found = correlation.shells(limited + noise[0], limited + noise[1], spacing)
        self.assertAlmostEqual(1 / found["lateral"]["resolution"], 2.5, delta=0.15)
        self.assertAlmostEqual(np.mean(found["lateral"]["correlations"][5:18]), 0.5, delta=0.05)


class TableTest(unittest.TestCase):
    """Bars and pages."""

    def test_a_bar_that_is_missed_says_where(self) -> None:
        missed = bars.least("something", 0.5, ["a", "b"], {"a": 0.7, "b": 0.4}.get)
        self.assertEqual((missed.verdict, missed.where), ("miss", "b"))
        self.assertEqual(bars.least("nothing", 0.5, ["a"], {}.get).verdict, "not measured")
        self.assertEqual(bars.most("less", 1, ["a"], {"a": 1.0}.get).verdict, "pass")

    def test_transforms_are_counted(self) -> None:
        counts = {m.name: m.transforms(7) for m in METHODS}
        self.assertEqual((counts["plain 10"], counts["fast"], counts["rlgc"], counts["wiener"]), (28, 31, 56, 2))

    def test_tables_have_a_line_for_each_row(self) -> None:
        self.assertEqual(tables.table(["a", "b"], [["1", "2"]]), "| a | b |\n|---|---|\n| 1 | 2 |")


if __name__ == "__main__":
    unittest.main()
