"""When notes and beats begin."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class OnsetsParams(StepParams):
    """How much of a rise is an onset; the defaults are librosa's.

    :param delta: how far a peak rises above the mean of 100 ms around it, as a share of the greatest.
    :param wait_s: least time between two onsets.
    :param backtrack: give the place where the rise begins, for cutting, in place of the peak.
    """

    delta: float = Field(default=0.07, ge=0, le=1)
    wait_s: float = Field(default=0.03, ge=0, le=10)
    backtrack: bool = False


class OnsetsResult(StepResult):
    """Onsets in order."""

    onsets_s: list[float] = quantity("s", "When each begins, increasing.", shape="(onsets,)")
    strengths: list[float] = quantity(
        "1", "How much the spectrum rises at each; the greatest rise of the item is 1.", shape="(onsets,)"
    )
    onsets_per_second: float = quantity("1/s", "Their number over the playing time.")
    duration_s: float = quantity("s", "Playing time.")


def _warm_up() -> None:
    """Load librosa and what it compiles, once per process."""
    import numpy as np

    from beam_jobs.media import decode_soundfile, stream  # noqa: F401
    from beam_jobs.media.beats import onset_strength
    from beam_jobs.media.onsets import find_onsets
    from beam_jobs.media.spectrum import power_frames

    clicks = np.zeros((2 * 22050, 1), np.float32)
    clicks[::11025] = 1
    find_onsets(onset_strength(power_frames(iter([clicks]))), delta=0.07, wait_s=0.03, backtrack=True)


@step("onsets", version="2", makes=".json", params=OnsetsParams, warm_up=_warm_up, result=OnsetsResult)
def onsets(call: StepCall, params: OnsetsParams) -> dict[str, Any]:
    """Find onsets in audio of any rate; it is analysed as mono at 22,050 Hz.

    Times lie on a grid of 512 samples (23 ms), one step before librosa's, whose onsets come late by that.
    Strengths compare within an item only. Steady sound has no onsets, nor has the last window, which the end
    cuts off.

    Source: peaks of the spectral flux (Böck & Widmer, DAFx 2013), picked as ``librosa.onset.onset_detect``
    does (Böck, Krebs & Schedl, ISMIR 2012).

    :return: ``onsets_s``, ``strengths``, ``onsets_per_second``, ``duration_s``.
    """
    from beam_jobs.media.beats import onset_strength
    from beam_jobs.media.onsets import find_onsets
    from beam_jobs.media.stream import open_input, spectra

    with open_input(call) as audio:
        curve = onset_strength(spectra(call, audio))
    found = find_onsets(curve, delta=params.delta, wait_s=params.wait_s, backtrack=params.backtrack)
    duration = call.media_seconds
    return {
        "onsets_s": [round(float(time), 4) for time in found.times_s],
        "strengths": [round(float(strength), 4) for strength in found.strengths],
        "onsets_per_second": round(len(found.times_s) / duration, 4) if duration else 0.0,
        "duration_s": round(duration, 6),
    }
