"""How loud each beat is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import AUDIO, StepInput, StepParams, step
from beam_jobs.media.call import StepCall

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BEATS = StepInput(name="beats", suffixes=(".json",))


class EnergyParams(StepParams):
    """Nothing to choose."""


class BeatLevel(StepResult):
    """The time from a beat to the next."""

    start_s: float = quantity("s", "The beat.", ge=0)
    end_s: float = quantity("s", "The next beat, or the end of the audio.", ge=0)
    rms_dbfs: float = quantity("dBFS", "RMS level between them; -120 for silence.", ge=-120)


class EnergyResult(StepResult):
    """The level of each beat and of the whole."""

    beats: list[BeatLevel] = quantity("1", "One for each beat within the audio, in order.", shape="(beats,)")
    rms_dbfs: float = quantity("dBFS", "RMS level of the whole; -120 for silence.", ge=-120)
    beats_outside: int = quantity("1", "How many beats lie beyond the end of the audio.", ge=0)
    duration_s: float = quantity("s", "Playing time.")


def _warm_up() -> None:
    from beam_jobs.media import decode_soundfile, level, stream  # noqa: F401


@step(
    "energy", version="1", makes=".json", takes=(AUDIO, BEATS), params=EnergyParams, warm_up=_warm_up,
    result=EnergyResult,
)  # fmt: skip
def energy(call: StepCall, params: EnergyParams) -> dict[str, Any]:
    """Measure the RMS level from each beat to the next, the last one to the end of the audio.

    dBFS are relative to a mean square of 1, so that a full-scale sine has -3.01; silence is -120.

    Source: the level is 10 log10 of the mean square over time and channels. AES17-2020 counts a full-scale
    sine as 0 and so tells 3.01 dB more.

    :return: ``beats`` (one object per beat: ``start_s``, ``end_s``, ``rms_dbfs``), ``rms_dbfs`` of the
        whole, ``beats_outside`` (how many beats lie beyond the audio's end) and ``duration_s``.
    """
    import numpy as np

    from beam_jobs.media.level import level_dbfs, segment_power
    from beam_jobs.media.stream import decoded, open_input

    times = _beat_times(call)
    with open_input(call) as audio:
        rate = audio.info.rate
        boundaries = np.round(times * rate).astype(np.int64)
        power, frames = segment_power(decoded(call, audio), boundaries)
    whole = level_dbfs(np.array([power.sum() / frames.sum()]))
    inside = boundaries < frames.sum()
    levels = level_dbfs(power[1:][inside] / np.maximum(frames[1:][inside], 1))
    ends = np.append(times[inside][1:], call.media_seconds)
    return {
        "beats": [
            {
                "start_s": round(float(start), 4),
                "end_s": round(float(end), 4),
                "rms_dbfs": round(float(level), 3),
            }
            for start, end, level in zip(times[inside], ends, levels, strict=False)
        ],
        "rms_dbfs": round(float(whole[0]), 3),
        "beats_outside": int((~inside).sum()),
        "duration_s": round(call.media_seconds, 6),
    }


def _beat_times(call: StepCall) -> npt.NDArray[np.float64]:
    """Return the beat times in seconds; raises UndecodableMedia when the document holds none."""
    import numpy as np

    document = call.json("beats")
    beats = document.get("beats_s") if isinstance(document, dict) else None
    if not isinstance(beats, list):
        raise UndecodableMedia("input 'beats' has no list 'beats_s'; connect it to a beat_tracking job")
    try:
        times = np.array(beats, dtype=np.float64).reshape(len(beats))
    except (TypeError, ValueError) as error:
        raise UndecodableMedia(f"input 'beats': 'beats_s' is not a list of seconds: {error}") from error
    if not np.isfinite(times).all() or (times < 0).any() or (np.diff(times) <= 0).any():
        raise UndecodableMedia("input 'beats': 'beats_s' must be finite, not negative and increasing")
    return times
