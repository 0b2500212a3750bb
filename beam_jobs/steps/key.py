"""The key of a piece."""

from __future__ import annotations

from typing import Any, Literal

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall

Tonic = Literal["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
Mode = Literal["major", "minor"]


class KeyParams(StepParams):
    """What a key is held to sound like.

    :param profile: how well each pitch class fits a key: as Temperley counted it in scores, or as Krumhansl
        and Kessler's listeners judged it.
    """

    profile: Literal["temperley", "krumhansl-kessler"] = "temperley"


class KeyCandidate(StepResult):
    """A key that was not chosen."""

    tonic: Tonic = quantity("text", "Pitch class, sharps for all black keys.")
    mode: Mode = quantity("text", "major or minor.")
    correlation: float = quantity("1", "Of its profile and the chroma, -1 to 1.", ge=-1, le=1)


class KeyResult(StepResult):
    """One key for the whole; all null for silence."""

    tonic: Tonic | None = quantity("text", "Pitch class, sharps for all black keys.")
    mode: Mode | None = quantity("text", "major or minor.")
    correlation: float | None = quantity("1", "Of its profile and the chroma, -1 to 1.", ge=-1, le=1)
    confidence: float | None = quantity(
        "1", "By what share the correlation is greater than the runner-up's, 0 to 1.", ge=0, le=1
    )
    runner_up: KeyCandidate | None = quantity("1", "The second best.")
    chroma: list[float] | None = quantity(
        "1", "Share of each pitch class from C to B.", shape="(pitch classes,)"
    )
    tuning_semitones: float | None = quantity("semitones", "How far the notes lie from A = 440 Hz.")
    duration_s: float = quantity("s", "Playing time.")


def _warm_up() -> None:
    import numpy as np

    from beam_jobs.media import decode_soundfile, stream  # noqa: F401
    from beam_jobs.media.key_profiles import mean_chroma

    mean_chroma(iter([np.ones((22_050, 1), np.float32)]))


@step("key", version="1", makes=".json", params=KeyParams, warm_up=_warm_up, result=KeyResult)
def key(call: StepCall, params: KeyParams) -> dict[str, Any]:
    """Find the key of audio of any rate; it is analysed as mono at 22,050 Hz in frames of 0.37 s.

    The mean chroma is compared with the profile of each of 24 keys. A piece that modulates gets one key for
    all; where the confidence is low the runner-up is often the relative key or one a fifth away.

    Source: Krumhansl & Schmuckler's correlation of profiles (Krumhansl, "Cognitive Foundations of Musical
    Pitch", 1990) with chroma as ``librosa.feature.chroma_stft`` has them (Ellis 2007); the profiles are those
    of Temperley, "Music and Probability", 2007, or of Krumhansl & Kessler, Psychological Review 1982.

    :return: ``tonic``, ``mode``, ``correlation``, ``confidence``, ``runner_up``, ``chroma``,
        ``tuning_semitones``, ``duration_s``.
    """
    from beam_jobs.media.key_profiles import PITCH_CLASSES, mean_chroma, rank_keys
    from beam_jobs.media.spectrum import ANALYSIS_RATE
    from beam_jobs.media.stream import decoded, open_input

    with open_input(call) as audio:
        heard = mean_chroma(decoded(call, audio, channels=1, rate=ANALYSIS_RATE))
    duration = round(call.media_seconds, 6)
    if heard is None:
        return {**dict.fromkeys(KeyResult.model_fields), "duration_s": duration}
    chroma, tuning = heard
    first, second = rank_keys(chroma, params.profile)[:2]
    ahead = (first.correlation - second.correlation) / first.correlation if first.correlation > 0 else 0.0
    told, other = (
        {"tonic": PITCH_CLASSES[k.tonic], "mode": k.mode, "correlation": round(k.correlation, 4)}
        for k in (first, second)
    )
    return {
        **told,
        "confidence": round(min(1.0, ahead), 4),
        "runner_up": other,
        "chroma": [round(float(share), 4) for share in chroma],
        "tuning_semitones": round(tuning, 2),
        "duration_s": duration,
    }
