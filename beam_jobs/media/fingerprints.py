"""Which known item a fingerprint belongs to, and where in it.

::

    index = FingerprintIndex()
    for path in folder.glob("*.npz"):
        index.add(path.stem, read_fingerprint(path))
    for match in index.match(fingerprint_of(Path("excerpt.mp3"))):
        print(match.item, match.score, match.offset_s)

The index is held in memory: 12 bytes per hash, about 0.8 MB for a song of three and a half minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import AudioFile
from beam_jobs.media.bad_samples import refusing_bad
from beam_jobs.media.fingerprint_hashes import Hashes, hashes_of
from beam_jobs.media.landmarks import HOP, RATE, Landmarks, find_landmarks
from beam_jobs.media.mix import mixed
from beam_jobs.media.resample import resampled

MIN_SCORE: Final = 0.02
_FEWEST: Final = 20
_SLACK: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FingerprintMatch:
    """An item that sounds the same.

    :param score: share of the query's hashes that the item has at the same distance in time, less what
        chance gives; 1 for the same file, about 0.4 after MP3 at 64 kbit/s, under 0.02 for others.
    :param offset_s: where in the item the query begins.
    :param hashes: how many hashes agree.
    """

    item: str
    score: float
    offset_s: float
    hashes: int


class FingerprintIndex:
    """Fingerprints of many items, to be searched by the sound."""

    def __init__(self) -> None:
        self._items: list[str] = []
        self._lengths: list[int] = []
        self._new: list[Hashes] = []
        self._values = np.zeros(0, np.uint32)
        self._owners = np.zeros(0, np.uint32)
        self._frames = np.zeros(0, np.uint32)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: str, fingerprint: Landmarks) -> None:
        """Make ``item`` known; the next :meth:`match` sorts what is new."""
        self._items.append(item)
        self._lengths.append(1 + int(fingerprint.frames.max(initial=0)))
        self._new.append(hashes_of(fingerprint))

    def match(self, fingerprint: Landmarks, *, min_score: float = MIN_SCORE) -> list[FingerprintMatch]:
        """Return the items that ``fingerprint`` is part of, best first.

        :param fingerprint: of a whole item or of a few seconds.
        :param min_score: 0.02 is above what other music reaches; see docs/accuracy.md.
        """
        self._settle()
        query = hashes_of(fingerprint, slack=_SLACK)
        places, asked = self._look_up(query.values)
        owners = self._owners[places]
        offsets = self._frames[places].astype(np.int64) - query.frames[asked]
        length = 1 + int(fingerprint.frames.max(initial=0))
        hashes = len(query.values) // (2 * _SLACK + 1)
        order = np.argsort(owners, kind="stable")
        cuts = np.flatnonzero(np.diff(owners[order])) + 1
        found = [
            self._judge(int(owners[group[0]]), offsets[group], length, hashes)
            for group in np.split(order, cuts)
            if len(group)
        ]
        good = [match for match in found if match.score >= min_score and match.hashes >= _FEWEST]
        return sorted(good, key=lambda match: (-match.score, match.item))

    def _judge(
        self, owner: int, offsets: npt.NDArray[np.int64], length: int, hashes: int
    ) -> FingerprintMatch:
        """Count the hashes of one item that agree on where the query begins, give or take a frame."""
        least = int(offsets.min())
        counts = np.bincount(offsets - least + 1, minlength=3)
        together = np.convolve(counts, [1, 1, 1], mode="same")
        best = int((together * (together.max() + 1) + counts).argmax())
        by_chance = 3 * len(offsets) / (length + self._lengths[owner])
        agreeing = int(together[best])
        return FingerprintMatch(
            item=self._items[owner],
            score=round(max(0.0, min(1.0, (agreeing - by_chance) / hashes)), 4),
            offset_s=round((best + least - 1) * HOP / RATE, 3),
            hashes=agreeing,
        )

    def _look_up(self, values: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return places in the index and in ``values`` that hold the same hash, every pair of them."""
        begin = np.searchsorted(self._values, values, "left")
        counts = np.searchsorted(self._values, values, "right") - begin
        asked = np.repeat(np.arange(len(values)), counts)
        within = np.arange(len(asked)) - np.repeat(np.cumsum(counts) - counts, counts)
        return begin[asked] + within, asked

    def _settle(self) -> None:
        if not self._new:
            return
        first = len(self._items) - len(self._new)
        sizes = [len(hashes.values) for hashes in self._new]
        owners = np.repeat(np.arange(first, len(self._items), dtype=np.uint32), sizes)
        values = np.concatenate([self._values, *(hashes.values for hashes in self._new)])
        order = np.argsort(values, kind="stable")
        self._values = values[order]
        self._owners = np.concatenate([self._owners, owners])[order]
        self._frames = np.concatenate([self._frames, *(hashes.frames for hashes in self._new)])[order]
        self._new = []


def read_fingerprint(path: Path) -> Landmarks:
    """Read an artifact of the step ``fingerprint``."""
    from beam_jobs.media.arrays import read_arrays

    _, arrays = read_arrays(path)
    return Landmarks(frames=arrays["frame"], bins=arrays["bin"])


def fingerprint_of(path: Path) -> Landmarks:
    """Make the fingerprint of an audio file, as the step does."""
    with AudioFile(path) as audio:
        return find_landmarks(_heard(audio))


def _heard(audio: AudioFile) -> Iterator[npt.NDArray[np.float32]]:
    blocks = refusing_bad(audio.blocks(), audio.info.rate)
    return resampled(mixed(blocks, audio.info.channels, 1), audio.info.rate, RATE)
