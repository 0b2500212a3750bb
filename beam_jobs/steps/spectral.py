"""What audio sounds like, in numbers: mel bands, MFCC and the shape of the spectrum."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from beam_jobs.contract.quantity import StepResult, quantity
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


class LevelStatistics(StepResult):
    """A number per band or coefficient, over all frames."""

    mean: list[float] = quantity("dB", "Mean over the frames.", shape="(bands,)")
    std: list[float] = quantity("dB", "Deviation over the frames.", shape="(bands,)")
    min: list[float] = quantity("dB", "Least of the frames.", shape="(bands,)")
    max: list[float] = quantity("dB", "Greatest of the frames.", shape="(bands,)")


class FrequencyStatistics(StepResult):
    """One number, over the frames that sound; none where none does."""

    mean: list[float] = quantity("Hz", "Mean over the frames.", shape="(1 or 0,)")
    std: list[float] = quantity("Hz", "Deviation over the frames.", shape="(1 or 0,)")
    min: list[float] = quantity("Hz", "Least of the frames.", shape="(1 or 0,)")
    max: list[float] = quantity("Hz", "Greatest of the frames.", shape="(1 or 0,)")


class RatioStatistics(StepResult):
    """One number, over the frames that sound; none where none does."""

    mean: list[float] = quantity("1", "Mean over the frames.", shape="(1 or 0,)")
    std: list[float] = quantity("1", "Deviation over the frames.", shape="(1 or 0,)")
    min: list[float] = quantity("1", "Least of the frames.", shape="(1 or 0,)")
    max: list[float] = quantity("1", "Greatest of the frames.", shape="(1 or 0,)")


class SpectralResult(StepResult):
    """Statistics of the spectrum over the frames."""

    mel_db: LevelStatistics = quantity("dB", "Level of each mel band, relative to a power of 1.")
    mfcc: LevelStatistics = quantity(
        "dB", "Mel frequency cepstral coefficients: the cosine transform of mel_db."
    )
    centroid_hz: FrequencyStatistics = quantity("Hz", "Mean frequency, weighted by magnitude.")
    bandwidth_hz: FrequencyStatistics = quantity("Hz", "Deviation of the frequency from the centroid.")
    rolloff_hz: FrequencyStatistics = quantity(
        "Hz", "Frequency under which the share ``rolloff`` of the magnitude lies."
    )
    flatness: RatioStatistics = quantity(
        "1", "Geometric by arithmetic mean of power: 1 for noise, 0 for a tone."
    )
    frames: int = quantity("1", "How many frames there are.", ge=0)
    silent_frames: int = quantity("1", "How many of them are digital silence.", ge=0)
    duration_s: float = quantity("s", "Playing time.")


def _warm_up() -> None:
    import numpy as np

    from beam_jobs.media import decode_soundfile, stream  # noqa: F401
    from beam_jobs.media.features import SpectralSummary
    from beam_jobs.media.spectrum import N_FFT

    SpectralSummary(n_mels=128, n_mfcc=20, rolloff=0.85).add(np.ones((2, N_FFT // 2 + 1), np.float32))


@step("spectral", version="2", makes=".json", params=SpectralParams, warm_up=_warm_up, result=SpectralResult)
def spectral(call: StepCall, params: SpectralParams) -> dict[str, Any]:
    """Summarise the spectrum of audio of any rate; it is analysed as mono at 22,050 Hz.

    Every feature is an object of ``mean``, ``std``, ``min`` and ``max`` over the frames (2048 samples,
    every 512), each a list with one number per band. Frames of digital silence count in ``mel_db`` and
    ``mfcc`` and have no spectral shape.

    Source: librosa's definitions. Centroid and bandwidth after Klapuri & Davy, "Signal Processing Methods for
    Music Transcription", 2007, chapter 5; flatness after Johnston 1988; MFCC after Davis & Mermelstein 1980.

    :return: ``mel_db``, ``mfcc``, ``centroid_hz``, ``bandwidth_hz``, ``rolloff_hz``, ``flatness``,
        ``frames``, ``silent_frames``, ``duration_s``.
    """
    from beam_jobs.media.features import SpectralSummary
    from beam_jobs.media.stream import open_input, spectra

    summary = SpectralSummary(n_mels=params.n_mels, n_mfcc=params.n_mfcc, rolloff=params.rolloff)
    with open_input(call) as audio:
        for power in spectra(call, audio):
            summary.add(power)
    return {**summary.result(), "duration_s": round(call.media_seconds, 6)}
