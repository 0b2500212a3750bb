"""What audio sounds like, in numbers: mel bands, MFCC and the shape of the spectrum."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class SpectralParams(StepParams):
    """How many numbers.

    :param n_mels: mel bands from 0 to 11,025 Hz.
    :param n_mfcc: cepstral coefficients made of them.
    :param rolloff: the share of the magnitude that lies under the roll-off frequency.
    """

    n_mels: int = Field(default=128, ge=20, le=256)
    n_mfcc: int = Field(default=20, ge=1, le=128)
    rolloff: float = Field(default=0.85, gt=0, lt=1)


def _warm_up() -> None:
    from beam_jobs.media import decode_soundfile, features, stream  # noqa: F401
    from beam_jobs.media.spectrum import ANALYSIS_RATE, mel_weights

    mel_weights(ANALYSIS_RATE, 128)


@step("spectral", version="1", makes=".json", params=SpectralParams, warm_up=_warm_up)
def spectral(call: StepCall, params: SpectralParams) -> dict[str, Any]:
    """Summarise the spectrum of audio of any rate; it is analysed as mono at 22,050 Hz.

    Every feature is an object of ``mean``, ``std``, ``min`` and ``max`` over the frames (2048 samples,
    every 512), each a list with one number per band. Frames of digital silence count in ``mel_db`` and
    ``mfcc`` and have no spectral shape.

    :return: ``mel_db``, ``mfcc``, ``centroid_hz``, ``bandwidth_hz``, ``rolloff_hz``, ``flatness``,
        ``frames``, ``silent_frames``, ``duration_s``.
    """
    from beam_jobs.media.features import SpectralSummary
    from beam_jobs.media.spectrum import ANALYSIS_RATE, power_frames
    from beam_jobs.media.stream import decoded, open_input

    summary = SpectralSummary(n_mels=params.n_mels, n_mfcc=params.n_mfcc, rolloff=params.rolloff)
    with open_input(call) as audio:
        for power in power_frames(decoded(call, audio, channels=1, rate=ANALYSIS_RATE)):
            summary.add(power)
    return {**summary.result(), "duration_s": round(call.media_seconds, 6)}
