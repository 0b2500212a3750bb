"""The files that steps are measured on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from beam_jobs.contract.step import load_step
from tests.real_songs import real_songs

SLOW = {"pitch": 30, "separate_vocals": 60, "instrumentalness": 60}
"""Steps that take long: seconds of each song that they get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file.

    :param seconds: it plays so long; a picture counts for one.
    :param unit: ``minute`` of playing, or ``60 pictures``.
    """

    path: Path
    seconds: float
    unit: str = "minute"


def samples_for(step: str, folder: Path, *, songs: int) -> list[Sample]:
    """Return files that the step takes."""
    kind = load_step(step).takes[0].name
    if kind == "image":
        return _pictures(folder)
    if kind == "video":
        return _videos(folder)
    return _songs(folder, songs, SLOW.get(step))


def first_seconds(folder: Path, *, seconds: int = 10) -> Path:
    """Return a short piece of a song."""
    return _songs(folder, 1, seconds)[0].path


def _songs(folder: Path, songs: int, seconds: int | None) -> list[Sample]:
    import soundfile

    found = [
        path for path in real_songs() if 60 < soundfile.info(path).duration < 400 and _anyone_reads(path)
    ]
    if len(found) < songs:
        sys.exit("the real songs are not there; run scripts/real_songs.sh")
    chosen = [found[number * len(found) // songs] for number in range(songs)]
    if seconds is None:
        return [Sample(path=path, seconds=soundfile.info(path).duration) for path in chosen]
    return [Sample(path=_part(path, folder, seconds), seconds=seconds) for path in chosen]


def _anyone_reads(path: Path) -> bool:
    """Tell whether FFmpeg opens it too: some Ogg files are read by libsndfile alone."""
    import av

    try:
        with av.open(str(path)):
            return True
    except av.FFmpegError:
        return False


def _part(path: Path, folder: Path, seconds: int) -> Path:
    import soundfile

    part = folder / f"{path.stem} {seconds}.flac"
    if not part.exists():
        rate = soundfile.info(path).samplerate
        samples, _ = soundfile.read(path, start=20 * rate, frames=seconds * rate)
        soundfile.write(part, samples, rate)
    return part


@cache
def _pictures(folder: Path) -> list[Sample]:
    """Make photographs of twelve megapixels: noise over gradients, as JPEG."""
    import numpy as np
    from PIL import Image

    found = []
    for seed in range(3):
        random = np.random.default_rng(seed)
        ramp = np.linspace(0, 180, 4000)[None, :, None] * np.linspace(0.3, 1, 3000)[:, None, None]
        pixels = (ramp + random.normal(30, 8, (3000, 4000, 3))).clip(0, 255).astype(np.uint8)
        path = folder / f"picture {seed}.jpg"
        Image.fromarray(pixels).save(path, quality=90)
        found.append(Sample(path=path, seconds=1, unit="60 pictures"))
    return found


@cache
def _videos(folder: Path) -> list[Sample]:
    """Make a minute of 640 x 360 with sound."""
    import av
    import numpy as np

    path = folder / "video.mp4"
    seconds, fps, rate = 60, 25, 44_100
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as file:
        video: Any = file.add_stream("mpeg4", rate=fps)
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        sound: Any = file.add_stream("aac", rate=rate)
        base = random.integers(0, 255, (360, 640, 3), np.uint8)
        for number in range(seconds * fps):
            frame = av.VideoFrame.from_ndarray(np.roll(base, 4 * number, axis=1), format="rgb24")
            file.mux(video.encode(frame))
        for start in range(0, seconds * rate, 1024):
            wave = np.sin(2 * np.pi * 440 * (start + np.arange(1024)) / rate)[None].astype(np.float32)
            both = np.repeat(0.3 * wave, 2, axis=0)
            audio = av.AudioFrame.from_ndarray(both, format="fltp", layout="stereo")
            audio.sample_rate, audio.pts = rate, start
            file.mux(sound.encode(audio))
        file.mux(video.encode(None))
        file.mux(sound.encode(None))
    return [Sample(path=path, seconds=seconds)] * 3
