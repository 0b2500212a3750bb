"""Where somebody speaks: a small network over features of windows, and what it says made into stretches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import Block
from beam_jobs.media.speech_features import HOP, RATE, STEP, Windows, speech_windows

STEP_S: Final = STEP * HOP / RATE
_MODEL: Final = "speech_model.json"
_QUIETEST_DB: Final = -60.0
_SMOOTHED: Final = 5
_LIKELY: Final = 0.5
_SHORTEST: Final = 4
_LONGEST_PAUSE: Final = 4
"""Windows: stretches and pauses shorter than that are none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Speech:
    """What was heard.

    :param likelihood: for every 0.2 s, 0 to 1.
    :param segments: of windows, ``(first, after last)``.
    """

    likelihood: npt.NDArray[np.float32]
    segments: list[tuple[int, int]]


def find_speech(blocks: Iterator[Block]) -> Speech:
    """Find speech in a mono stream at :data:`beam_jobs.media.speech_features.RATE`."""
    parts = [likelihood_of(features, level) for features, level in speech_windows(blocks)]
    raw = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    likelihood = _smooth(raw)
    return Speech(likelihood=likelihood, segments=_stretches(likelihood > _LIKELY))


def likelihood_of(features: Windows, level: Windows) -> npt.NDArray[np.float32]:
    """Return how likely each window is speech; what is all but silent is none."""
    mean, scale, hidden, hidden_bias, out, out_bias = _model()
    normal = np.clip((features - mean) / scale, -5, 5)
    drive = np.maximum(normal @ hidden + hidden_bias, 0) @ out + out_bias
    told = 1 / (1 + np.exp(-np.clip(drive, -30, 30)))
    return np.where(level > _QUIETEST_DB, told, 0).astype(np.float32)


@lru_cache(maxsize=1)
def _model() -> tuple[npt.NDArray[np.float64], ...]:
    told = json.loads(files("beam_jobs.media").joinpath(_MODEL).read_bytes())
    names = ("mean", "scale", "hidden", "hidden_bias", "out", "out_bias")
    return tuple(np.array(told[name], dtype=np.float64) for name in names)


def _smooth(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if not values.size:
        return values
    around = np.pad(values, _SMOOTHED // 2, mode="edge")
    return np.asarray(np.convolve(around, np.full(_SMOOTHED, 1 / _SMOOTHED), "valid"), np.float32)


def _stretches(spoken: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return where ``spoken`` is true, over short pauses and without what is too short to be speech."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], spoken, [False]]).astype(np.int8)))
    joined: list[tuple[int, int]] = []
    for begin, end in edges.reshape(-1, 2).tolist():
        if joined and begin - joined[-1][1] < _LONGEST_PAUSE:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return [(begin, end) for begin, end in joined if end - begin >= _SHORTEST]
