"""The pitch of a voice or an instrument over time, as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from pydantic import Field, model_validator

from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall

_RATE: Final = 22_050


class PitchParams(StepParams):
    """Where to look.

    :param fmin_hz: the lowest pitch, C2 unless given; a frame must hold two periods of it.
    :param fmax_hz: the highest pitch, C7 unless given.
    :param frame_length: samples per frame, of 22,050 a second.
    :param hop: samples from one frame to the next.
    :param no_trough_prob: how likely a frame in which nothing repeats has a pitch all the same. With
        librosa's 0.01 noise and pauses are often given low pitches.
    """

    fmin_hz: float = Field(default=65.406, ge=20, le=2000)
    fmax_hz: float = Field(default=2093.005, ge=50, le=5000)
    frame_length: int = Field(default=2048, ge=256, le=8192, multiple_of=2)
    hop: int = Field(default=512, ge=64, le=4096)
    no_trough_prob: float = Field(default=0.001, ge=0, le=0.5)

    @model_validator(mode="after")
    def _pitches_fit_the_frame(self) -> Self:
        if self.fmin_hz * 2 ** (1 / 12) > self.fmax_hz:
            raise ValueError(
                f"fmin_hz {self.fmin_hz:g}: give fmax_hz {self.fmax_hz:g} at least a semitone above"
            )
        if self.frame_length < 2 * _RATE / self.fmin_hz:
            raise ValueError(
                f"two periods of {self.fmin_hz:g} Hz do not fit in {self.frame_length} samples: "
                f"give frame_length {2 * int(_RATE / self.fmin_hz + 1)} or more"
            )
        if self.hop > self.frame_length:
            raise ValueError(
                f"hop {self.hop} leaves samples out: give at most frame_length, {self.frame_length}"
            )
        return self


def _warm_up() -> None:
    """Load what compiles and compile it, once per process."""
    import numpy as np

    from beam_jobs.media import arrays, decode_soundfile, stream  # noqa: F401
    from beam_jobs.media.pitch import find_pitch

    silence = np.zeros((_RATE, 1), np.float32)
    find_pitch(iter([silence]), rate=_RATE, fmin=65.406, fmax=2093.005, frame_length=2048, hop=512)


@step("pitch", version="2", makes=".npz", params=PitchParams, warm_up=_warm_up)
def pitch(call: StepCall, params: PitchParams) -> Path:
    """Find the pitch of one voice or instrument in audio of any rate; it is analysed as mono at 22,050 Hz.

    Pitches lie on a grid of ten cents; frame ``t`` is centred on sample ``t * hop``. In music of several
    voices it follows one of them or says that there is none. Length costs no memory: paths are decided after
    ten seconds.

    Source: pYIN (Mauch & Dixon, ICASSP 2014); with ``no_trough_prob`` 0.01 the numbers are those of
    ``librosa.pyin``.

    :return: ``f0_hz`` (float32, not a number where unvoiced), ``voiced_flag`` (bool), ``voiced_prob``
        (float32, 0 to 1), a number per frame each.
    """
    from beam_jobs.media.arrays import write_arrays
    from beam_jobs.media.pitch import find_pitch
    from beam_jobs.media.stream import decoded, open_input

    with open_input(call) as audio:
        found = find_pitch(
            decoded(call, audio, channels=1, rate=_RATE), rate=_RATE, fmin=params.fmin_hz,
            fmax=params.fmax_hz, frame_length=params.frame_length, hop=params.hop,
            no_trough_prob=params.no_trough_prob,
        )  # fmt: skip
    names = ("f0_hz", "voiced_flag", "voiced_prob")
    with call.stage("encode"):
        write_arrays(
            call.output, {name: getattr(found, name) for name in names}, step="pitch", version="2",
            units={"f0_hz": "Hz", "voiced_flag": "1", "voiced_prob": "1"}, axes=dict.fromkeys(names, "frame"),
            rate_hz=float(_RATE), hop=params.hop, params=params.model_dump(mode="json"),
        )  # fmt: skip
    return call.output
