"""Music of General MIDI instruments whose beats and key are known, played by FluidSynth where it is there."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from tests.samples import Samples
from tests.tunes import Times

Note = tuple[float, float, int, int, int]
"""Beat, length in beats, channel, key, velocity. Channel 9 is drums."""

PROGRAMS = {0: 33, 1: 0, 2: 48, 3: 29}
"""Channel -> program: finger bass, piano, strings, overdriven guitar."""

KICK, RIM, SNARE, CLOSED_HAT, PEDAL_HAT, OPEN_HAT, RIDE = 36, 37, 38, 42, 44, 46, 51
_CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
_TICKS_PER_S = 960


def soundfont() -> Path | None:
    """Return a General MIDI sound font, or None; ``SOUNDFONT`` names another than the system's."""
    named = os.environ.get("SOUNDFONT")
    if named:
        return Path(named)
    return next(iter(sorted(Path("/usr/share/sounds/sf2").glob("*.sf2"))), None)


def can_play() -> bool:
    """Tell whether FluidSynth and a sound font are there."""
    return shutil.which("fluidsynth") is not None and soundfont() is not None


def play(notes: list[Note], beats: Times, *, rate: int = 44_100) -> Samples:
    """Return what FluidSynth plays.

    :param beats: seconds of beat 0, 1, …; notes between two beats are placed between them.
    """
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder, "song.mid")
        song.write_bytes(midi(notes, beats))
        return play_file(song, rate=rate)[: round((beats[-1] + 1) * rate)]


def play_file(song: Path, *, rate: int = 44_100) -> Samples:
    """Return what FluidSynth plays of a MIDI file; notes sound 5 to 10 ms after their time."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder, "song.wav")
        subprocess.run(
            ["fluidsynth", "-ni", "-q", "-g", "0.5", "-r", str(rate), "-F", sound, soundfont(), song],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        return soundfile.read(sound, dtype="float32", always_2d=True)[0]


def midi(notes: list[Note], beats: Times) -> bytes:
    """Return a MIDI file of one track."""
    place = np.arange(len(beats))
    events: list[tuple[int, int, bytes]] = [
        (0, 0, bytes([0xC0 | channel, program])) for channel, program in PROGRAMS.items()
    ]
    for beat, length, channel, key, velocity in notes:
        if beat + length > len(beats) - 1:
            continue
        begin, end = (round(_TICKS_PER_S * np.interp(at, place, beats)) for at in (beat, beat + length))
        events.append((begin, 2, bytes([0x90 | channel, key, velocity])))
        events.append((max(begin + 1, end), 1, bytes([0x80 | channel, key, 0])))
    track, now = b"\x00\xff\x51\x03" + (1_000_000).to_bytes(3, "big"), 0
    for tick, _, message in sorted(events):
        track += _variable(tick - now) + message
        now = tick
    track += b"\x00\xff\x2f\x00"
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, _TICKS_PER_S)
    return head + b"MTrk" + struct.pack(">I", len(track)) + track


def _variable(number: int) -> bytes:
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(0x80 | number & 0x7F)
    return bytes(reversed(parts))


def rock(bar: int, tonic: int, drawn: np.random.Generator) -> list[Note]:
    """Kick, snare, eighths on the hat and the bass, two chords of a guitar."""
    chord = [48 + tonic + step for step in _CHORDS[bar % 4]]
    notes: list[Note] = [(beat, 0.2, 9, KICK if beat % 2 == 0 else SNARE, 110) for beat in range(4)]
    notes += [(half / 2, 0.2, 9, CLOSED_HAT, 80 if half % 2 == 0 else 60) for half in range(8)]
    notes += [(half / 2, 0.45, 0, chord[0] - 12, 90) for half in range(8)]
    notes += [(at, 1.4, 3, key, 80) for at in (0.0, 2.5) for key in chord]
    return notes


def house(bar: int, tonic: int, drawn: np.random.Generator) -> list[Note]:
    """A kick on every beat, an open hat and the bass between."""
    chord = [60 + tonic + step for step in _CHORDS[bar % 4]]
    notes: list[Note] = [(beat, 0.2, 9, KICK, 115) for beat in range(4)]
    notes += [(beat + 0.5, 0.2, 9, OPEN_HAT, 80) for beat in range(4)]
    notes += [(beat + 0.5, 0.4, 0, chord[0] - 24, 100) for beat in range(4)]
    notes += [(at, 0.3, 1, key, 80) for at in (0.0, 0.75, 1.5, 2.75) for key in chord]
    return notes


def ballad(bar: int, tonic: int, drawn: np.random.Generator) -> list[Note]:
    """Eighths of a piano, strings, a rim shot on two and four."""
    chord = [60 + tonic + step for step in _CHORDS[bar % 4]]
    notes: list[Note] = [
        (half / 2, 0.5, 1, (*chord, chord[0] + 12)[(0, 1, 2, 3)[half % 4]], 75) for half in range(8)
    ]
    notes += [(0.0, 2.0, 0, chord[0] - 24, 85), (2.0, 2.0, 0, chord[0] - 24, 80)]
    notes += [(0.0, 3.9, 2, key, 60) for key in chord]
    notes += [(1.0, 0.2, 9, RIM, 70), (3.0, 0.2, 9, RIM, 70), (0.0, 0.2, 9, KICK, 80)]
    return notes


def piano(bar: int, tonic: int, drawn: np.random.Generator) -> list[Note]:
    """A left hand on one and three and a right hand of quarters and eighths."""
    chord = [60 + tonic + step for step in _CHORDS[bar % 4]]
    notes: list[Note] = [(0.0, 1.9, 1, chord[0] - 24, 80), (2.0, 1.9, 1, chord[0] - 12, 70)]
    at = 0.0
    while at < 4:
        length = float(drawn.choice([0.5, 1.0, 1.0]))
        notes.append((at, min(length, 4 - at), 1, int(drawn.choice(chord)) + 12, 80 if at % 1 == 0 else 65))
        at += length
    return notes


def swing(bar: int, tonic: int, drawn: np.random.Generator) -> list[Note]:
    """A ride cymbal in thirds of a beat, a pedal hat on two and four, a walking bass."""
    chord = [48 + tonic + step for step in _CHORDS[bar % 4]]
    notes: list[Note] = [(at, 0.2, 9, RIDE, 85) for at in (0, 1, 1 + 2 / 3, 2, 3, 3 + 2 / 3)]
    notes += [(1.0, 0.2, 9, PEDAL_HAT, 80), (3.0, 0.2, 9, PEDAL_HAT, 80)]
    notes += [(float(beat), 0.9, 0, (*chord, chord[1])[beat] - 12, 95) for beat in range(4)]
    notes += [(at, 0.4, 1, key + 12, 65) for at in (2 / 3, 2 + 2 / 3) for key in chord]
    return notes


def waltz(bar: int, tonic: int, drawn: np.random.Generator) -> list[Note]:
    """Three beats: a bass and two chords, a melody of strings."""
    chord = [60 + tonic + step for step in _CHORDS[bar // 2 % 4]]
    notes: list[Note] = [(0.0, 0.9, 0, chord[0] - 24, 95)]
    notes += [(float(beat), 0.5, 1, key, 65) for beat in (1, 2) for key in chord]
    notes += [(float(beat), 0.95, 2, int(drawn.choice(chord)) + 12, 80) for beat in range(3)]
    return notes


def funk(bar: int, tonic: int, drawn: np.random.Generator) -> list[Note]:
    """Sixteenths on the hat, a kick and a bass beside the beats."""
    root = 36 + tonic + _CHORDS[bar % 4][0] % 12
    notes: list[Note] = [(at, 0.2, 9, KICK, 110) for at in (0, 0.75, 2.5)]
    notes += [(1.0, 0.2, 9, SNARE, 110), (3.0, 0.2, 9, SNARE, 110)]
    notes += [(at / 4, 0.1, 9, CLOSED_HAT, (85, 50, 65, 50)[at % 4]) for at in range(16)]
    notes += [(at, 0.3, 0, root, 100) for at in (0, 0.75, 1.5, 2.5, 3.25)]
    notes += [(at, 0.2, 3, root + 24 + step, 70) for at in (1.0, 1.75, 3.5) for step in (0, 7, 10)]
    return notes


STYLES: dict[str, tuple[int, Callable[[int, int, np.random.Generator], list[Note]]]] = {
    "rock": (4, rock), "house": (4, house), "ballad": (4, ballad), "piano": (4, piano),
    "swing": (4, swing), "waltz": (3, waltz), "funk": (4, funk),
}  # fmt: skip
"""Style -> beats per bar, and the notes of a bar."""


def tune(style: str, beats: Times, *, tonic: int = 0, seed: int = 0) -> list[Note]:
    """Return the notes of a tune with so many beats, in a major key."""
    per_bar, make = STYLES[style]
    drawn = np.random.default_rng(seed)
    return [
        (bar * per_bar + at, length, channel, key, velocity)
        for bar in range(len(beats) // per_bar)
        for at, length, channel, key, velocity in make(bar, tonic, drawn)
    ]
