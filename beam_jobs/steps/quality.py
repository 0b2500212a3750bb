"""What is wrong with audio: clipping, dropouts, silence, offset, a missing end."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class QualityParams(StepParams):
    """What counts as a fault.

    :param silence_dbfs: samples below this are silence at the beginning and the end.
    :param clip_dbfs: samples at or above this are clipped when ``clip_run`` of them follow each other.
    :param clip_run: so many samples in one channel; what a lossy decoder gives beyond full scale counts too.
    :param dropout_s: zeros in all channels for at least so long, inside the sound, are a dropout.
    :param mono_db: a stereo file is mono when the difference of its channels is at or below this level,
        against their sum.
    :param places: so many places of each fault are told.
    """

    silence_dbfs: float = Field(default=-60.0, ge=-120, le=-20)
    clip_dbfs: float = Field(default=-0.01, ge=-6, le=0)
    clip_run: int = Field(default=3, ge=2, le=1000)
    dropout_s: float = Field(default=0.005, gt=0, le=60)
    mono_db: float = Field(default=-60.0, ge=-120, le=-20)
    places: int = Field(default=20, ge=0, le=1000)


class Place(StepResult):
    """Where a fault is."""

    start_s: float = quantity("s", "Where it begins.")
    duration_s: float = quantity("s", "How long it is.")


class QualityResult(StepResult):
    """Faults of a file."""

    peak_dbfs: list[float] = quantity("dBFS", "Greatest sample, at least -120.", shape="(channels,)")
    rms_dbfs: list[float] = quantity("dBFS", "RMS level, at least -120.", shape="(channels,)")
    dc_offset: list[float] = quantity("1", "Mean sample; full scale is 1.", shape="(channels,)")
    clipped_samples: int = quantity("1", "Samples in clipped runs, over all channels.")
    clipped_share: float = quantity("1", "The same as a share of all samples.")
    clipped_runs: int = quantity("1", "Clipped runs, over all channels.")
    clipped_at: list[Place] = quantity("s", "The first of them.", shape="(places,)")
    dropouts: int = quantity("1", "Runs of digital zero inside the sound.")
    dropouts_at: list[Place] = quantity("s", "The first of them.", shape="(places,)")
    silence_head_s: float = quantity("s", "Silence at the beginning; all of it for a silent file.")
    silence_tail_s: float = quantity("s", "Silence at the end; 0 for a silent file.")
    silent: bool = quantity("1", "There is nothing but silence.")
    mono_as_stereo: bool = quantity("1", "Two channels or more that hold the same.")
    side_db: float | None = quantity(
        "dB", "Level of left minus right against that of left plus right, -120 to 120; null unless stereo."
    )
    correlation: float | None = quantity(
        "1", "Pearson's correlation of left and right; null unless stereo, and when one holds nothing."
    )
    bad_samples: int = quantity(
        "1", "Samples that are not a number, infinite or beyond 1e9; they count as 0 in all else."
    )
    truncated: bool = quantity("1", "The file ends early or is damaged.")
    damage: str | None = quantity("text", "What the decoder says of that.")
    decodable_fraction: float | None = quantity(
        "1", "Share of the playing time it claims that could be decoded; null when a cut file claims none."
    )
    duration_s: float = quantity("s", "Playing time that could be decoded.")


def _warm_up() -> None:
    from beam_jobs.media import decode_soundfile, faults, stream  # noqa: F401


@step("quality", version="2", makes=".json", params=QualityParams, warm_up=_warm_up, result=QualityResult)
def quality(call: StepCall, params: QualityParams) -> dict[str, Any]:
    """Look for faults that listeners hear, in one pass and in bounded memory.

    A file that ends early or is damaged on the way is not refused: what could be decoded is judged, and
    ``truncated``, ``damage`` and ``decodable_fraction`` tell of the rest. Only one of which nothing can be
    decoded fails. Nor is one refused whose samples are not all numbers, as float files may hold them:
    ``bad_samples`` counts these.

    Source: no standard says what clipping, a dropout or silence is; the params do. Levels are relative to a
    (mean) square of 1, and the correlation is Pearson's, as ``numpy.corrcoef`` gives it.

    :return: as :class:`QualityResult`.
    """
    from beam_jobs.media.bad_samples import without_bad
    from beam_jobs.media.faults import FaultFinder
    from beam_jobs.media.stream import decoded, open_input

    damage, bad_samples = None, 0
    with open_input(call) as audio:
        info = audio.info
        finder = FaultFinder(
            rate=info.rate,
            channels=info.channels,
            silence_dbfs=params.silence_dbfs,
            clip_dbfs=params.clip_dbfs,
            clip_run=params.clip_run,
            dropout_s=params.dropout_s,
            mono_db=params.mono_db,
            places=params.places,
        )
        try:
            for block in decoded(call, audio, refuse_bad=False):
                sound, bad = without_bad(block)
                finder.add(sound)
                bad_samples += bad
        except UndecodableMedia as error:
            if not audio.frames_read:
                raise
            damage = str(error)[:500]
        call.current_stage = "step"
        played = audio.seconds_read
        claimed = info.frames / info.rate if info.frames else info.duration_s or 0.0
    fraction = 1.0 if damage is None else round(played / claimed, 6) if claimed > played else None
    return {
        **finder.result(),
        "bad_samples": bad_samples,
        "truncated": damage is not None,
        "damage": damage,
        "decodable_fraction": fraction,
        "duration_s": round(played, 6),
    }
