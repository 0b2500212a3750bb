"""Mean, deviation and extremes of features over a stream of frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class RunningStatistics:
    """Takes arrays of shape (frames, features) and keeps four numbers per feature."""

    def __init__(self) -> None:
        self._count = 0
        self._mean: npt.NDArray[np.float64] | float = 0.0
        self._scatter: npt.NDArray[np.float64] | float = 0.0
        self._least: npt.NDArray[np.float32] | None = None
        self._most: npt.NDArray[np.float32] | None = None

    def add(self, frames: npt.NDArray[np.float32]) -> None:
        """Take in frames (Chan, Golub & LeVeque 1979: pairwise update of mean and scatter)."""
        count = len(frames)
        if not count:
            return
        wide = frames.astype(np.float64)
        mean = wide.mean(axis=0)
        scatter = ((wide - mean) ** 2).sum(axis=0)
        total = self._count + count
        apart = mean - self._mean
        self._mean = self._mean + apart * count / total
        self._scatter = self._scatter + scatter + apart**2 * self._count * count / total
        self._count = total
        least, most = frames.min(axis=0), frames.max(axis=0)
        self._least = least if self._least is None else np.minimum(self._least, least)
        self._most = most if self._most is None else np.maximum(self._most, most)

    def summary(self, digits: int) -> dict[str, list[float]]:
        """Return ``mean``, ``std`` (population), ``min`` and ``max``, one number per feature."""
        if self._least is None or self._most is None:
            return {"mean": [], "std": [], "min": [], "max": []}
        found = {
            "mean": self._mean,
            "std": np.sqrt(self._scatter / self._count),
            "min": self._least,
            "max": self._most,
        }
        return {
            name: [round(float(v), digits) for v in np.atleast_1d(values)] for name, values in found.items()
        }
