"""Chroma as an array: how strong each pitch class is."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class ChromaParams(StepParams):
    """How the spectrum is made; the defaults are librosa's.

    :param n_fft: samples per frame, of 22,050 a second; more tell low notes better apart.
    :param hop: samples from one frame to the next.
    :param tuning: semitones from A = 440 Hz; null = heard in the item.
    """

    n_fft: int = Field(default=2048, ge=1024, le=16_384, multiple_of=2)
    hop: int = Field(default=512, ge=64, le=16_384)
    tuning: float | None = Field(default=None, ge=-0.5, le=0.5)

    @model_validator(mode="after")
    def _frames_touch(self) -> Self:
        if self.hop > self.n_fft:
            raise ValueError(f"hop {self.hop} leaves samples out: give at most n_fft, {self.n_fft}")
        return self


def _warm_up() -> None:
    from beam_jobs.media import arrays, decode_soundfile, stream  # noqa: F401
    from beam_jobs.media.chroma import chroma_weights
    from beam_jobs.media.spectrum import ANALYSIS_RATE, N_FFT

    chroma_weights(ANALYSIS_RATE, N_FFT, 0.0, 5.0)


@step("chroma", version="2", makes=".npz", params=ChromaParams, warm_up=_warm_up)
def chroma(call: StepCall, params: ChromaParams) -> Path:
    """Make the chroma of audio of any rate; it is analysed as mono at 22,050 Hz.

    For audio of more than 12 minutes (with the default frames) the tuning is that of the first 12; librosa
    hears it in all, which needs all spectra at once.

    Source: Ellis, "Chroma feature analysis and synthesis", 2007; the numbers are those of
    ``librosa.feature.chroma_stft(y=y, sr=22050).T``.

    :return: ``chroma``, shape (frame, pitch class) from C to B, the greatest of each frame 1, silence 0;
        ``tuning``, the semitones from A = 440 Hz that were used.
    """
    import numpy as np

    from beam_jobs.media.arrays import write_arrays
    from beam_jobs.media.chroma import Chroma, relative
    from beam_jobs.media.spectrum import ANALYSIS_RATE
    from beam_jobs.media.stream import open_input, spectra

    with open_input(call) as audio:
        heard = Chroma(
            spectra(call, audio, n_fft=params.n_fft, hop=params.hop),
            rate=ANALYSIS_RATE, n_fft=params.n_fft, tuning=params.tuning,
        )  # fmt: skip
        frames = np.concatenate([relative(block) for block in heard.frames()])
    with call.stage("encode"):
        write_arrays(
            call.output, {"chroma": frames, "tuning": np.array(heard.tuning)}, step="chroma", version="2",
            units={"chroma": "1", "tuning": "semitones"}, axes={"chroma": "frame, pitch class", "tuning": ""},
            rate_hz=float(ANALYSIS_RATE), hop=params.hop, params=params.model_dump(mode="json"),
            compress=False,
        )  # fmt: skip
    return call.output
