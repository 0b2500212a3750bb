"""Synthetic music whose notes, chords and beats are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from tests.samples import Samples

RATE = 22_050

Times = npt.NDArray[np.float64]
Sound = npt.NDArray[np.float32]

MAJOR = (0, 2, 4, 5, 7, 9, 11, 12)
HARMONIC_MINOR = (0, 2, 3, 5, 7, 8, 11, 12)
PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def hertz(key: float) -> float:
    """Return the frequency of a MIDI key."""
    return 440 * 2 ** ((key - 69) / 12)


def note(key: float, seconds: float, *, harmonics: int = 6, decay: float = 3.0, rate: int = RATE) -> Sound:
    """A plucked string: harmonics that fall by 6 dB an octave and fade, the high ones sooner."""
    time = np.arange(round(seconds * rate)) / rate
    sound = np.zeros(len(time))
    for number in range(1, harmonics + 1):
        if number * hertz(key) < 0.45 * rate:
            sound += (
                np.sin(2 * np.pi * number * hertz(key) * time) * np.exp(-decay * number**0.5 * time) / number
            )
    release = 0.5 - 0.5 * np.cos(np.pi * np.minimum(1, (seconds - time) / 0.1))
    rise = np.minimum(1, time / 0.005) * release
    return (0.2 * sound * rise).astype(np.float32)


def played(
    notes: Iterable[tuple[float, float, float]], seconds: float, *, rate: int = RATE, **how: float
) -> Samples:
    """Sound notes given as (second, key, seconds), mono."""
    samples = np.zeros((round(seconds * rate), 1), np.float32)
    for at, key, length in notes:
        sound = note(key, length, rate=rate, **how)  # type: ignore[arg-type]
        start = round(at * rate)
        part = sound[: max(0, len(samples) - start)]
        samples[start : start + len(part), 0] += part
    return samples


def melody(times: Times, *, seed: int = 0, length_s: float = 0.4) -> list[tuple[float, float, float]]:
    """Return a note of a pentatonic scale for each time, no two alike in a row."""
    drawn = np.random.default_rng(seed)
    keys = [57, 60, 62, 64, 67, 69, 72, 74, 76, 79]
    place, notes = 4, []
    for time in times:
        place = int((place + drawn.choice([-3, -2, -1, 1, 2, 3])) % len(keys))
        notes.append((float(time), float(keys[place]), length_s))
    return notes


def scale_and_cadence(tonic: int, mode: str) -> list[tuple[float, float, float]]:
    """Return a scale up and down and the chords I IV V I, over 12 seconds.

    :param tonic: pitch class, 0 is C.
    :param mode: ``major`` or ``minor`` (harmonic, natural on the way down).
    """
    up = MAJOR if mode == "major" else HARMONIC_MINOR
    down = MAJOR if mode == "major" else (0, 2, 3, 5, 7, 8, 10, 12)
    run = [*up, *reversed(down[:-1])]
    notes = [(0.4 * place, 60.0 + tonic + step, 0.5) for place, step in enumerate(run)]
    third = 4 if mode == "major" else 3
    chords = [(0, third, 7, 12), (5, 5 + third, 12, 17), (7, 11, 14, 19), (0, third, 7, 12)]
    begin = 0.4 * len(run)
    notes += progression([(tonic, chord) for chord in chords], begin=begin, length_s=1.4)
    return notes


def progression(
    chords: Sequence[tuple[int, Sequence[int]]], *, begin: float = 0.0, length_s: float = 1.0
) -> list[tuple[float, float, float]]:
    """Return chords, each with its lowest note an octave lower as bass."""
    notes = []
    for place, (tonic, steps) in enumerate(chords):
        at = begin + place * length_s
        notes.append((at, 48.0 + tonic % 12 + steps[0], length_s))
        notes += [(at, 60.0 + tonic % 12 + step, length_s) for step in steps]
    return notes


def sung(f0_hz: npt.NDArray[np.float64], *, rate: int = RATE, harmonics: int = 8) -> Samples:
    """Sound harmonics over a pitch that is given for every sample; nothing where it is 0."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / rate
    sound = sum(
        np.where(number * f0_hz < 0.45 * rate, np.sin(number * phase) / number, 0)
        for number in range(1, harmonics + 1)
    )
    heard = np.convolve(f0_hz > 0, np.hanning(221) / np.hanning(221).sum(), mode="same")
    return np.asarray(0.2 * sound * heard * (f0_hz > 0), np.float32)[:, None]


def glissando(low_hz: float, high_hz: float, seconds: float, *, rate: int = RATE) -> npt.NDArray[np.float64]:
    """Return a pitch that rises by the same interval in every second."""
    return low_hz * (high_hz / low_hz) ** np.linspace(0, 1, round(seconds * rate))


def vibrato(
    middle_hz: float, seconds: float, *, cents: float = 50.0, per_second: float = 5.5, rate: int = RATE
) -> npt.NDArray[np.float64]:
    """Return a pitch that swings by ``cents`` to each side."""
    time = np.arange(round(seconds * rate)) / rate
    return middle_hz * 2 ** (cents / 1200 * np.sin(2 * np.pi * per_second * time))


def steady(bpm: float, seconds: float, *, first_s: float = 0.5) -> Times:
    """Return the beats of one tempo."""
    return np.arange(first_s, seconds - 0.1, 60 / bpm)


def changing(bpm: Callable[[float], float], seconds: float, *, first_s: float = 0.5) -> Times:
    """Return the beats of a tempo that depends on the time."""
    beats = [first_s]
    while beats[-1] < seconds - 0.1:
        beats.append(beats[-1] + 60 / bpm(beats[-1]))
    return np.array(beats[:-1])


def band(beats: Times, seconds: float, *, off: float = 0.5, seed: int = 0, rate: int = RATE) -> Samples:
    """Kick, snare, hat and bass on given beats, mono.

    :param off: where between two beats the hat's second stroke comes; 2/3 swings.
    """
    drawn = np.random.default_rng(seed)
    time = np.arange(round(0.2 * rate)) / rate
    kick = 0.6 * np.sin(2 * np.pi * 55 * time + 8 * np.exp(-60 * time)) * np.exp(-18 * time)
    snare = 0.25 * drawn.standard_normal(len(time)) * np.exp(-30 * time)
    hat = 0.06 * drawn.standard_normal(len(time)) * np.exp(-120 * time)
    between = beats[:-1] + off * np.diff(beats)
    roots = [(0, 9, 5, 7)[number // 4 % 4] for number in range(len(beats))]
    samples = played(
        [(at, 36 + root, 0.3) for at, root in zip(beats, roots, strict=True)], seconds, rate=rate
    )
    for times, sound in ((beats[::2], kick), (beats[1::2], snare), (np.concatenate([beats, between]), hat)):
        for at in times:
            start = round(at * rate)
            part = sound[: max(0, len(samples) - start)]
            samples[start : start + len(part), 0] += part.astype(np.float32)
    return samples
