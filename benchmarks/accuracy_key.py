"""How often the key is right, and whether the chroma are those of the chords.

::

    python -m benchmarks.accuracy_key

Scales and progressions in all 24 keys: synthetic, out of tune, under drums and noise, and played by
FluidSynth where it is there; real songs that are MIDI files and tell a key (``scripts/real_songs.sh``, mido).
librosa finds no keys: beside the step its ``chroma_stft`` is put through the same profiles.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import librosa
import mir_eval
import numpy as np

from beam_jobs.media.chroma import Chroma, relative
from beam_jobs.media.key_profiles import PITCH_CLASSES, Profile, Weights, mean_chroma, rank_keys
from beam_jobs.media.spectrum import power_frames
from benchmarks.real_scores import known_scores
from tests import midi_tunes, samples, tunes
from tests.samples import Samples
from tests.tunes import RATE

RESULTS = Path(__file__).with_name("results")
NATURAL_MINOR: Final = (0, 2, 3, 5, 7, 8, 10, 12)
PROGRESSIONS: Final[dict[str, dict[str, Sequence[Sequence[int]]]]] = {
    "I IV V I": {
        "major": ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)),
        "minor": ((0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7)),
    },
    "I V VI IV": {
        "major": ((0, 4, 7), (7, 11, 14), (9, 12, 16), (5, 9, 12)),
        "minor": ((0, 3, 7), (7, 10, 14), (8, 12, 15), (5, 8, 12)),
    },
    "II V I, sevenths": {
        "major": ((2, 5, 9, 12), (7, 11, 14, 17), (0, 4, 7, 11), (0, 4, 7, 11)),
        "minor": ((2, 5, 8, 12), (7, 11, 14, 17), (0, 3, 7, 10), (0, 3, 7, 10)),
    },
}
INSTRUMENTS: Final = {"piano": 1, "strings": 2, "overdriven guitar": 3}

Notes = list[tuple[float, float, float]]
Case = tuple[str, str, Samples]


def scale(tonic: int, steps: Sequence[int]) -> Notes:
    """Return a scale up and down."""
    run = [*steps, *reversed(steps[:-1])]
    return [(0.4 * place, 60.0 + tonic + step, 0.5) for place, step in enumerate(run)]


def chords(tonic: int, mode: str, name: str) -> Notes:
    """Return a progression, twice, eight seconds."""
    return tunes.progression([(tonic, chord) for chord in (*PROGRESSIONS[name][mode],) * 2])


def cases() -> Iterator[Case]:
    """Yield kind, key and mono samples."""
    drums = 0.5 * tunes.band(tunes.steady(110, 8), 8)[:, :1]
    drums = samples.noise(8, rate=RATE, dbfs=-6)[:, :1] * np.abs(drums)
    for tonic, name in enumerate(PITCH_CLASSES):
        for mode, up in (("major", tunes.MAJOR), ("minor", NATURAL_MINOR)):
            key = f"{name} {mode}"
            yield "scale", key, tunes.played(scale(tonic, up), 6.2)
            yield "scale and cadence", key, tunes.played(tunes.scale_and_cadence(tonic, mode), 12)
            for progression in PROGRESSIONS:
                yield progression, key, tunes.played(chords(tonic, mode, progression), 8)
            notes = chords(tonic, mode, "I IV V I")
            plain = tunes.played(notes, 8)
            level = float(np.sqrt(np.mean(plain**2)))
            hiss = np.random.default_rng(tonic).standard_normal(plain.shape).astype(np.float32)
            yield "I IV V I, noise at 0 dB", key, plain + level * hiss
            yield "I IV V I under drums", key, plain + drums
            for cents in (30, 45):
                raised = [(at, pitch + cents / 100, length) for at, pitch, length in notes]
                yield f"I IV V I, {cents} cents sharp", key, tunes.played(raised, 8)
            yield from instruments(key, notes)
        yield from styles(tonic, name)
    for song in known_scores():
        if song.key:
            tonic, mode = song.key.split()
            yield "real songs that tell a key", f"{_sharp(tonic)} {mode}", _mono(song.play(RATE))


def instruments(key: str, notes: Notes) -> Iterator[Case]:
    """Yield a progression by each of some instruments."""
    if midi_tunes.can_play():
        seconds = np.arange(10.0)
        for instrument, channel in INSTRUMENTS.items():
            written = [(at, length, channel, int(pitch), 80) for at, pitch, length in notes]
            yield f"I IV V I, {instrument}", key, _mono(midi_tunes.play(written, seconds, rate=RATE))


def styles(tonic: int, name: str) -> Iterator[Case]:
    """Yield a tune of each style."""
    if midi_tunes.can_play():
        beats = tunes.steady(120, 20)
        for style in midi_tunes.STYLES:
            sound = midi_tunes.play(midi_tunes.tune(style, beats, tonic=tonic, seed=tonic), beats, rate=RATE)
            yield f"played: {style}", f"{name} major", _mono(sound)


def _mono(data: Samples) -> Samples:
    return np.ascontiguousarray(data.mean(axis=1, keepdims=True), np.float32)


def _sharp(tonic: str) -> str:
    flats = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
    return flats.get(tonic, tonic)


def name_of(chroma: Weights, profile: Profile) -> str:
    """Return the key whose profile fits best."""
    best = rank_keys(chroma, profile)[0]
    return f"{PITCH_CLASSES[best.tonic]} {best.mode}"


def measure() -> list[dict[str, Any]]:
    """Find the key of every case."""
    rows = []
    for kind, key, data in cases():
        heard = mean_chroma(iter([data]))
        assert heard is not None
        theirs = librosa.feature.chroma_stft(y=data[:, 0], sr=RATE).mean(axis=1).astype(np.float64)
        rows.append({
            "kind": kind, "key": key, "found": name_of(heard[0], "temperley"),
            "krumhansl_kessler": name_of(heard[0], "krumhansl-kessler"),
            "librosa": name_of(theirs, "temperley"),
        })  # fmt: skip
    return rows


def chords_heard() -> dict[str, float]:
    """Return in which share of frames a chord's three notes are the three strongest, here and by librosa.

    Frames within 0.2 s of a change of chord are left out.
    """
    ours, theirs, apart = [], [], 0.0
    for tonic in range(12):
        for mode in ("major", "minor"):
            data = tunes.played(chords(tonic, mode, "I IV V I"), 8)
            made = Chroma(power_frames(iter([data]), 2048, 512), rate=RATE, n_fft=2048, tuning=None)
            mine = np.concatenate([relative(block) for block in made.frames()])
            want = librosa.feature.chroma_stft(y=data[:, 0], sr=RATE).T
            apart = max(apart, float(np.abs(mine - want).max()))
            times = np.arange(len(mine)) * 512 / RATE
            for place, time in enumerate(times):
                if time < 8 and 0.2 < time % 1 < 0.8:
                    chord = PROGRESSIONS["I IV V I"][mode][int(time) % 4]
                    truth = {(tonic + step) % 12 for step in chord}
                    ours.append(set(np.argsort(mine[place])[-3:].tolist()) == truth)
                    theirs.append(set(np.argsort(want[place])[-3:].tolist()) == truth)
    return {
        "this": round(float(np.mean(ours)), 4), "librosa": round(float(np.mean(theirs)), 4),
        "greatest_difference": round(apart, 6),
    }  # fmt: skip


def relation(truth: str, found: str) -> str:
    """Say what a wrong key is to the right one."""
    (tonic, mode), (other, its_mode) = truth.split(), found.split()
    up = (PITCH_CLASSES.index(other) - PITCH_CLASSES.index(tonic)) % 12
    if mode == its_mode:
        return {7: "fifth above", 5: "fifth below"}.get(up, "other")
    return {0: "parallel", 9 if mode == "major" else 3: "relative"}.get(up, "other")


def summary(kind: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one line of the table."""
    mine = [row for row in rows if row["kind"] == kind]
    scores = [mir_eval.key.weighted_score(row["key"], row["found"]) for row in mine]
    wrong = [relation(row["key"], row["found"]) for row in mine if row["key"] != row["found"]]
    return {
        "kind": kind, "pieces": len(mine),
        **{f"right_{name}": sum(row[name] == row["key"] for row in mine)
           for name in ("found", "krumhansl_kessler", "librosa")},
        "mirex": round(float(np.mean(scores)), 3),
        "wrong": {name: wrong.count(name) for name in dict.fromkeys(wrong)},
    }  # fmt: skip


def as_markdown(table: list[dict[str, Any]], frames: dict[str, float]) -> str:
    """Return the result as a page."""
    rows = "\n".join(
        f"| {line['kind']} | {line['pieces']} | {line['right_found']} | {line['mirex']:.3f} "
        f"| {', '.join(f'{name} {count}' for name, count in line['wrong'].items())} "
        f"| {line['right_krumhansl_kessler']} | {line['right_librosa']} |"
        for line in table
    )
    return f"""# Key and chroma

All 24 keys of each kind, but for played styles (12 major keys) and real songs.
`python -m benchmarks.accuracy_key` repeats it.

| music | pieces | right | MIREX score | wrong keys | right, Krumhansl-Kessler | right, librosa's chroma |
|---|---|---|---|---|---|---|
{rows}

*Right*: with the default profile, Temperley's. *MIREX score*: mir_eval's, in which a fifth above counts a
half, the relative key 0.3, the parallel one 0.2. *librosa's chroma*: the mean of
`librosa.feature.chroma_stft` with Temperley's profile; librosa itself finds no keys. *Real songs*: of
OpenTTD's OpenMSX, the first 90 s of those whose authors wrote one key signature other than C major's.

Chroma: in {100 * frames["this"]:.1f} % of the frames of chords in all keys the three strongest pitch classes
are the chord's, with librosa in {100 * frames["librosa"]:.1f} %; no number differs from librosa's by more
than {frames["greatest_difference"]:.6f}.
"""


def main() -> None:
    """Measure and write the result."""
    rows, frames = measure(), chords_heard()
    table = [summary(kind, rows) for kind in dict.fromkeys(row["kind"] for row in rows)]
    found = {"table": table, "chroma": frames, "rows": rows}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy_key.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "accuracy_key.md").write_text(as_markdown(table, frames))
    print(as_markdown(table, frames))


if __name__ == "__main__":
    main()
