"""Audio out: a file written block by block, with the same bytes for the same samples."""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import soundfile

from beam_jobs.contract.errors import StepError, StorageError
from beam_jobs.media.audio import Block
from beam_jobs.media.ogg import set_serial

AudioFormat = Literal["flac", "ogg", "wav"]

_SUBTYPES: Final = {
    ("flac", 16): "PCM_16", ("flac", 24): "PCM_24",
    ("wav", 16): "PCM_16", ("wav", 24): "PCM_24",
    ("ogg", 16): "VORBIS", ("ogg", 24): "VORBIS",
}  # fmt: skip
_MOST_CHANNELS: Final = {"flac": 8, "ogg": 255, "wav": 1024}
_TO_VORBIS: Final = {
    3: (0, 2, 1), 5: (0, 2, 1, 3, 4), 6: (0, 2, 1, 4, 5, 3), 7: (0, 2, 1, 5, 6, 4, 3),
    8: (0, 2, 1, 6, 7, 4, 5, 3),
}  # fmt: skip
"""Where Vorbis takes its channels from in the order of WAVE (Vorbis I specification, 4.3.9)."""
_WRITE_FRAMES: Final = 8192  # libsndfile's Vorbis encoder overflows its stack on long writes.
_WAV_BYTES: Final = 0xFFFFFFFF - 4096


class AudioWriter:
    """Writes one file; use it in a ``with``. After an error no file is left.

    :param path: file that does not exist yet.
    :param rate: frames per second.
    :param bits: per sample, of FLAC and WAV; Vorbis has none.
    :param quality: of Vorbis, 0 to 10 as its tools count; None = libsndfile's default, which is 4.
    :param frames: how many will come, if known: a WAV past 4 GB needs the RF64 form.
    """

    def __init__(
        self,
        path: Path,
        *,
        format: AudioFormat,
        rate: int,
        channels: int,
        bits: int = 16,
        quality: float | None = None,
        frames: int = 0,
    ) -> None:
        most = _MOST_CHANNELS[format]
        if channels > most:
            raise StepError(
                f"{format} holds at most {most} channels and this has {channels}; "
                "choose format wav, or channels 1 or 2"
            )
        self._path, self._format, self._closed = path, format, False
        self._order = _TO_VORBIS.get(channels) if format == "ogg" else None
        large = format == "wav" and frames * channels * bits // 8 > _WAV_BYTES
        self._sink = _Sink(path)
        try:
            self._file = soundfile.SoundFile(
                self._sink, "w", samplerate=rate, channels=channels,
                format="RF64" if large else format.upper(), subtype=_SUBTYPES[format, bits],
                compression_level=None if quality is None or format != "ogg" else 1 - quality / 10,
            )  # fmt: skip
        except soundfile.LibsndfileError as error:
            self._abandon()
            self._sink.check()
            raise StepError(
                f"cannot write {channels} channels at {rate} Hz as {format}: {error.error_string}"
            ) from error

    def write(self, block: Block) -> None:
        """Append a block of shape (frames, channels), in the order of WAVE; beyond full scale it clips.

        :raises StorageError: when the disk says no.
        """
        if self._order is not None:
            block = block[:, self._order]
        try:
            for start in range(0, len(block), _WRITE_FRAMES):
                self._file.write(block[start : start + _WRITE_FRAMES])
        except (soundfile.LibsndfileError, AssertionError) as error:  # the latter for a short write
            self._sink.check()
            raise StepError(f"cannot encode {self._format}: {error}") from error

    def remove(self) -> None:
        """Remove the file, which has been closed."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Finish the file; raises StorageError when not all of it could be written."""
        if self._closed:
            return
        self._closed = True
        self._file.close()
        self._sink.close()
        self._sink.check()
        if self._format == "ogg":
            set_serial(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._file.close()
            self._abandon()
            return
        try:
            self.close()
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        self._sink.close()
        self._path.unlink(missing_ok=True)


class _Sink:
    """The file under an encoder; it keeps the first error, which libsndfile would swallow on closing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._error: OSError | None = None
        try:
            self._file = path.open("w+b")
        except OSError as error:
            raise StorageError(f"cannot write {path.name}: {error.strerror}") from error

    def check(self) -> None:
        if self._error is not None:
            raise StorageError(f"cannot write {self._path.name}: {self._error.strerror}") from self._error

    def write(self, data: bytes) -> int:
        if self._error is None:
            try:
                return self._file.write(data)
            except OSError as error:
                self._error = error
        return 0

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as error:  # A seek flushes what is buffered.
            self._error = self._error or error
            return -1

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Leave it to the buffer: closing flushes."""

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self._error = self._error or error
