"""How much of audio is speech, and where."""

from __future__ import annotations

from typing import Any

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class SpeechinessParams(StepParams):
    """Nothing to choose."""


class SpeechSegment(StepResult):
    """A stretch of speech."""

    start_s: float = quantity("s", "Where it begins, to 0.2 s.")
    end_s: float = quantity("s", "Where it ends, to 0.2 s.")
    likelihood: float = quantity("1", "Mean of the classifier's output in it, 0.5 to 1.")


class SpeechinessResult(StepResult):
    """Speech in audio, alone or over music."""

    speech_share: float = quantity("1", "Share of the playing time that is speech.", ge=0, le=1)
    segments: list[SpeechSegment] = quantity("1", "Stretches of speech in order.", shape="(segments,)")
    mean_likelihood: float = quantity("1", "Mean of the classifier's output over all, 0 to 1.", ge=0, le=1)
    duration_s: float = quantity("s", "Playing time.")


def _warm_up() -> None:
    import numpy as np

    from beam_jobs.media import decode_soundfile, stream  # noqa: F401
    from beam_jobs.media.speech import find_speech
    from beam_jobs.media.speech_features import RATE

    find_speech(iter([np.zeros((2 * RATE, 1), np.float32)]))


@step(
    "speechiness", version="1", makes=".json", params=SpeechinessParams, warm_up=_warm_up,
    result=SpeechinessResult,
)  # fmt: skip
def speechiness(call: StepCall, params: SpeechinessParams) -> dict[str, Any]:
    """Find speech in audio of any rate; it is analysed as mono at 16 kHz, in windows of 1.6 s every 0.2 s.

    Modulation at the rate of syllables, low-energy frames, flux, flatness, harmonicity, movement of pitch and
    MFCC go into a network of one layer that was trained by ``scripts/train_speechiness.py``. docs/accuracy.md
    tells what it is good for. Singing and rap lie between speech and music, and so do its answers.

    Source: features after E. Scheirer & M. Slaney, "Construction and evaluation of a robust multifeature
    speech/music discriminator", ICASSP 1997.

    :return: ``speech_share``, ``segments``, ``mean_likelihood``, ``duration_s``.
    """
    from beam_jobs.media.speech import STEP_S, find_speech
    from beam_jobs.media.speech_features import RATE
    from beam_jobs.media.stream import decoded, open_input

    with open_input(call) as audio:
        speech = find_speech(decoded(call, audio, channels=1, rate=RATE))
    duration = call.media_seconds
    segments = [
        {
            "start_s": round(begin * STEP_S, 1),
            "end_s": round(min(end * STEP_S, duration), 3),
            "likelihood": round(float(speech.likelihood[begin:end].mean()), 3),
        }
        for begin, end in speech.segments
        if begin * STEP_S < duration
    ]
    spoken = sum(segment["end_s"] - segment["start_s"] for segment in segments)
    return {
        "speech_share": round(min(1.0, spoken / duration), 4) if duration else 0.0,
        "segments": segments,
        "mean_likelihood": round(float(speech.likelihood.mean()), 4) if speech.likelihood.size else 0.0,
        "duration_s": round(duration, 6),
    }
