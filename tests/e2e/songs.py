"""Songs in the formats that catalogs have; excerpts of real ones where the machine has them."""

from __future__ import annotations

import io
from typing import Any

from tests.integration.songs import RATE
from tests.real_songs import real_songs

BY_SOUNDFILE = {
    "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS"), "mp3": ("MP3", "MPEG_LAYER_III"),
    "flac": ("FLAC", "PCM_16"), "wav": ("WAV", "PCM_16"), "aiff": ("AIFF", "PCM_24"),
}  # fmt: skip
BY_FFMPEG = {
    "m4a": ("mp4", "aac"), "wma": ("asf", "wmav2"), "mka": ("matroska", "ac3"), "webm": ("webm", "libopus"),
    "aac": ("adts", "aac"),
}  # fmt: skip
FORMATS = (*BY_SOUNDFILE, *BY_FFMPEG)

KINDS_OF_REAL = ("ogg", "mp3", "flac", "m4a", "wav", "wma")

OPUS_RATE, USUAL_RATE = 48_000, 44_100


def make_song(item: str, number: int, *, seconds: float = 2.0) -> bytes:
    """Return a song of clicks over a tone in the format that the item's name says."""
    import numpy as np

    kind = item.rpartition(".")[2]
    rate = OPUS_RATE if kind in ("opus", "webm") else USUAL_RATE if kind in BY_FFMPEG else RATE
    time = np.arange(int(seconds * rate)) / rate
    tone = 0.2 * np.sin(2 * np.pi * (220 + 7 * number) * time)
    clicks = 0.6 * np.exp(-40 * (time % 0.5))
    return encode((tone + clicks * tone).astype(np.float32), rate, kind)


def real_excerpts(*, seconds: float = 3.0) -> dict[str, bytes]:
    """Return the middle of a few real songs by file name, in as many formats; none where there are none."""
    import soundfile

    long = [path for path in real_songs() if soundfile.info(path).duration > 10 * seconds]
    excerpts = {}
    for path, kind in zip(long[:: max(len(long) // len(KINDS_OF_REAL), 1)], KINDS_OF_REAL, strict=False):
        with soundfile.SoundFile(path) as song:
            song.seek(song.frames // 2)
            samples = song.read(int(seconds * song.samplerate), dtype="float32", always_2d=True)
            excerpts[f"{path.stem}.{kind}"] = encode(samples.mean(axis=1), song.samplerate, kind)
    return excerpts


def encode(samples: Any, rate: int, kind: str) -> bytes:
    """Return samples as a file of a format."""
    import soundfile

    file = io.BytesIO()
    if kind in BY_SOUNDFILE:
        format, subtype = BY_SOUNDFILE[kind]
        soundfile.write(file, samples, rate, format=format, subtype=subtype)
    else:
        _encode_by_ffmpeg(file, samples, rate, *BY_FFMPEG[kind])
    return file.getvalue()


def _encode_by_ffmpeg(file: io.BytesIO, samples: Any, rate: int, container: str, codec: str) -> None:
    import av

    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate = rate
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = 128_000
        output.mux([*stream.encode(frame), *stream.encode(None)])
