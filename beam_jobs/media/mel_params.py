"""What the steps on mel bands have in common to choose."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from beam_jobs.contract.step import StepParams


class MelParams(StepParams):
    """How the spectrum is made; the defaults are librosa's.

    :param sample_rate: Hz, the rate at which audio of any rate is analysed, as mono.
    :param n_fft: samples per frame.
    :param hop: samples from one frame to the next.
    :param n_mels: mel bands.
    :param fmin_hz: where the first band begins.
    :param fmax_hz: where the last one ends; null = half of ``sample_rate``.
    :param top_db: levels this far under the loudest of the item are raised to that; null = none.
    """

    sample_rate: int = Field(default=22_050, ge=8_000, le=96_000)
    n_fft: int = Field(default=2048, ge=128, le=16_384, multiple_of=2)
    hop: int = Field(default=512, ge=32, le=16_384)
    n_mels: int = Field(default=128, ge=4, le=512)
    fmin_hz: float = Field(default=0.0, ge=0)
    fmax_hz: float | None = Field(default=None, gt=0)
    top_db: float | None = Field(default=80.0, gt=0)

    @model_validator(mode="after")
    def _bands_and_frames_are_possible(self) -> Self:
        half = self.sample_rate / 2
        top = half if self.fmax_hz is None else self.fmax_hz
        if not self.fmin_hz < top <= half:
            raise ValueError(
                f"bands from {self.fmin_hz:g} to {top:g} Hz: "
                f"give fmin_hz < fmax_hz <= {half:g}, half of sample_rate"
            )
        if self.hop > self.n_fft:
            raise ValueError(f"hop {self.hop} leaves samples out: give at most n_fft, {self.n_fft}")
        return self
