"""The key of a piece, from how often its pitch classes sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import Block
from beam_jobs.media.chroma import Chroma, relative
from beam_jobs.media.spectrum import ANALYSIS_RATE, power_frames

Mode = Literal["major", "minor"]
Profile = Literal["krumhansl-kessler", "temperley"]
Weights = npt.NDArray[np.float64]

PITCH_CLASSES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
PROFILES: Final[dict[Profile, dict[Mode, tuple[float, ...]]]] = {
    "krumhansl-kessler": {
        "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    },
    "temperley": {
        "major": (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
        "minor": (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
    },
}
"""How well each pitch class fits a key, from its tonic up.

Krumhansl & Kessler, "Tracing the dynamic changes in perceived tonal organization", Psychological Review 1982
(judged by listeners); Temperley, "Music and Probability", 2007 (the share of segments of the Kostka-Payne
corpus in which it sounds).
"""

_N_FFT: Final = 8192
_HOP: Final = 4096
_OCTAVE: Final = 4.0
"""The chroma are centred on 440 Hz, an octave under librosa's, where fundamentals are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key and how well it fits.

    :param tonic: pitch class, 0 is C.
    :param correlation: of the chroma and the key's profile.
    """

    tonic: int
    mode: Mode
    correlation: float


def mean_chroma(blocks: Iterator[Block]) -> tuple[Weights, float] | None:
    """Return the mean chroma of a mono stream at 22,050 Hz, their sum 1, and its tuning in semitones.

    Frames count alike, loud or soft. None for silence.
    """
    heard = Chroma(power_frames(blocks, _N_FFT, _HOP), rate=ANALYSIS_RATE, n_fft=_N_FFT, octave=_OCTAVE)
    total = np.zeros(12)
    for frames in heard.frames():
        total += relative(frames).sum(axis=0, dtype=np.float64)
    return (total / total.sum(), heard.tuning) if total.any() else None


def rank_keys(chroma: Weights, profile: Profile) -> list[Key]:
    """Return the 24 keys, the one whose profile correlates best first (Krumhansl & Schmuckler)."""
    keys = [
        Key(tonic=tonic, mode=mode, correlation=_correlation(chroma, np.roll(weights, tonic)))
        for mode, weights in PROFILES[profile].items()
        for tonic in range(12)
    ]
    return sorted(keys, key=lambda key: (-key.correlation, key.mode, key.tonic))


def _correlation(chroma: Weights, weights: Weights) -> float:
    a, b = chroma - chroma.mean(), weights - weights.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else 0.0
