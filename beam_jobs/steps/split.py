"""One file into many: windows of one length, or pieces between silences."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall

_MOST_AT_ONCE = 32


class SplitParams(StepParams):
    """Where to cut, and what to write.

    :param at: ``windows`` of one length, or ``silences``.
    :param window_s: length of a window.
    :param hop_s: from the start of a window to the next one's; None = the windows follow each other.
    :param keep_last: keep a last window that is not full.
    :param threshold_dbfs: an RMS level over 10 ms below this is silence.
    :param min_silence_s: shorter pauses do not cut.
    :param min_s: a piece between silences is at least so long, but for the last one.
    :param max_s: and at most so long: it is cut there though nobody pauses.
    :param format: of the files; ``ogg`` is Vorbis.
    :param bits: per sample, of flac and wav.
    """

    at: Literal["windows", "silences"] = "windows"
    window_s: float = Field(default=30.0, ge=0.1, le=86_400)
    hop_s: float | None = Field(default=None, ge=0.1, le=86_400)
    keep_last: bool = True
    threshold_dbfs: float = Field(default=-50.0, ge=-120, lt=0)
    min_silence_s: float = Field(default=0.5, ge=0.05, le=60)
    min_s: float = Field(default=1.0, ge=0, le=86_400)
    max_s: float = Field(default=60.0, ge=0.1, le=86_400)
    format: Literal["flac", "ogg", "wav"] = "flac"
    bits: Literal[16, 24] = 16

    @model_validator(mode="after")
    def _fits(self) -> SplitParams:
        if self.hop_s is not None and self.window_s / self.hop_s > _MOST_AT_ONCE:
            raise ValueError(
                f"window_s {self.window_s:g} is more than {_MOST_AT_ONCE} times hop_s {self.hop_s:g}"
            )
        if self.min_s > self.max_s:
            raise ValueError(f"min_s {self.min_s:g} is more than max_s {self.max_s:g}")
        return self


class SplitChild(StepResult):
    """One piece."""

    name: str = quantity("text", "Name of the child: song/~00000 is the item of its file.")
    start_s: float = quantity("s", "Where it begins in the whole.")
    end_s: float = quantity("s", "Where it ends.")
    frames: int = quantity("1", "Its length in frames.")


class SplitResult(StepResult):
    """Index of the pieces."""

    children: list[SplitChild] = quantity("1", "The pieces in order.", shape="(pieces,)")
    sample_rate_hz: int = quantity("Hz", "Frames per second of all files.")
    channels: int = quantity("1", "Channels of all files.")
    duration_s: float = quantity("s", "Playing time of the input.")


def _suffix(params: SplitParams) -> str:
    return f".{params.format}"


def _warm_up() -> None:
    from beam_jobs.media import decode_soundfile, encode, pieces, stream  # noqa: F401


@step(
    "split",
    version="1",
    makes=".json",
    params=SplitParams,
    warm_up=_warm_up,
    result=SplitResult,
    children=_suffix,
)
def split(call: StepCall, params: SplitParams) -> dict[str, Any]:
    """Write the pieces as they are, each a child of the item; nothing is resampled or faded.

    Windows begin at ``round(k * hop_s * rate)``; those that follow each other add up to the whole, sample by
    sample, and so do pieces between silences: a cut is made ``min_silence_s / 2`` into each silence that is
    long enough. For silences the file is decoded twice, so that three hours need no more memory than a song.

    Source: windows are those of ``librosa.util.frame``, and a last one that may be shorter; silence is told
    by RMS over frames as in ``librosa.effects.split``, but against full scale.

    :return: the index: ``children`` (``name``, ``start_s``, ``end_s``, ``frames``), ``sample_rate_hz``,
        ``channels``, ``duration_s``; the files are the children.
    """
    from beam_jobs.media.encode import AudioWriter
    from beam_jobs.media.pieces import Silences, cut_at, windows, write_pieces
    from beam_jobs.media.stream import decoded, open_input

    cuts = None
    if params.at == "silences":
        with open_input(call) as audio:
            silences = Silences(
                rate=audio.info.rate,
                threshold_dbfs=params.threshold_dbfs,
                min_silence_s=params.min_silence_s,
                min_s=params.min_s,
                max_s=params.max_s,
            )
            for block in decoded(call, audio):
                silences.add(block)
            cuts = silences.cuts()
    with open_input(call) as audio:
        info = audio.info
        spans = (
            windows(info.rate, params.window_s, params.hop_s or params.window_s)
            if cuts is None
            else cut_at(cuts)
        )

        def open_piece() -> AudioWriter:
            return AudioWriter(
                call.child(), format=params.format, rate=info.rate, channels=info.channels, bits=params.bits
            )

        written = write_pieces(
            decoded(call, audio), spans, open_piece,
            stage=lambda: call.stage("encode"), keep_last=params.keep_last or cuts is not None,
        )  # fmt: skip
    del call.children[len(written) :]
    return {
        "children": [
            {
                "name": name,
                "start_s": round(start / info.rate, 6),
                "end_s": round(end / info.rate, 6),
                "frames": end - start,
            }
            for name, (start, end) in zip(call.children, written, strict=True)
        ],
        "sample_rate_hz": info.rate,
        "channels": info.channels,
        "duration_s": round(call.media_seconds, 6),
    }
