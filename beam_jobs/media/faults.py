"""Faults of a signal, found while it passes."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import Block
from beam_jobs.media.level import level_dbfs
from beam_jobs.media.runs import Bools, RunFinder, Tally

Levels = npt.NDArray[np.float64]

_MOST_DB: Final = 120.0
_STEREO: Final = 2


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
        mono_db: float,
        places: int,
    ) -> None:
        self._rate, self._channels, self._places = rate, channels, places
        self._clip = np.float32(10 ** (clip_dbfs / 20))
        self._clips = [(RunFinder(shortest=clip_run), Tally(places=places)) for _ in range(channels)]
        self._sound = _Sound(limit=10 ** (silence_dbfs / 20))
        self._dropouts = _Dropouts(shortest=max(1, round(dropout_s * rate)), places=places)
        self._stereo = _Stereo(mono_db=mono_db) if channels == _STEREO else None
        self._same = channels > 1
        self._frames = 0
        self._peak = np.zeros(channels)
        self._sum, self._squares = np.zeros(channels), np.zeros(channels)

    def add(self, block: Block) -> None:
        """Take in a block."""
        parts = np.ascontiguousarray(block.T)
        peak = np.maximum(parts.max(axis=1), -parts.min(axis=1))
        self._peak = np.maximum(self._peak, peak)
        self._sum += parts.sum(axis=1)
        self._squares += [np.dot(part, part) for part in parts]
        for (runs, tally), part, greatest in zip(self._clips, parts, peak, strict=True):
            if greatest >= self._clip or runs.is_open:
                tally.add(runs.add(np.abs(part) >= self._clip))
            else:
                runs.skip(len(part))
        self._sound.add(parts, peak=float(peak.max()), at=self._frames)
        self._dropouts.add(parts, self._sound)
        self._same = self._same and all(np.array_equal(parts[0], part) for part in parts[1:])
        if self._stereo is not None:
            self._stereo.add(parts)
        self._frames += len(block)

    def result(self) -> dict[str, Any]:
        """Return what was found; call it once, at the end."""
        for runs, tally in self._clips:
            tally.add(runs.close())
        tallies = [tally for _, tally in self._clips]
        clipped = sum(tally.frames for tally in tallies)
        clipped_at = sorted(place for tally in tallies for place in tally.first)[: self._places]
        frames = max(1, self._frames)
        head, tail = self._sound.silence(self._frames)
        mean = self._sum / frames
        return {
            "peak_dbfs": [round(float(level), 3) + 0.0 for level in level_dbfs(self._peak**2)],
            "rms_dbfs": [round(float(level), 3) + 0.0 for level in level_dbfs(self._squares / frames)],
            "dc_offset": [round(float(value), 6) + 0.0 for value in mean],
            "clipped_samples": clipped,
            "clipped_share": round(clipped / (frames * self._channels), 9),
            "clipped_runs": sum(tally.count for tally in tallies),
            "clipped_at": self._told(clipped_at),
            "dropouts": self._dropouts.found.count,
            "dropouts_at": self._told(self._dropouts.found.first),
            "silence_head_s": round(head / self._rate, 6),
            "silence_tail_s": round(tail / self._rate, 6),
            "silent": self._sound.first is None,
            "mono_as_stereo": self._same or (self._stereo is not None and self._stereo.is_mono()),
            "side_db": self._stereo.side_db() if self._stereo else None,
            "correlation": self._stereo.correlation(mean, self._squares, frames) if self._stereo else None,
        }

    def _told(self, places: list[tuple[int, int]]) -> list[dict[str, float]]:
        return [
            {"start_s": round(start / self._rate, 6), "duration_s": round((end - start) / self._rate, 6)}
            for start, end in places
        ]


class _Sound:
    """Where sound begins and ends: the first and the last frame with a sample of at least ``limit``."""

    def __init__(self, *, limit: float) -> None:
        self._limit = np.float32(limit)
        self.first: int | None = None
        self.last = -1

    def add(self, parts: Block, *, peak: float, at: int) -> None:
        if peak < self._limit:
            return
        if self.first is None:
            self.first = at + int(np.flatnonzero(self._heard(parts))[0])
        length, size = parts.shape[1], 1024
        while not len(heard := np.flatnonzero(self._heard(parts[:, -size:]))):
            size *= 8
        self.last = at + max(0, length - size) + int(heard[-1])

    def silence(self, frames: int) -> tuple[int, int]:
        """Return how many of all frames are silence at the beginning and at the end."""
        return (frames, 0) if self.first is None else (self.first, frames - 1 - self.last)

    def _heard(self, parts: Block) -> Bools:
        return cast(Bools, (np.abs(parts) >= self._limit).any(axis=0))


class _Dropouts:
    """Runs of digital zero with sound before and behind them."""

    def __init__(self, *, shortest: int, places: int) -> None:
        self._runs = RunFinder(shortest=shortest)
        self._places, self._last = places, -1
        self.found, self._waiting = Tally(places=places), Tally(places=places)

    def add(self, parts: Block, sound: _Sound) -> None:
        """Take in a block that ``sound`` has heard already."""
        runs = self._runs.add(cast(Bools, (parts == 0).all(axis=0)))
        if sound.first is None:
            return
        if sound.last > self._last:  # sound behind all that waited
            self._last = sound.last
            self.found.join(self._waiting)
            self._waiting = Tally(places=self._places)
        runs = runs[runs[:, 0] > sound.first]
        behind: Bools = runs[:, 1] > sound.last
        self.found.add(runs[~behind])
        self._waiting.add(runs[behind])


class _Stereo:
    """How much two channels differ.

    :param mono_db: a side at or below this level, against the middle, is none.
    """

    def __init__(self, *, mono_db: float) -> None:
        self._mono_db = mono_db
        self._side = self._middle = 0.0

    def add(self, parts: Block) -> None:
        side, middle = parts[0] - parts[1], parts[0] + parts[1]
        self._side += float(np.dot(side, side))
        self._middle += float(np.dot(middle, middle))

    def side_db(self) -> float | None:
        """Return the level of left minus right against that of left plus right; None for digital silence."""
        if not self._side + self._middle:
            return None
        floor = 10 ** (-_MOST_DB / 10)
        ratio = (self._side + floor * self._middle) / (self._middle + floor * self._side)
        return round(float(10 * np.log10(ratio)), 3) + 0.0

    def is_mono(self) -> bool:
        level = self.side_db()
        return level is not None and level <= self._mono_db

    def correlation(self, mean: Levels, squares: Levels, frames: int) -> float | None:
        """Return Pearson's correlation of the channels; None when one of them holds nothing but an offset."""
        spread = squares / frames - mean**2
        if (spread <= np.finfo(np.float32).eps * squares / frames).any():
            return None
        together = (self._middle - self._side) / 4 / frames - mean[0] * mean[1]
        return round(float(np.clip(together / np.sqrt(spread.prod()), -1, 1)), 4) + 0.0
