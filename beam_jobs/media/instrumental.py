"""Whether there are vocals: how loud what moves like a voice is against the rest, and how like speech."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt

from beam_jobs.media.audio import Block
from beam_jobs.media.separation import separated
from beam_jobs.media.speech import STEP_S, likelihood_of
from beam_jobs.media.speech_features import RATE, speech_windows

_MODEL: Final = "instrumental_model.json"
_STEP: Final = round(STEP_S * RATE)
_AROUND: Final = 8
_QUIETEST: Final = 1e-6
"""Power under which a second and a half is silence: -60 dBFS."""

_LEAST: Final = 1e-12
_LIMIT_DB: Final = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VocalCues:
    """What speaks for vocals.

    :param ratio_db: power of what sounds like a voice over that of the rest, mean of windows of 1.6 s.
    :param loud_ratio_db: that of the windows in which it is greatest (90th percentile).
    :param speech_likelihood: as the step ``speechiness`` has it, mean.
    """

    ratio_db: float
    loud_ratio_db: float
    speech_likelihood: float


def vocal_cues(blocks: Iterator[Block]) -> VocalCues | None:
    """Measure a mono stream at 16 kHz; None when it is silent."""
    voice, rest = _StepPower(), _StepPower()

    def heard() -> Iterator[Block]:
        for part, other in separated(blocks, RATE, "median"):
            voice.add(part)
            rest.add(other)
            yield part + other

    likelihood = [likelihood_of(*windows) for windows in speech_windows(heard())]
    over, under = _smooth(voice.result()), _smooth(rest.result())
    loud = over + under > _QUIETEST
    if not loud.any():
        return None
    ratio = 10 * np.log10((over[loud] + _LEAST) / (under[loud] + _LEAST))
    ratio = np.clip(ratio, -_LIMIT_DB, _LIMIT_DB)
    return VocalCues(
        ratio_db=float(ratio.mean()),
        loud_ratio_db=float(np.percentile(ratio, 90)),
        speech_likelihood=float(np.concatenate(likelihood).mean()) if likelihood else 0.0,
    )


def instrumentalness_of(cues: VocalCues) -> float:
    """Return how likely there are no vocals: a logistic function of the cues."""
    weights, bias = _model()
    return float(1 / (1 + np.exp(np.clip(weights @ np.array(astuple(cues)) + bias, -30, 30))))


@lru_cache(maxsize=1)
def _model() -> tuple[npt.NDArray[np.float64], float]:
    told = json.loads(files("beam_jobs.media").joinpath(_MODEL).read_bytes())
    return np.array(told["weights"]), float(told["bias"])


class _StepPower:
    """Mean power of every 0.2 s."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._kept: list[npt.NDArray[np.float64]] = []

    def add(self, block: Block) -> None:
        joined = np.concatenate([self._rest, block[:, 0]])
        whole = len(joined) // _STEP * _STEP
        self._kept.append((joined[:whole].reshape(-1, _STEP).astype(np.float64) ** 2).mean(axis=1))
        self._rest = joined[whole:]

    def result(self) -> npt.NDArray[np.float64]:
        if len(self._rest):
            self._kept.append(np.array([float((self._rest.astype(np.float64) ** 2).mean())]))
        return np.concatenate(self._kept) if self._kept else np.zeros(0)


def _smooth(power: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean of eight steps around each, of fewer at the ends."""
    window = np.ones(min(_AROUND, max(1, len(power))))
    return np.asarray(np.convolve(power, window, "same") / np.convolve(np.ones(len(power)), window, "same"))
