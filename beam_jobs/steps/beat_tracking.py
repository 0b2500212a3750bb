"""Tempo and beat times."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class BeatTrackingParams(StepParams):
    """How to look for the pulse.

    :param start_bpm: the tempo held most likely before hearing; half and double are less so.
    :param tightness: how steady the tempo is held to be.
    """

    start_bpm: float = Field(default=120.0, ge=30, le=300)
    tightness: float = Field(default=100.0, gt=0, le=10_000)


class BeatTrackingResult(StepResult):
    """The pulse and the beats that follow it."""

    tempo_bpm: float | None = quantity("BPM", "Mean tempo; null when there is no pulse.", gt=0)
    pulse_clarity: float = quantity(
        "1",
        "How alike the onsets are one beat apart, 0 to 1: "
        "Pearson's correlation of the onset curve with itself a beat later, 0 where negative.",
        ge=0, le=1,
    )  # fmt: skip
    beats_s: list[float] = quantity("s", "When each beat comes, increasing.", shape="(beats,)")
    duration_s: float = quantity("s", "Playing time.")


def _warm_up() -> None:
    """Load librosa and what it compiles, once per process."""
    import numpy as np

    from beam_jobs.media import decode_soundfile, stream  # noqa: F401
    from beam_jobs.media.beats import onset_strength, track_beats
    from beam_jobs.media.spectrum import power_frames

    clicks = np.zeros((2 * 22050, 1), np.float32)
    clicks[::11025] = 1
    track_beats(onset_strength(power_frames(iter([clicks]))), start_bpm=120, tightness=100)


@step(
    "beat_tracking", version="3", makes=".json", params=BeatTrackingParams, warm_up=_warm_up,
    result=BeatTrackingResult,
)  # fmt: skip
def beat_tracking(call: StepCall, params: BeatTrackingParams) -> dict[str, Any]:
    """Find tempo and beats in audio of any rate; it is analysed as mono at 22,050 Hz.

    Times lie on a grid of 512 samples (23 ms). Audio without a pulse gives a null tempo and no beats.

    Source: the tempo is the peak of the mean autocorrelation of the onset curve under a log-normal prior, the
    beats follow by dynamic programming (Ellis, "Beat Tracking by Dynamic Programming", 2007), both by
    librosa; where what lies between the beats is as strong as they are, the tempo is doubled. The clarity is
    Pearson's correlation of the onset curve with itself one beat later, 0 where negative, averaged over
    pieces of about eight seconds: about 0 for noise and clicks at random, above 0.8 for a metronome.

    :return: ``tempo_bpm``, ``pulse_clarity`` (0 to 1), ``beats_s`` (seconds, increasing), ``duration_s``.
    """
    from beam_jobs.media.beats import onset_strength, track_beats
    from beam_jobs.media.stream import open_input, spectra

    with open_input(call) as audio:
        onsets = onset_strength(spectra(call, audio))
    beats = track_beats(onsets, start_bpm=params.start_bpm, tightness=params.tightness)
    return {
        "tempo_bpm": None if beats.tempo_bpm is None else round(beats.tempo_bpm, 3),
        "pulse_clarity": round(beats.clarity, 4),
        "beats_s": [round(float(time), 4) for time in beats.times_s],
        "duration_s": round(call.media_seconds, 6),
    }
