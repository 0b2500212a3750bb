"""Small whole files of every format: what the mutations start from. The same bytes at every call."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.samples import Samples, song, write_audio, write_av

RATE = 22_050
SECONDS = 1.2
FRAME = (96, 64)


def _music(rate: int = RATE, seconds: float = SECONDS) -> Samples:
    return song(120, seconds, rate=rate)[0]


def _soundfile(path: Path, format: str, subtype: str | None = None) -> None:
    write_audio(path, _music(), rate=RATE, format=format, subtype=subtype)


def _av(path: Path, codec: str, format: str, *, rate: int = 44_100, **options: str) -> None:
    write_av(
        path,
        _music(rate),
        rate=rate,
        codec=codec,
        format=format,
        options={"fflags": "+bitexact", **options},
    )


def _wav_float(path: Path) -> None:
    """Write floats without the time that libsndfile notes beside their peak."""
    _soundfile(path, "WAV", "FLOAT")
    data = bytearray(path.read_bytes())
    at = data.index(b"PEAK") + 12
    data[at : at + 4] = bytes(4)
    path.write_bytes(data)


def _vorbis(path: Path) -> None:
    """Write Ogg Vorbis with serial number 1; libsndfile draws another one each time."""
    _soundfile(path, "OGG", "VORBIS")
    pages = [b"OggS" + page for page in path.read_bytes().split(b"OggS")[1:]]
    path.write_bytes(
        b"".join(ogg_page(page[:14] + b"\1\0\0\0" + page[18:22] + bytes(4) + page[26:]) for page in pages)
    )


def ogg_page(page: bytes) -> bytes:
    """Fill in an Ogg page's checksum (RFC 3533, 6)."""
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C11DB7 if checksum >> 31 else 0)) & 0xFFFFFFFF
    return page[:22] + checksum.to_bytes(4, "little") + page[26:]


AUDIO: dict[str, Callable[[Path], None]] = {
    "wav": lambda path: _soundfile(path, "WAV", "PCM_16"),
    "wav-float": _wav_float,
    "wav-adpcm": lambda path: _soundfile(path, "WAV", "IMA_ADPCM"),
    "w64": lambda path: _soundfile(path, "W64"),
    "aiff": lambda path: _soundfile(path, "AIFF"),
    "au": lambda path: _soundfile(path, "AU"),
    "caf": lambda path: _soundfile(path, "CAF"),
    "flac": lambda path: _soundfile(path, "FLAC"),
    "vorbis": _vorbis,
    "mp3": lambda path: _av(path, "libmp3lame", "mp3"),
    "mp3-unindexed": lambda path: _av(path, "libmp3lame", "mp3", write_xing="0"),
    "opus": lambda path: _av(path, "libopus", "ogg", rate=48_000),
    "opus-webm": lambda path: _av(path, "libopus", "webm", rate=48_000),
    "m4a": lambda path: _av(path, "aac", "mp4"),
    "alac": lambda path: _av(path, "alac", "mp4"),
    "aac": lambda path: _av(path, "aac", "adts"),
    "wma": lambda path: _av(path, "wmav2", "asf"),
    "mka": lambda path: _av(path, "libmp3lame", "matroska"),
}


def frame(number: int, size: tuple[int, int] = FRAME) -> np.ndarray:
    """Return a picture with edges, gradients and a little noise, of shape (height, width, 3)."""
    width, height = size
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    drawn = np.random.default_rng(number).integers(0, 16, (height, width, 3))
    waves = np.stack([across * 2 + 7 * number, down * 3, (across // 12 + down // 12 + number) % 2 * 200], -1)
    return ((waves + drawn) % 256).astype(np.uint8)


def _picture(path: Path, format: str, *, mode: str = "RGB", **options: object) -> None:
    Image.fromarray(frame(1)).convert(mode).save(path, format, **options)


def _moving(path: Path, format: str, **options: object) -> None:
    first, *others = (Image.fromarray(frame(number)) for number in range(4))
    first.save(path, format, save_all=True, append_images=others, duration=100, **options)


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned
    exif[0x010E] = "a description"
    return exif.tobytes()


IMAGES: dict[str, Callable[[Path], None]] = {
    "png": lambda path: _picture(path, "PNG"),
    "png-palette": lambda path: _picture(path, "PNG", mode="P"),
    "png-grey-alpha": lambda path: _picture(path, "PNG", mode="LA"),
    "apng": lambda path: _moving(path, "PNG"),
    "jpeg": lambda path: _picture(path, "JPEG", exif=_exif()),
    "jpeg-progressive": lambda path: _picture(path, "JPEG", progressive=True),
    "jpeg-cmyk": lambda path: _picture(path, "JPEG", mode="CMYK"),
    "webp": lambda path: _picture(path, "WEBP"),
    "webp-moving": lambda path: _moving(path, "WEBP", lossless=True),
    "gif": lambda path: _picture(path, "GIF", mode="P"),
    "gif-moving": lambda path: _moving(path, "GIF"),
    "tiff": lambda path: _picture(path, "TIFF"),
    "tiff-lzw": lambda path: _picture(path, "TIFF", compression="tiff_lzw"),
    "tiff-jpeg": lambda path: _picture(path, "TIFF", compression="jpeg"),
    "tiff-pages": lambda path: _moving(path, "TIFF"),
    "bmp": lambda path: _picture(path, "BMP"),
    "jp2": lambda path: _picture(path, "JPEG2000"),
    "ppm": lambda path: _picture(path, "PPM"),
    "avif": lambda path: _picture(path, "AVIF"),
}


def write_video(
    path: Path, codec: str, format: str, *, audio: str = "", frames: int = 24, pixels: str = "yuv420p"
) -> Path:
    """Write a short video, with sound when ``audio`` names a codec for it."""
    with av.open(str(path), "w", format=format, options={"fflags": "+bitexact"}) as file:
        video = file.add_stream(codec, rate=24)
        video.width, video.height, video.pix_fmt = *FRAME, pixels
        video.codec_context.thread_count = 1
        sound = file.add_stream(audio, rate=48_000, layout="stereo") if audio else None
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(frame(number), format="rgb24").reformat(format=pixels)
            file.mux(video.encode(picture))
        file.mux(video.encode(None))
        if sound is not None:
            data = av.AudioFrame.from_ndarray(_music(48_000).reshape(1, -1), format="flt", layout="stereo")
            data.sample_rate = 48_000
            size = sound.codec_context.frame_size or 1024
            fit = av.AudioResampler(sound.codec_context.format, "stereo", 48_000, frame_size=size)
            for part in [*fit.resample(data), *fit.resample(None), None]:
                file.mux(sound.encode(part))
    return path


def video_of_packets(packets: list[bytes]) -> bytes:
    """Return QuickTime video of PNG frames as they are given, under a header of 64 by 64."""
    file = io.BytesIO()
    with av.open(file, "w", format="mov", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("png", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "rgb24"
        for number, whole in enumerate(packets):
            packet = av.Packet(whole)
            packet.stream, packet.pts, packet.dts = stream, number, number
            packet.time_base, packet.is_keyframe = Fraction(1, 24), True
            out.mux(packet)
    return file.getvalue()


VIDEOS: dict[str, Callable[[Path], None]] = {
    "mp4": lambda path: write_video(path, "libx264", "mp4", audio="aac"),
    "mp4-silent": lambda path: write_video(path, "mpeg4", "mp4"),
    "mov": lambda path: write_video(path, "mjpeg", "mov", audio="pcm_s16le", pixels="yuvj420p"),
    "webm": lambda path: write_video(path, "libvpx-vp9", "webm", audio="libopus"),
    "webm-vp8": lambda path: write_video(path, "libvpx", "webm"),
    "mkv": lambda path: write_video(path, "libx264", "matroska", audio="ac3"),
    "mkv-ffv1": lambda path: write_video(path, "ffv1", "matroska"),
    "avi": lambda path: write_video(path, "mpeg4", "avi", audio="libmp3lame"),
    "flv": lambda path: write_video(path, "flv", "flv", audio="aac"),
    "ts": lambda path: write_video(path, "mpeg2video", "mpegts", audio="aac"),
    "mpeg": lambda path: write_video(path, "mpeg2video", "mpeg"),
}


def _beats(path: Path) -> None:
    found = {
        "tempo_bpm": 120.0,
        "beats_s": [0.25, 0.75, 1.25],
        "strengths": [1.0, 0.5, 0.7],
        "duration_s": 1.5,
    }
    path.write_bytes(json.dumps(found).encode())


DOCUMENTS: dict[str, Callable[[Path], None]] = {"beats": _beats}
"""What a step takes that is made by another step."""


def contents(make: Callable[[Path], None], folder: Path) -> bytes:
    """Return the bytes that ``make`` writes."""
    path = folder / "original"
    make(path)
    whole = path.read_bytes()
    path.unlink()
    return whole


def png_bytes(picture: Image.Image) -> bytes:
    """Return a picture as PNG."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
