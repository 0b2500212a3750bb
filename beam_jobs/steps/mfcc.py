"""Mel-frequency cepstral coefficients as an array."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from beam_jobs.contract.step import step
from beam_jobs.media.call import StepCall
from beam_jobs.media.mel_params import MelParams


class MfccParams(MelParams):
    """As :class:`~beam_jobs.media.mel_params.MelParams`, and how many coefficients.

    :param n_mfcc: coefficients per frame, from the 0th (the level).
    """

    n_mfcc: int = Field(default=20, ge=1, le=512)

    @model_validator(mode="after")
    def _there_are_so_many(self) -> Self:
        if self.n_mfcc > self.n_mels:
            raise ValueError(f"{self.n_mels} bands have no {self.n_mfcc} coefficients: raise n_mels")
        return self


def _warm_up() -> None:
    from beam_jobs.media import arrays, decode_soundfile, mel, stream  # noqa: F401
    from beam_jobs.media.spectrum import ANALYSIS_RATE, mel_weights

    mel_weights(ANALYSIS_RATE, 128)


@step("mfcc", version="2", makes=".npz", params=MfccParams, warm_up=_warm_up)
def mfcc(call: StepCall, params: MfccParams) -> Path:
    """Make the MFCC of audio of any rate; it is analysed as mono at ``sample_rate``.

    Source: Davis & Mermelstein, IEEE ASSP 1980: the orthonormal DCT-II of mel levels in dB. With the defaults
    the numbers are those of ``librosa.feature.mfcc(y=y, sr=22050).T``.

    :return: ``mfcc``, shape (frame, coefficient), float32.
    """
    from beam_jobs.media.arrays import write_arrays
    from beam_jobs.media.mel import cepstrum, floored, spool_mel
    from beam_jobs.media.spool import Spool
    from beam_jobs.media.stream import decoded, open_input

    with Spool(call.output.parent, params.n_mels) as spool:
        with open_input(call) as audio:
            greatest = spool_mel(decoded(call, audio, channels=1, rate=params.sample_rate), params, spool)
        coefficients = spool.streamed(
            width=params.n_mfcc,
            finish=lambda levels: cepstrum(floored(levels, greatest, params.top_db), params.n_mfcc),
        )
        with call.stage("encode"):
            write_arrays(
                call.output, {"mfcc": coefficients}, step="mfcc", version="2",
                units={"mfcc": "dB re 1"}, axes={"mfcc": "frame, coefficient"},
                rate_hz=float(params.sample_rate), hop=params.hop,
                params=params.model_dump(mode="json"), compress=False,
            )  # fmt: skip
    return call.output
