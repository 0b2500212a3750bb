"""Audio out through FFmpeg's libraries: Opus and MP3, for which libsndfile is slow or gives no choice."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import av
import numpy as np

from beam_jobs.contract.errors import StepError
from beam_jobs.media.audio import Block
from beam_jobs.media.ogg import set_serial

LossyFormat = Literal["opus", "mp3"]

OPUS_RATE: Final = 48_000
MP3_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_ENCODERS: Final = {"opus": ("libopus", "ogg"), "mp3": ("libmp3lame", "mp3")}
_LAYOUTS: Final = {1: "mono", 2: "stereo"}


class AvWriter:
    """Writes one file block by block; use it in a ``with``. After an error no file is left.

    :param path: file that does not exist yet.
    :param rate: frames per second: 48,000 for Opus, one of :data:`MP3_RATES` for MP3.
    :param channels: 1 or 2.
    :param bit_rate: bits per second.
    :raises StepError: for a rate or number of channels that the format does not have.
    """

    def __init__(self, path: Path, *, format: LossyFormat, rate: int, channels: int, bit_rate: int) -> None:
        _check(format, rate, channels)
        codec, container = _ENCODERS[format]
        self._path, self._format, self._channels = path, format, channels
        # Neither the time nor the library's version goes into the file.
        options = {"fflags": "+bitexact", "write_id3v1": "0", "id3v2_version": "0"}
        self._file = av.open(str(path), "w", format=container, options=options if format == "mp3" else {})
        stream: Any = self._file.add_stream(codec, rate=rate, layout=_LAYOUTS[channels])
        stream.bit_rate = bit_rate
        stream.codec_context.options = {"flags": "+bitexact"}
        self._stream = stream
        self._resampler: av.AudioResampler | None = None
        self._rate, self._frames = rate, 0

    def write(self, block: Block) -> None:
        """Append a block of shape (frames, channels); beyond full scale it clips."""
        samples = np.ascontiguousarray(np.clip(block, -1, 1), np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout=_LAYOUTS[self._channels])
        frame.sample_rate, frame.pts = self._rate, self._frames
        self._frames += len(block)
        self._encode(frame)

    def close(self) -> None:
        """Finish the file."""
        self._encode(None)
        self._file.mux(self._stream.encode(None))
        self._file.close()
        if self._format == "opus":
            set_serial(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                self.close()
                return
            except av.error.FFmpegError as refused:
                self._abandon()
                raise StepError(f"cannot encode {self._format}: {refused.strerror}") from refused
        self._abandon()

    def _encode(self, frame: av.AudioFrame | None) -> None:
        context = self._stream.codec_context
        if self._resampler is None:
            if not context.is_open:
                context.open()
            self._resampler = av.AudioResampler(
                format=context.format, layout=_LAYOUTS[self._channels], rate=self._rate,
                frame_size=context.frame_size,
            )  # fmt: skip
        for piece in self._resampler.resample(frame):
            self._file.mux(self._stream.encode(piece))

    def _abandon(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def _check(format: LossyFormat, rate: int, channels: int) -> None:
    if channels not in _LAYOUTS:
        raise StepError(f"{format} is written with 1 or 2 channels, not {channels}; choose channels 1 or 2")
    rates = (OPUS_RATE,) if format == "opus" else MP3_RATES
    if rate not in rates:
        said = ", ".join(f"{one:,}" for one in rates)
        raise StepError(f"{format} has no {rate} Hz; choose a sample_rate of {said}")
