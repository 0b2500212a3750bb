"""Songs and speech for the demo, made on the spot: synthesised bands of known tempo, and a reading voice.

Everything is deterministic, so a second run finds the same files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from scripts.demo_voice import speak

RATE = 44_100
Signal = npt.NDArray[np.float64]

MAJOR, MINOR = (0, 4, 7), (0, 3, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """One piece.

    :param bpm: beats per minute.
    :param root: MIDI note of the home chord.
    :param chords: semitones above the root and the chord's notes, one chord per bar of four beats.
    :param kick: beats of a bar, from 0.
    :param swing: how late each second eighth is, in eighths.
    :param hats: eighths of a bar, from 0; ``bass`` likewise.
    """

    item: str
    bpm: float
    root: int
    chords: Sequence[tuple[int, tuple[int, ...]]]
    kick: Sequence[float] = (0, 2)
    snare: Sequence[float] = (1, 3)
    swing: float = 0.0
    bright: float = 0.6
    drums: float = 1.0
    hats: Sequence[int] = range(8)
    bass: Sequence[int] = (0, 3, 4, 6)


SONGS = (
    Song(item="rock/open_road", bpm=124, root=45, chords=((0, MINOR), (8, MAJOR), (3, MAJOR), (10, MAJOR))),
    Song(
        item="house/night_drive", bpm=126, root=41, kick=(0, 1, 2, 3), snare=(1, 3), bright=0.8,
        chords=((0, MINOR), (0, MINOR), (5, MINOR), (7, MINOR)),
    ),
    Song(
        item="jazz/late_train", bpm=148, root=48, swing=0.33, kick=(0,), snare=(), drums=0.5,
        chords=((2, (0, 3, 7, 10)), (7, (0, 4, 7, 10)), (0, (0, 4, 7, 11)), (9, (0, 4, 7, 10))),
    ),
    Song(
        item="hiphop/side_street", bpm=88, root=43, kick=(0, 0.75, 2.5), snare=(1, 3), bright=0.4,
        chords=((0, MINOR), (10, MAJOR), (8, MAJOR), (10, MAJOR)),
    ),
    Song(
        item="ballad/paper_boats", bpm=72, root=48, drums=0.6, bright=0.3, hats=(0, 2, 4, 6), bass=(0, 4),
        chords=((0, MAJOR), (9, MINOR), (5, MAJOR), (7, MAJOR)),
    ),
    Song(
        item="drum_and_bass/rapids", bpm=172, root=40, kick=(0, 2.5), snare=(1, 3), bright=0.9,
        chords=((0, MINOR), (0, MINOR), (8, MAJOR), (10, MAJOR)),
    ),
)  # fmt: skip

SPEECH = {
    "speech/on_planning": "A plan asks the storage once, in bulk. Then it knows, for each song and each job, "
    "what is there, what is missing, and what must run first. Only the parents on the line are woken. "
    "The siblings sleep on.",
    "speech/on_reports": "Whatever becomes of a file, one row says so. Done, present, failed, or blocked. "
    "Nothing is dropped in silence. And if the lights go out in the middle, you start again, and nothing is "
    "done twice.",
}


def make_songs(folder: Path, *, seconds: float = 24.0, count: int | None = None) -> list[Path]:
    """Write the demo's songs and speech as OGG Vorbis, those that are not there yet; return all paths.

    :param seconds: length of a song; a speech is as long as its text.
    :param count: only so many songs.
    """
    paths = []
    for song in SONGS[:count]:
        path = folder / f"{song.item}.ogg"
        paths.append(path)
        if not path.exists():
            write(path, play(song, seconds), RATE)
    for item, text in SPEECH.items():
        path = folder / f"{item}.ogg"
        paths.append(path)
        if not path.exists():
            voice, rate = speak(text)
            write(path, np.stack([voice, voice], axis=1), rate)
    return paths


def write(path: Path, signal: Signal, rate: int) -> None:
    """Write a file as a whole or not at all; long blocks at once crash some versions of libsndfile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part-{path.name}")
    with soundfile.SoundFile(part, "w", rate, signal.shape[1], format="OGG", subtype="VORBIS") as file:
        for start in range(0, len(signal), rate):
            file.write(signal[start : start + rate])
    part.replace(path)


def play(song: Song, seconds: float) -> Signal:
    """Return a song as frames x 2: drums, bass, chords and a melody on a pentatonic scale."""
    random = np.random.default_rng(sum(song.item.encode()))
    left, right = (np.zeros(int(seconds * RATE) + 4 * RATE) for _ in range(2))
    beat = 60 / song.bpm
    for bar in range(int(seconds / (4 * beat)) + 1):
        start = bar * 4 * beat
        degree, notes = song.chords[bar % len(song.chords)]
        chord = [song.root + 12 + degree + note for note in notes]
        fill = bar % 4 == 3  # noqa: PLR2004 - the last of four
        for at in song.kick:
            add(left, right, kick(), start + at * beat, 0.9 * song.drums)
        for at in (*song.snare, *((3.5, 3.75) if fill and song.snare else ())):
            add(left, right, snare(random), start + at * beat, 0.5 * song.drums, pan=0.1)
        for eighth in range(8):
            late = song.swing / 2 if eighth % 2 else 0.0
            at = start + (eighth / 2 + late) * beat
            if eighth in song.hats:
                add(left, right, hat(random), at, (0.16 if eighth % 2 else 0.22) * song.drums, pan=-0.3)
            if eighth in song.bass:
                add(left, right, bass(song.root - 12 + degree, beat / 2), at, 0.45)
        for index, note in enumerate(chord):
            add(left, right, pad(note, 4 * beat, song.bright), start, 0.11, pan=index / 2 - 0.5)
        if bar % 8 >= 2:  # noqa: PLR2004 - two bars of rest in eight
            melody(left, right, song, chord, start, beat, random)
    mix = np.stack([left, right], axis=1)[: int(seconds * RATE)]
    mix[: RATE // 100] *= np.linspace(0, 1, RATE // 100)[:, None]
    mix[-2 * RATE :] *= np.linspace(1, 0, 2 * RATE)[:, None] ** 2
    return np.tanh(mix) * 0.5


def melody(
    left: Signal,
    right: Signal,
    song: Song,
    chord: list[int],
    start: float,
    beat: float,
    random: np.random.Generator,
) -> None:
    """Add one bar of a plucked tune that mostly stays on the chord."""
    at = 0.0
    while at < 4:  # noqa: PLR2004 - beats
        length = float(random.choice([0.5, 0.5, 1.0]))
        if random.random() < 0.75:  # noqa: PLR2004
            note = int(random.choice(chord)) + 12 + int(random.choice([0, 0, 2, 12]))
            late = song.swing / 2 if at % 1 else 0.0
            add(left, right, pluck(note, length * beat * 1.5), start + (at + late) * beat, 0.2, pan=0.25)
        at += length


def add(left: Signal, right: Signal, sound: Signal, at: float, gain: float, pan: float = 0.0) -> None:
    """Mix a sound in at a time in seconds; pan -1 is left, 1 is right, at equal power."""
    first = int(at * RATE)
    angle = (pan + 1) * np.pi / 4
    for channel, part in ((left, np.cos(angle)), (right, np.sin(angle))):
        room = channel[first : first + len(sound)]
        room += gain * part * 1.414 * sound[: len(room)]


def _time(seconds: float) -> Signal:
    return np.arange(int(seconds * RATE)) / RATE


def _hertz(note: float) -> float:
    return float(440 * 2 ** ((note - 69) / 12))


def kick() -> Signal:
    """A sine that falls from 150 to 45 Hz."""
    t = _time(0.3)
    return np.sin(2 * np.pi * (45 * t + 105 / 30 * (1 - np.exp(-30 * t)))) * np.exp(-11 * t)


def snare(random: np.random.Generator) -> Signal:
    """Noise over a short tone."""
    t = _time(0.2)
    return 0.8 * random.standard_normal(len(t)) * np.exp(-24 * t) + 0.5 * np.sin(
        2 * np.pi * 190 * t
    ) * np.exp(-30 * t)


def hat(random: np.random.Generator) -> Signal:
    """High noise: the difference of neighbouring samples lifts the treble."""
    t = _time(0.06)
    return np.diff(random.standard_normal(len(t) + 1)) * np.exp(-70 * t)


def bass(note: float, seconds: float) -> Signal:
    """A few harmonics, low."""
    t = _time(seconds)
    tone = sum(np.sin(2 * np.pi * _hertz(note + 12) * k * t) / k**1.6 for k in range(1, 6))
    return np.asarray(tone) * np.minimum(1, 200 * t) * np.exp(-3 * t)


def pad(note: float, seconds: float, bright: float) -> Signal:
    """Two detuned voices that swell and fade."""
    t = _time(seconds)
    tone = sum(
        np.sin(2 * np.pi * _hertz(note + cents / 100) * k * t + k) * bright ** (k - 1) / k
        for cents in (-6, 6)
        for k in range(1, 8)
    )
    return np.asarray(tone) * np.minimum(1, 6 * t) * np.minimum(1, 6 * (seconds - t))


def pluck(note: float, seconds: float) -> Signal:
    """A string: the higher the harmonic, the sooner it is gone."""
    t = _time(seconds)
    tone = sum(np.sin(2 * np.pi * _hertz(note) * k * t) * np.exp(-2.2 * k * t) / k for k in range(1, 9))
    return np.asarray(tone) * np.minimum(1, 400 * t) * np.minimum(1, 30 * (seconds - t))
