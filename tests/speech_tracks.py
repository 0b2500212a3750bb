"""Speech and music at known places, spoken by eSpeak NG or by people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from scripts.demo_voice import speak

RATE = 16_000
Mono = npt.NDArray[np.float32]

TEXT = (
    "The quick brown fox jumps over the lazy dog, and nobody in the village seemed to mind. "
    "When we arrived at the station it was already dark. Seven trains had left before noon; "
    "the eighth was late, as it always is on Thursdays. Please remember to bring the keys. "
    "A catalogue of four hundred thousand songs needs careful listening. Why would anyone say that? "
    "Measure twice and cut once, my grandmother told us whenever she opened her toolbox. "
    "Good evening, and welcome to the programme. Tonight we speak about rivers, bridges and the sea. "
    "In nineteen sixty nine they walked on the moon, and the whole world was watching. "
    "Turn left after the church, then follow the narrow road until you see a white house. "
    "Rain is expected in the north, with winds of up to sixty kilometres an hour."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """Mono sound at :data:`RATE`, and where in it somebody speaks: ``(begin, end)`` in seconds."""

    samples: Mono
    speech_s: list[tuple[float, float]]

    def truth(self, step_s: float = 0.1) -> npt.NDArray[np.bool_]:
        """Tell for every ``step_s`` whether its middle is speech."""
        middles = (np.arange(int(len(self.samples) / RATE / step_s)) + 0.5) * step_s
        return np.array([any(begin <= at < end for begin, end in self.speech_s) for at in middles])


def spoken(voice: str, *, sentences: slice = slice(None), speed: int = 165, pitch: int = 50) -> Mono:
    """Let eSpeak NG read some sentences of :data:`TEXT`."""
    text = " ".join(TEXT.split(". ")[sentences])
    return at_rate(*speak(text, voice=voice, speed=speed, pitch=pitch))


def recorded(folder: Path, seconds: float, *, seed: int) -> Mono:
    """Put recordings of one speaker after each other, with short pauses.

    :param folder: holds ``.g722`` files of 16 kHz, as Debian's ``asterisk-core-sounds-*-g722`` do.
    """
    import av

    drawn = np.random.default_rng(seed)
    paths = sorted(path for path in folder.rglob("*.g722") if path.stat().st_size > 12_000)
    parts: list[Mono] = []
    while sum(map(len, parts)) < seconds * RATE:
        with av.open(str(paths[drawn.integers(len(paths))]), format="g722") as file:
            heard = np.concatenate([frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)])
        parts += [
            trimmed(heard.astype(np.float32) / 32_768),
            np.zeros(round(drawn.uniform(0.1, 0.5) * RATE), np.float32),
        ]
    return np.concatenate(parts)[: round(seconds * RATE)]


def music(path: Path, seconds: float, *, seed: int) -> Mono:
    """Return a part of a song, mono, from a random place."""
    info = soundfile.info(path)
    drawn = np.random.default_rng(seed)
    frames = round(seconds * info.samplerate)
    start = int(drawn.integers(0, max(1, info.frames - frames)))
    data, rate = soundfile.read(path, start=start, frames=frames, dtype="float32", always_2d=True)
    return at_rate(data.mean(axis=1), rate)


def track(background: Mono | None, voices: list[Mono], *, seconds: float, snr_db: float, seed: int) -> Track:
    """Lay stretches of speech over music.

    :param background: None = silence between the stretches.
    :param snr_db: level of the speech over that of the music, each by its mean power.
    """
    drawn = np.random.default_rng(seed)
    samples = np.zeros(round(seconds * RATE), np.float32)
    if background is not None:
        heard = levelled(background)[: len(samples)]
        samples[: len(heard)] = heard
    gaps = drawn.dirichlet(np.full(len(voices) + 1, 3.0)) * max(0.0, seconds - sum(map(len, voices)) / RATE)
    at, places = 0.0, []
    for gap, voice in zip(gaps, voices, strict=False):
        at += gap
        start = round(at * RATE)
        part = levelled(voice)[: max(0, len(samples) - start)] * 10 ** (snr_db / 20)
        samples[start : start + len(part)] += part
        places.append((start / RATE, (start + len(part)) / RATE))
        at += len(part) / RATE
    return Track(samples=samples / max(1.0, float(np.abs(samples).max())), speech_s=places)


def levelled(samples: Mono, dbfs: float = -26.0) -> Mono:
    """Give ``samples`` a mean power where they are not silent."""
    power = float(np.mean(samples[np.abs(samples) > 1e-4] ** 2)) if (np.abs(samples) > 1e-4).any() else 1.0
    return (samples * 10 ** (dbfs / 20) / np.sqrt(power)).astype(np.float32)


def at_rate(samples: npt.NDArray[np.floating], rate: int) -> Mono:
    """Resample to :data:`RATE`."""
    return np.asarray(soxr.resample(samples.astype(np.float32), rate, RATE), np.float32)


def trimmed(samples: Mono) -> Mono:
    """Cut silence off both ends."""
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[loud[0] : loud[-1] + 1] if loud.size else samples[:0]


def sung(seconds: float, *, seed: int) -> Mono:
    """Sing: vowels of three formants on notes of a scale, with vibrato, glides and consonants."""
    drawn = np.random.default_rng(seed)
    vowels = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
    root, tract, beat = drawn.uniform(130, 330), drawn.uniform(0.95, 1.2), drawn.uniform(0.22, 0.45)
    whole = np.zeros(round((seconds + 3) * RATE), np.float32)
    at, last = 0.3, root
    while at < seconds:
        length = beat * drawn.choice([1, 1, 2, 3])
        time = np.arange(round(length * RATE)) / RATE
        note = root * 2 ** (drawn.choice([-3, 0, 2, 4, 5, 7, 9, 12]) / 12)
        pitch = note * (last / note) ** np.exp(-time / 0.04)
        pitch = pitch * 2 ** (0.3 / 12 * np.sin(2 * np.pi * 5.6 * time) * np.minimum(1, time / 0.25))
        pitch = pitch * 2 ** (0.05 / 12 * np.cumsum(drawn.standard_normal(len(time))) / 20)
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        voice = np.zeros(len(time))
        formants = tract * np.array(vowels[drawn.integers(len(vowels))])
        for k in range(1, 40):
            around = np.exp(-(((k * pitch[:, None] - formants) / (90, 120, 180)) ** 2) / 2)
            voice += np.sin(k * phase) / k**0.7 * (around @ (1, 0.5, 0.25) + 0.02) * (k * pitch < RATE / 2.2)
        envelope = np.minimum(1, time / 0.03) * np.minimum(1, (length - time) / 0.05)
        hiss = 0.25 * drawn.standard_normal(len(time)) * np.exp(-((time - 0.03) ** 2) / 5e-4)
        if drawn.random() > 0.15:
            start = round(at * RATE)
            whole[start : start + len(time)] += (voice * envelope + hiss * (drawn.random() < 0.7)).astype(
                np.float32
            )
        at, last = at + length, note
    return levelled(whole[: round(seconds * RATE)])
