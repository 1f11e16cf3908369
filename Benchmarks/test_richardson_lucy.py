"""Holds the script's arithmetic against plain sums in double precision: python -m unittest, in this folder."""

import sys
import unittest
from pathlib import Path

import numpy as np

from richardson_lucy import BOUNDARIES, RichardsonLucy
from scipy_module import SciPyModule

sys.path.insert(0, str(Path(__file__).parent.parent / "Tests" / "Fixtures" / "Reference"))
import richardson_lucy_reference as reference  # noqa: E402


class RichardsonLucyTest(unittest.TestCase):
    """Odd and even sizes, and a PSF without symmetry."""

    def setUp(self) -> None:
        generator = np.random.default_rng(5)
        self.observed = generator.poisson(50, (6, 9, 10)).astype(np.float32)
        self.psf = generator.random((4, 3, 5), dtype=np.float32)

    def test_agrees_with_plain_sums(self) -> None:
        for boundary in BOUNDARIES:
            with self.subTest(boundary=boundary):
                solver = RichardsonLucy(SciPyModule(workers=1), self.observed.shape, self.psf, boundary)
                result = solver.run(self.observed, 5)
                expected, _ = reference.richardson_lucy(self.observed, self.psf, 5, boundary)
                error = np.linalg.norm(result - expected) / np.linalg.norm(expected)
                self.assertLess(error, 1e-5)
                self.assertEqual(result.dtype, np.float32)

    def test_a_second_run_gives_the_same(self) -> None:
        solver = RichardsonLucy(SciPyModule(workers=2), self.observed.shape, self.psf, "extend")
        np.testing.assert_array_equal(solver.run(self.observed, 3), solver.run(self.observed, 3))

    def test_iterations_are_told(self) -> None:
        calls: list[int] = []
        solver = RichardsonLucy(SciPyModule(workers=1), self.observed.shape, self.psf, "zero")
        solver.run(self.observed, 4, lambda: calls.append(len(calls)))
        self.assertEqual(calls, [0, 1, 2, 3, 4])

    def test_unknown_boundaries_are_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "boundary 'edge' is none of zero, extend, periodic"):
            RichardsonLucy(SciPyModule(workers=1), self.observed.shape, self.psf, "edge")


if __name__ == "__main__":
    unittest.main()
