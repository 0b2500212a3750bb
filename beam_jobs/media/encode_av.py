"""Audio out through FFmpeg's libraries: Opus and MP3, for which libsndfile is slow or gives no choice."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import av
import numpy as np

from beam_jobs.contract.errors import StepError, StorageError
from beam_jobs.media.audio import Block
from beam_jobs.media.lossy_rates import MP3_RATES, OPUS_KBPS, OPUS_RATE, lame_scale, mp3_kbps
from beam_jobs.media.ogg import set_serial

LossyFormat = Literal["opus", "mp3"]

_ENCODERS: Final = {"opus": ("libopus", "ogg"), "mp3": ("libmp3lame", "mp3")}
_LAYOUTS: Final = {1: "mono", 2: "stereo"}


class AvWriter:
    """Writes one file block by block; use it in a ``with``. After an error no file is left.

    :param path: file that does not exist yet.
    :param rate: frames per second: 48,000 for Opus, one of ``MP3_RATES`` for MP3.
    :param channels: 1 or 2.
    :param bit_rate: bits per second.
    :raises StepError: for a rate, bit rate or number of channels that the format does not have.
    """

    def __init__(self, path: Path, *, format: LossyFormat, rate: int, channels: int, bit_rate: int) -> None:
        _check(format, rate, channels)
        _check_bit_rate(format, rate, channels, bit_rate)
        codec, container = _ENCODERS[format]
        self._path, self._format, self._channels = path, format, channels
        # Neither the time nor the library's version goes into the file.
        options = {"fflags": "+bitexact"}
        if format == "mp3":
            options |= {"write_id3v1": "0", "id3v2_version": "0"}
        try:
            self._file = av.open(str(path), "w", format=container, options=options)
        except av.error.FFmpegError as refused:
            raise self._refusal(refused) from refused
        stream: Any = self._file.add_stream(codec, rate=rate, layout=_LAYOUTS[channels])
        stream.bit_rate = bit_rate
        stream.codec_context.options = {"flags": "+bitexact"}
        self._stream = stream
        self._resampler: av.AudioResampler | None = None
        self._rate, self._frames = rate, 0
        # What LAME will scale down again may pass full scale on the way to it, which floats can.
        self._gain = np.float32(1 / lame_scale(bit_rate // 1000) if format == "mp3" else 1)
        if format == "mp3":
            stream.codec_context.format = "fltp"

    def write(self, block: Block) -> None:
        """Append a block of shape (frames, channels); beyond full scale it clips.

        :raises StorageError: when the disk says no.
        """
        samples = np.ascontiguousarray(np.clip(block, -1, 1), np.float32).reshape(1, -1)
        if self._gain != 1:
            samples *= self._gain
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout=_LAYOUTS[self._channels])
        frame.sample_rate, frame.pts = self._rate, self._frames
        self._frames += len(block)
        try:
            self._encode(frame)
        except av.error.FFmpegError as refused:
            raise self._refusal(refused) from refused

    def close(self) -> None:
        """Finish the file; raises StorageError when not all of it could be written."""
        try:
            self._encode(None)
            self._file.mux(self._stream.encode(None))
            self._file.close()
        except av.error.FFmpegError as refused:
            raise self._refusal(refused) from refused
        if self._format == "opus":
            set_serial(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._abandon()
            return
        try:
            self.close()
        except BaseException:
            self._abandon()
            raise

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
        with suppress(av.error.FFmpegError):  # the disk that said no says so again
            self._file.close()
        self._path.unlink(missing_ok=True)

    def _refusal(self, error: av.error.FFmpegError) -> Exception:
        if isinstance(error, MemoryError):
            return MemoryError(f"cannot encode {self._format}: {error.strerror}")
        if isinstance(error, OSError):
            return StorageError(f"cannot write {self._path.name}: {error.strerror}")
        return StepError(f"cannot encode {self._format}: {error.strerror}")


def _check(format: LossyFormat, rate: int, channels: int) -> None:
    if channels not in _LAYOUTS:
        raise StepError(f"{format} is written with 1 or 2 channels, not {channels}; choose channels 1 or 2")
    rates = (OPUS_RATE,) if format == "opus" else MP3_RATES
    if rate not in rates:
        said = ", ".join(f"{one:,}" for one in rates)
        raise StepError(f"{format} has no {rate} Hz; choose a sample_rate of {said}")


def _check_bit_rate(format: LossyFormat, rate: int, channels: int, bit_rate: int) -> None:
    """Refuse what the encoder would silently replace by the nearest that it has."""
    kbps = bit_rate // 1000
    if format == "opus":
        low, high = OPUS_KBPS
        if not low <= kbps <= high * channels:
            raise StepError(f"opus has no {kbps} kbit/s for {channels} channels; choose {low} to {high} each")
        return
    there = mp3_kbps(rate)
    if kbps not in there:
        said = ", ".join(map(str, there))
        raise StepError(f"mp3 has no {kbps} kbit/s at {rate} Hz; choose a bit_rate_kbps of {said}")
