"""Whether audio has vocals."""

from __future__ import annotations

from typing import Any

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class InstrumentalnessParams(StepParams):
    """Nothing to choose."""


class InstrumentalnessResult(StepResult):
    """A score, and what it is made of."""

    instrumentalness: float = quantity("1", "How likely there are no vocals, 0 to 1.", ge=0, le=1)
    vocal_ratio_db: float | None = quantity(
        "dB", "Power of what moves like a voice over that of the rest, mean over time; null for silence."
    )
    loud_vocal_ratio_db: float | None = quantity(
        "dB", "The same where it is greatest (90th percentile of windows of 1.6 s); null for silence."
    )
    speech_likelihood: float | None = quantity(
        "1", "Mean likelihood of speech, as the step speechiness has it; null for silence."
    )
    duration_s: float = quantity("s", "Playing time.")


def _warm_up() -> None:
    import numpy as np

    from beam_jobs.media import decode_soundfile, stream  # noqa: F401
    from beam_jobs.media.instrumental import vocal_cues
    from beam_jobs.media.speech_features import RATE

    vocal_cues(iter([np.ones((2 * RATE, 1), np.float32)]))


@step(
    "instrumentalness", version="1", makes=".json", params=InstrumentalnessParams, warm_up=_warm_up,
    result=InstrumentalnessResult,
)  # fmt: skip
def instrumentalness(call: StepCall, params: InstrumentalnessParams) -> dict[str, Any]:
    """Tell how likely audio of any rate has no vocals; it is analysed as mono at 16 kHz.

    A logistic function of three cues: how loud the ``vocals`` of the step ``separate_vocals`` are against its
    accompaniment, on average and where they are loudest, and how much like speech the whole is. It hears
    whether something glides and trembles like a voice, not what it is: a solo violin or a bent guitar looks
    like vocals, a held choir does not. Fitted by ``scripts/train_instrumentalness.py`` with synthetic singing
    and recorded speech over music; silence is instrumental. docs/accuracy.md tells how it scored.

    Source: the cues are those of ``separate_vocals`` (FitzGerald & Gainza 2010) and ``speechiness`` (Scheirer
    & Slaney 1997).

    :return: ``instrumentalness``, ``vocal_ratio_db``, ``loud_vocal_ratio_db``, ``speech_likelihood``,
        ``duration_s``.
    """
    from beam_jobs.media.instrumental import instrumentalness_of, vocal_cues
    from beam_jobs.media.speech_features import RATE
    from beam_jobs.media.stream import decoded, open_input

    with open_input(call) as audio:
        cues = vocal_cues(decoded(call, audio, channels=1, rate=RATE))
    return {
        "instrumentalness": round(instrumentalness_of(cues), 4) if cues else 1.0,
        "vocal_ratio_db": round(cues.ratio_db, 2) if cues else None,
        "loud_vocal_ratio_db": round(cues.loud_ratio_db, 2) if cues else None,
        "speech_likelihood": round(cues.speech_likelihood, 4) if cues else None,
        "duration_s": round(call.media_seconds, 6),
    }
