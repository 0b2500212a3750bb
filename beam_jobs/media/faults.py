"""Faults of a signal, found while it passes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import Block
from beam_jobs.media.level import level_dbfs

Bools = npt.NDArray[np.bool_]

_MOST_DB: Final = 120.0


class Runs:
    """Runs of frames in which something holds, also over the ends of blocks.

    :param shortest: shorter ones do not count.
    :param places: so many of the first are kept.
    """

    def __init__(self, *, shortest: int, places: int) -> None:
        self._shortest, self._places = shortest, places
        self._begun: int | None = None
        self._at = 0
        self.count = self.frames = 0
        self.first: list[tuple[int, int]] = []

    def add(self, holds: Bools) -> None:
        """Take in whether it holds for each of the next frames."""
        if not len(holds):
            return
        before = self._begun is not None
        edges = np.flatnonzero(np.diff(np.concatenate([[before], holds]).astype(np.int8)))
        for edge in edges.tolist():
            place = self._at + edge
            if self._begun is None:
                self._begun = place
            else:
                self._end(self._begun, place)
                self._begun = None
        self._at += len(holds)

    @property
    def is_open(self) -> bool:
        """Tell whether a run goes on."""
        return self._begun is not None

    def skip(self, frames: int) -> None:
        """Take in frames for which it does not hold, while no run is open."""
        self._at += frames

    def close(self, *, keep: bool) -> int | None:
        """End the run that is open.

        :param keep: it counts.
        :return: where it began, or None when none is open.
        """
        begun, self._begun = self._begun, None
        if begun is not None and keep:
            self._end(begun, self._at)
        return begun

    def drop_first(self) -> None:
        """Take back the first run when it began with the first frame."""
        if self.first and self.first[0][0] == 0:
            start, end = self.first.pop(0)
            self.count, self.frames = self.count - 1, self.frames - (end - start)

    def _end(self, start: int, end: int) -> None:
        if end - start < self._shortest:
            return
        self.count += 1
        self.frames += end - start
        if len(self.first) <= self._places:  # one more than asked for, as the first may be taken back
            self.first.append((start, end))

    def told(self, rate: int) -> list[dict[str, float]]:
        """Return the first runs in seconds."""
        return [
            {"start_s": round(start / rate, 6), "duration_s": round((end - start) / rate, 6)}
            for start, end in self.first[: self._places]
        ]


class FaultFinder:
    """Takes blocks of shape (frames, channels) and tells of faults; for parameters see ``QualityParams``."""

    def __init__(
        self,
        *,
        rate: int,
        channels: int,
        silence_dbfs: float,
        clip_dbfs: float,
        clip_run: int,
        dropout_s: float,
        places: int,
    ) -> None:
        self._rate, self._channels = rate, channels
        self._silence = 10 ** (silence_dbfs / 20)
        self._clip = np.float32(10 ** (clip_dbfs / 20))
        self._clips = [Runs(shortest=clip_run, places=places) for _ in range(channels)]
        self._zeros = Runs(shortest=max(1, round(dropout_s * rate)), places=places)
        self._places = places
        self._frames = 0
        self._first_sound = self._last_sound = -1
        self._peak = np.zeros(channels)
        self._sum, self._squares = np.zeros(channels), np.zeros(channels)
        self._same = channels > 1
        self._side = self._mid = 0.0

    def add(self, block: Block) -> None:
        """Take in a block."""
        size = np.abs(block)
        peak = size.max(axis=0)
        self._peak = np.maximum(self._peak, peak)
        self._sum += block.sum(axis=0, dtype=np.float64)
        self._squares += np.einsum("ij,ij->j", block, block, dtype=np.float64)
        for channel, runs in enumerate(self._clips):
            if peak[channel] >= self._clip or runs.is_open:
                runs.add(size[:, channel] >= self._clip)
            else:
                runs.skip(len(block))
        loudest = size.max(axis=1)
        self._zeros.add(loudest == 0)
        heard = np.flatnonzero(loudest >= self._silence)
        if len(heard):
            if self._first_sound < 0:
                self._first_sound = self._frames + int(heard[0])
            self._last_sound = self._frames + int(heard[-1])
        if self._channels > 1:
            self._compare(block)
        self._frames += len(block)

    def result(self) -> dict[str, Any]:
        """Return what was found; call it once, at the end."""
        for runs in self._clips:
            runs.close(keep=True)
        self._zeros.close(keep=False)  # zeros up to the end are silence
        self._zeros.drop_first()
        clipped = sum(runs.frames for runs in self._clips)
        places = sorted(place for runs in self._clips for place in runs.first)
        joined = Runs(shortest=1, places=self._places)
        joined.first = places
        silent = self._first_sound < 0
        frames = max(1, self._frames)
        return {
            "peak_dbfs": [round(float(level), 3) + 0.0 for level in level_dbfs(self._peak**2)],
            "rms_dbfs": [round(float(level), 3) for level in level_dbfs(self._squares / frames)],
            "dc_offset": [round(float(mean), 6) + 0.0 for mean in self._sum / frames],
            "clipped_samples": clipped,
            "clipped_share": round(clipped / (frames * self._channels), 9),
            "clipped_runs": sum(runs.count for runs in self._clips),
            "clipped_at": joined.told(self._rate),
            "dropouts": self._zeros.count,
            "dropouts_at": self._zeros.told(self._rate),
            "silence_head_s": round((self._frames if silent else self._first_sound) / self._rate, 6),
            "silence_tail_s": 0.0 if silent else self._tail_s(),
            "silent": silent,
            "mono_as_stereo": self._same,
            "side_db": self._side_db(),
        }

    def _tail_s(self) -> float:
        return round((self._frames - 1 - self._last_sound) / self._rate, 6)

    def _compare(self, block: Block) -> None:
        if self._same:
            self._same = bool((block == block[:, :1]).all())
        if self._channels == 2:  # noqa: PLR2004 - stereo
            side, mid = block[:, 0] - block[:, 1], block[:, 0] + block[:, 1]
            self._side += float(np.dot(side, side))
            self._mid += float(np.dot(mid, mid))

    def _side_db(self) -> float | None:
        if self._channels != 2 or not self._side + self._mid:  # noqa: PLR2004 - stereo
            return None
        floor = 10 ** (-_MOST_DB / 10)
        ratio = (self._side + floor * self._mid) / (self._mid + floor * self._side)
        return round(float(10 * np.log10(ratio)), 3)
