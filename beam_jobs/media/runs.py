"""Runs of frames in which something holds, found while a stream passes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Frames = npt.NDArray[np.int64]


class RunFinder:
    """Finds runs, also over the ends of blocks.

    :param shortest: shorter ones do not count.
    """

    def __init__(self, *, shortest: int) -> None:
        self._shortest = shortest
        self._begun: int | None = None
        self._at = 0

    @property
    def is_open(self) -> bool:
        """Tell whether a run goes on."""
        return self._begun is not None

    def add(self, holds: Bools) -> Frames:
        """Take in whether it holds for each of the next frames.

        :return: first frame and the frame behind the last of each run that has ended, shape (runs, 2).
        """
        changes = np.flatnonzero(holds[1:] != holds[:-1]) + 1
        if holds[0] != self.is_open:
            changes = np.concatenate([[0], changes])
        edges = changes + self._at
        if self._begun is not None:
            edges = np.concatenate([[self._begun], edges])
        self._begun = int(edges[-1]) if len(edges) % 2 else None
        self._at += len(holds)
        return self._long_enough(edges[: len(edges) // 2 * 2])

    def skip(self, frames: int) -> None:
        """Take in frames for which it does not hold, while no run is open."""
        self._at += frames

    def close(self) -> Frames:
        """Return the run that is open, as :meth:`add` does."""
        edges = [] if self._begun is None else [self._begun, self._at]
        return self._long_enough(np.array(edges, np.int64))

    def _long_enough(self, edges: Frames) -> Frames:
        runs = edges.reshape(-1, 2)
        return runs[runs[:, 1] - runs[:, 0] >= self._shortest]


class Tally:
    """How many runs there are, how long they are together, and where the first ones are.

    :param places: so many of the first are kept.
    """

    def __init__(self, *, places: int) -> None:
        self._places = places
        self.count = self.frames = 0
        self.first: list[tuple[int, int]] = []

    def add(self, runs: Frames) -> None:
        """Take in runs of shape (runs, 2), which come behind those before."""
        self.count += len(runs)
        self.frames += int((runs[:, 1] - runs[:, 0]).sum())
        for start, end in runs[: self._places - len(self.first)].tolist():
            self.first.append((start, end))

    def join(self, later: Tally) -> None:
        """Take in what another one has, which comes behind."""
        self.count, self.frames = self.count + later.count, self.frames + later.frames
        self.first = [*self.first, *later.first][: self._places]
