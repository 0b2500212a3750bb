"""Videos in which every frame shows its number, and files that are no videos."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.pictures import quarters
from tests.samples import Samples, text_named_mp3, tone, truncate
from tests.step_calls import call_step

RATE = 48_000
BITS = 10
"""Squares at the top of a frame, white for a one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """An audio track: samples of shape (frames, channels) and what they become.

    :param late_s: when they begin.
    """

    samples: Samples
    codec: str = "pcm_s16le"
    language: str = ""
    rate: int = RATE
    late_s: float = 0.0


def numbered(number: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Frame ``number``: squares of its bits above, coloured quarters below."""
    width, height = size
    image = quarters(width, height)
    side = width // BITS
    for place in range(BITS):
        colour = (255, 255, 255) if number >> place & 1 else (0, 0, 0)
        image.paste(colour, (place * side, 0, (place + 1) * side, side))
    return image


def number_of(frame: Image.Image) -> int:
    """Return the number that a frame shows, of any size."""
    grey = np.asarray(frame.convert("L"), float)
    side = frame.width / BITS
    squares = [grey[int(side / 2), int((place + 0.5) * side)] for place in range(BITS)]
    return sum(1 << place for place, value in enumerate(squares) if value > 128)


def write_numbered(
    path: Path,
    *,
    frames: int = 96,
    fps: int | Fraction = 24,
    shown: Sequence[int] = (),
    gop: int = 12,
    codec: str = "libx264",
    format: str | None = None,
    size: tuple[int, int] = (160, 120),
    sounds: Sequence[Sound] = (),
    rotation: int = 0,
    mirrored: bool = False,
    pixels: str = "yuv420p",
    header_first: bool = False,
    **options: str,
) -> Path:
    """Write a video with a key frame every ``gop`` frames.

    :param shown: when each frame is, counted in frames of ``fps``; evenly when not given.
    :param rotation: by how many degrees clockwise a player shall turn it.
    :param mirrored: left and right, before it is turned.
    :param header_first: of MP4, so that a file that is cut still has it.
    """
    how = {"fflags": "+bitexact", **({"movflags": "faststart"} if header_first else {})}
    with av.open(str(path), "w", format=format, options=how) as file:
        settings = {"sc_threshold": "0", "keyint_min": str(gop)} if codec == "libx264" else {}
        video = file.add_stream(codec, rate=fps, options={**settings, **options})
        video.width, video.height, video.pix_fmt = *size, pixels
        video.codec_context.gop_size, video.codec_context.thread_count = gop, 1
        video.bit_rate = 2_000_000
        if rotation or mirrored:
            video.set_display_matrix(_matrix(rotation, mirrored))
        tracks = [(_track(file, sound), sound) for sound in sounds]
        for number, place in enumerate(shown or range(frames)):
            picture = _picture(numbered(number, size), pixels)
            picture.pts, picture.time_base = place, 1 / Fraction(fps)
            file.mux(video.encode(picture))
        file.mux(video.encode(None))
        for stream, sound in tracks:
            _write_sound(file, stream, sound)
    return path


def repeated(path: Path, source: Path, times: int) -> Path:
    """Write the packets of a video so many times one after the other."""
    with av.open(str(source)) as read, av.open(str(path), "w") as file:
        copies = {stream.index: file.add_stream_from_template(stream) for stream in read.streams}
        packets = [packet for packet in read.demux() if packet.dts is not None]
        lengths = {
            index: max(
                packet.dts + (packet.duration or 0) for packet in packets if packet.stream_index == index
            )
            for index in copies
        }
        for turn in range(times):
            read.seek(0)
            for packet in read.demux():
                if packet.dts is None:
                    continue
                late = turn * lengths[packet.stream_index]
                packet.pts, packet.dts = packet.pts + late, packet.dts + late
                packet.stream = copies[packet.stream_index]
                file.mux(packet)
    return path


def _matrix(rotation: int, mirrored: bool) -> list[int]:
    across, down = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation]
    right = -1 if mirrored else 1
    one = 1 << 16
    return [right * across * one, right * down * one, 0, -down * one, across * one, 0, 0, 0, 1 << 30]


def _picture(image: Image.Image, pixels: str) -> av.VideoFrame:
    if pixels != "pal8":
        return av.VideoFrame.from_image(image).reformat(format=pixels)
    few = image.quantize(palette=numbered(1).quantize(16))
    colours = np.full((256, 4), 255, np.uint8)  # alpha first
    colours[:, 1:] = np.resize(few.getpalette(), (256, 3))
    return av.VideoFrame.from_ndarray((np.asarray(few), colours), format="pal8")


def write_sound(file, sound: Sound) -> None:
    """Write an audio track into a file that has no other."""
    _write_sound(file, _track(file, sound), sound)


def _track(file, sound: Sound):
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[sound.samples.shape[1]]
    stream = file.add_stream(sound.codec, rate=sound.rate, layout=layout)
    if sound.language:
        stream.metadata["language"] = sound.language
    return stream


def _write_sound(file, stream, sound: Sound) -> None:
    layout = stream.codec_context.layout.name
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(sound.samples).reshape(1, -1), format="flt", layout=layout
    )
    frame.sample_rate, frame.pts = sound.rate, round(sound.late_s * sound.rate)
    frame.time_base = Fraction(1, sound.rate)
    size = stream.codec_context.frame_size or 1024
    fit = av.AudioResampler(stream.codec_context.format, layout, sound.rate, frame_size=size)
    for part in [*fit.resample(frame), *fit.resample(None), None]:
        file.mux(stream.encode(part))


def zero_bytes(folder: Path) -> Path:
    """A file of no bytes under a video's name."""
    path = folder / "zero.mp4"
    path.touch()
    return path


def truncated_mp4(folder: Path) -> Path:
    """The first 60 % of four seconds."""
    sound = Sound(samples=tone(440, 4, rate=RATE))
    return truncate(write_numbered(folder / "cut.mov", sounds=[sound]))


def playlist(folder: Path) -> Path:
    """A list of other files, as FFmpeg would follow it."""
    path = folder / "list.ts"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n")
    return path


def concatenation(folder: Path) -> Path:
    """FFmpeg's own list of files."""
    path = folder / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile '/etc/hostname'\n")
    return path


def sound_alone(folder: Path) -> Path:
    """A WAV file, which is no container of video."""
    from tests.samples import write_audio

    return write_audio(folder / "sound.wav", tone(440, 1)).rename(folder / "sound.mp4")


UNDECODABLE: dict[str, Callable[[Path], Path]] = {
    "zero bytes": zero_bytes,
    "text": text_named_mp3,
    "truncated mov": truncated_mp4,
    "playlist": playlist,
    "ffconcat": concatenation,
    "sound alone": sound_alone,
}
"""Files that no step over videos can read, by what is wrong with them."""


def probe(path, **params):
    return call_step("video_probe", params, video=path)[0]


def keyframes(path):
    return call_step("keyframes", video=path)[0]


def sheet(path, **params):
    """Return the sheet as an image."""
    return Image.open(io.BytesIO(call_step("thumbnails_sheet", {"gap_px": 0, **params}, video=path)[0]))


def tiles(picture, columns, rows):
    """Cut a sheet into its pictures, row by row."""
    width, height = picture.width // columns, picture.height // rows
    return [
        picture.crop((column * width, row * height, (column + 1) * width, (row + 1) * height))
        for row in range(rows)
        for column in range(columns)
    ]
