"""Synthetic media: signals whose features are known, and files that break decoders.

Samples are float32 arrays of shape (frames, channels), full scale ±1, and the same at every call.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.float32]

RATE = 44_100


def tone(
    hertz: float,
    seconds: float,
    *,
    rate: int = RATE,
    dbfs: float = -20.0,
    channels: int = 1,
    phase_deg: float = 0,
) -> Samples:
    """A sine whose peak is ``dbfs`` in every channel."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * time + np.deg2rad(phase_deg))
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def noise(
    seconds: float, *, rate: int = RATE, dbfs: float = -30.0, channels: int = 1, seed: int = 0
) -> Samples:
    """White noise with an RMS of ``dbfs``."""
    drawn = np.random.default_rng(seed).standard_normal((round(seconds * rate), channels))
    return (10 ** (dbfs / 20) * drawn).astype(np.float32)


def click_track(
    bpm: float, seconds: float, *, rate: int = 22_050, first_s: float = 0.5
) -> tuple[Samples, npt.NDArray[np.float64]]:
    """Short 1 kHz bursts over faint noise, and when they begin."""
    times = np.arange(first_s, seconds - 0.5, 60 / bpm)
    burst = np.arange(round(0.05 * rate)) / rate
    burst = np.sin(2 * np.pi * 1000 * burst) * np.exp(-80 * burst)
    samples = noise(seconds, rate=rate, dbfs=-60)
    _add(samples, times, burst, rate)
    return samples, times


def song(
    bpm: float, seconds: float, *, rate: int = RATE, seed: int = 0
) -> tuple[Samples, npt.NDArray[np.float64]]:
    """Stereo kick, snare, hi-hat, bass and chords in 4/4, and when the beats are."""
    drawn = np.random.default_rng(seed)
    beats = np.arange(0.25, seconds - 0.1, 60 / bpm)
    samples = np.zeros((round(seconds * rate), 2), np.float32)
    time = np.arange(round(0.25 * rate)) / rate
    kick = 0.6 * np.sin(2 * np.pi * 55 * time + 8 * np.exp(-60 * time)) * np.exp(-18 * time)
    snare = 0.25 * drawn.standard_normal(len(time)) * np.exp(-30 * time)
    hat = 0.06 * drawn.standard_normal(len(time)) * np.exp(-120 * time)
    _add(samples, beats[0::2], kick, rate)
    _add(samples, beats[1::2], snare, rate)
    _add(samples, np.concatenate([beats, beats + 30 / bpm]), hat, rate)
    bar = np.arange(round(4 * 60 / bpm * rate)) / rate
    for number, start in enumerate(beats[::4]):
        root = 110 * 2 ** ((0, 9, 5, 7)[number % 4] / 12)
        chord = sum(np.sin(2 * np.pi * root * 2 ** (half / 12) * bar) for half in (0, 12, 16, 19))
        _add(samples, [start], 0.05 * chord * np.exp(-bar), rate)
    samples[:, 1] *= 0.9
    return samples, beats


def write_audio(
    path: Path, samples: Samples, *, rate: int = RATE, format: str | None = None, subtype: str | None = None
) -> Path:
    """Write ``samples`` with libsndfile; the format follows from the suffix unless given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    format = format or path.suffix[1:].upper()
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], subtype, format=format) as file:
        for start in range(0, len(samples), 8192):
            file.write(samples[start : start + 8192])
    return path


def write_av(
    path: Path,
    samples: Samples,
    *,
    rate: int = RATE,
    codec: str,
    format: str,
    options: dict[str, str] | None = None,
    lost_s: float = 0.0,
) -> Path:
    """Write ``samples`` with FFmpeg, e.g. ``codec="aac", format="mp4"``.

    :param lost_s: of time in the middle, for which there are no packets.
    """
    import av

    layout = "mono" if samples.shape[1] == 1 else "stereo"
    with av.open(str(path), "w", format=format, options=options or {}) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout, bit_rate=128_000)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate = rate
        size = stream.codec_context.frame_size or 1024
        fit = av.AudioResampler(stream.codec_context.format, layout, rate, frame_size=size)
        done = 0
        for part in [*fit.resample(frame), *fit.resample(None), None]:
            if lost_s and part is not None:
                part.pts = done + (round(lost_s * rate) if 2 * done >= len(samples) else 0)
                part.time_base = Fraction(1, rate)
                done += part.samples
            file.mux(stream.encode(part))
    return path


def truncate(path: Path, part: float = 0.6) -> Path:
    """Cut the end off a file."""
    whole = path.read_bytes()
    path.write_bytes(whole[: math.ceil(part * len(whole))])
    return path


def zero_bytes(folder: Path) -> Path:
    """A file of no bytes under an audio name."""
    path = folder / "zero_bytes.ogg"
    path.write_bytes(b"")
    return path


def text_named_mp3(folder: Path) -> Path:
    """Text under an audio name."""
    path = folder / "text.mp3"
    path.write_text("These are words and no sound.\n" * 100)
    return path


def truncated_ogg(folder: Path) -> Path:
    """The first 60 % of five seconds."""
    return truncate(write_audio(folder / "truncated.ogg", song(120, 5)[0]))


def one_sample_wav(folder: Path) -> Path:
    """One frame, mono."""
    return write_audio(folder / "one_sample.wav", np.array([[0.5]], np.float32))


def twelve_channel_wav(folder: Path) -> Path:
    """Three seconds; channel ``k`` is a sine at ``100 * (k + 1)`` Hz."""
    parts = [tone(100 * (channel + 1), 3) for channel in range(12)]
    return write_audio(folder / "twelve_channels.wav", np.concatenate(parts, axis=1))


def nan_wav(folder: Path) -> Path:
    """A second of tone with one sample that is not a number, at 0.5 s in the second channel."""
    samples = tone(440, 1, channels=2)
    samples[RATE // 2, 1] = np.nan
    return write_audio(folder / "nan.wav", samples, subtype="FLOAT")


def infinite_wav(folder: Path) -> Path:
    """A second of tone with one infinite sample."""
    samples = tone(440, 1)
    samples[100] = np.inf
    return write_audio(folder / "infinite.wav", samples, subtype="FLOAT")


def two_hours_claimed_wav(folder: Path) -> Path:
    """A header for two hours of stereo before a thousand bytes."""
    path = folder / "two_hours.wav"
    claimed = 2 * 3600 * RATE * 4
    form = struct.pack("<HHIIHH", 1, 2, RATE, RATE * 4, 4, 16)
    header = b"RIFF" + struct.pack("<I", claimed + 36) + b"WAVEfmt " + struct.pack("<I", len(form)) + form
    path.write_bytes(header + b"data" + struct.pack("<I", claimed) + bytes(range(250)) * 4)
    return path


def two_hours_claimed_flac(folder: Path) -> Path:
    """A FLAC header for two hours before a kilobyte of sound."""
    path = write_audio(folder / "two_hours.flac", noise(0.05))
    data = bytearray(path.read_bytes())
    claimed = 2 * 3600 * RATE
    data[21] = data[21] & 0xF0 | claimed >> 32  # STREAMINFO: 36 bits of total samples end at byte 26
    data[22:26] = (claimed & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(data)
    return path


UNDECODABLE: dict[str, Callable[[Path], Path]] = {
    "zero bytes": zero_bytes,
    "text named mp3": text_named_mp3,
    "truncated ogg": truncated_ogg,
    "NaN samples": nan_wav,
    "infinite samples": infinite_wav,
    "two hours claimed by a wav header": two_hours_claimed_wav,
    "two hours claimed by a flac header": two_hours_claimed_flac,
}
"""Files that no step can read, by what is wrong with them; each function writes one into a folder."""


def _add(
    samples: Samples, times: npt.NDArray[np.float64] | list[float], sound: npt.NDArray[np.floating], rate: int
) -> None:
    for time in times:
        start = round(time * rate)
        part = sound[: max(0, len(samples) - start)]
        samples[start : start + len(part)] += part[:, None].astype(np.float32)
