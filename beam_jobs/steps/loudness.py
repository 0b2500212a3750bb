"""Loudness after EBU R 128."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class LoudnessParams(StepParams):
    """How fine the curve is.

    :param curve_step_s: seconds between two values of the short-term curve, in tenths.
    """

    curve_step_s: float = Field(default=1.0, ge=0.1, le=60, multiple_of=0.1)


class LoudnessResult(StepResult):
    """Loudness after EBU R 128; null where the signal is too quiet or too short to tell."""

    integrated_lufs: float | None = quantity("LUFS", "Gated loudness of the whole.")
    loudness_range_lu: float | None = quantity(
        "LU", "Loudness range (EBU Tech 3342); null for silence and for less than 3 s.", ge=0
    )
    momentary_max_lufs: float | None = quantity("LUFS", "The loudest 400 ms.")
    short_term_max_lufs: float | None = quantity("LUFS", "The loudest 3 s.")
    true_peak_dbtp: float | None = quantity("dBTP", "Greatest value of the signal interpolated by four.")
    sample_peak_dbfs: float | None = quantity("dBFS", "Greatest sample.")
    short_term_step_s: float = quantity("s", "Between two values of the curve.")
    short_term_lufs: list[float] = quantity(
        "LUFS",
        "Loudness of the 3 s up to (k + 1) steps, at least -70; in those of the first 3 s what is before the "
        "beginning counts as silence, and short_term_max_lufs is without them.",
        shape="(steps,)",
    )
    duration_s: float = quantity("s", "Playing time.")


def _warm_up() -> None:
    import numpy as np

    from beam_jobs.media import decode_soundfile, stream  # noqa: F401
    from beam_jobs.media.loudness import LoudnessMeter

    LoudnessMeter(rate=48_000, channels=2).add(np.zeros((480, 2), np.float32))


@step("loudness", version="3", makes=".json", params=LoudnessParams, warm_up=_warm_up, result=LoudnessResult)
def loudness(call: StepCall, params: LoudnessParams) -> dict[str, Any]:
    """Measure loudness of the audio as it is: its own rate and channels.

    A downmix is less loud than what it was made of, so give this the source where that matters. A value
    that the signal is too quiet or too short for is null.

    Source: ITU-R BS.1770-5 (weighting, gates, true peak), EBU Tech 3341 (momentary and short-term loudness)
    and EBU Tech 3342 (range).

    :return: ``integrated_lufs``, ``loudness_range_lu``, ``momentary_max_lufs`` (400 ms),
        ``short_term_max_lufs`` (3 s), ``true_peak_dbtp``, ``sample_peak_dbfs``, and the short-term curve:
        ``short_term_lufs[k]`` is that of the 3 s up to ``(k + 1) * short_term_step_s``, of which what comes
        before the beginning counts as silence.
    """
    from beam_jobs.media.loudness import STEP_S, LoudnessMeter
    from beam_jobs.media.stream import decoded, open_input

    with open_input(call) as audio:
        meter = LoudnessMeter(rate=audio.info.rate, channels=audio.info.channels)
        for block in decoded(call, audio):
            meter.add(block)
    told = meter.result()
    every = round(params.curve_step_s / STEP_S)
    return {
        "integrated_lufs": _rounded(told.integrated_lufs),
        "loudness_range_lu": _rounded(told.range_lu),
        "momentary_max_lufs": _rounded(told.momentary_max_lufs),
        "short_term_max_lufs": _rounded(told.short_term_max_lufs),
        "true_peak_dbtp": _rounded(told.true_peak_dbtp),
        "sample_peak_dbfs": _rounded(told.sample_peak_dbfs),
        "short_term_step_s": params.curve_step_s,
        "short_term_lufs": [round(float(value), 2) for value in told.short_term_lufs[every - 1 :: every]],
        "duration_s": round(call.media_seconds, 6),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
