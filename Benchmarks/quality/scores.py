"""How near a result is to the truth, over the whole frame."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Score:
    """The usual figures."""

    psnr: float
    """dB: the truth's brightest voxel squared over the mean squared error."""
    nrmse: float
    """Root of the squared error over that of the truth squared."""
    pearson: float
    flux: float
    """Light of the result over that of the truth."""

    @staticmethod
    def of(result: np.ndarray, truth: np.ndarray) -> Score:
        """Both in photons, without background."""
        error = np.mean((result - truth) ** 2)
        return Score(
            psnr=float(10 * np.log10(truth.max() ** 2 / error)),
            nrmse=float(np.sqrt(error / np.mean(truth**2))),
            pearson=float(np.corrcoef(result.ravel(), truth.ravel())[0, 1]),
            flux=float(result.sum() / truth.sum()),
        )

    def as_json(self) -> dict[str, float]:
        """Four figures are enough."""
        return {name: round(value, 4) for name, value in asdict(self).items()}
