"""Real songs that are MIDI files: what their beats, notes and keys are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tests import midi_tunes
from tests.real_songs import real_scores
from tests.samples import Samples
from tests.tunes import Times

SECONDS = 90.0
ON_THE_GRID = 0.9
NEAR_BEATS = 0.06
UNTOLD = "C"
"""The key signature that files have whose authors did not choose one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The beginning of a song.

    :param beats_s: quarters, where the notes lie on their sixteenths or thirds; else empty.
    :param key: as ``C minor``; empty when it changes or is not told.
    """

    name: str
    path: Path
    beats_s: Times
    onsets_s: Times
    key: str

    def play(self, rate: int) -> Samples:
        """Return the sound of it."""
        return midi_tunes.play_file(self.path, rate=rate)[: round(SECONDS * rate)]


def known_scores() -> Iterator[Score]:
    """Yield the songs, none where FluidSynth, mido or the songs are not there."""
    if find_spec("mido") is None or not midi_tunes.can_play():
        return
    yield from map(read_score, real_scores())


def read_score(path: Path) -> Score:
    """Read a MIDI file."""
    import mido

    song = mido.MidiFile(path)
    tick, ticks, seconds, rates, onsets, keys = 0, [0], [0.0], [0.5], [], set()
    for message in mido.merge_tracks(song.tracks):
        tick += message.time
        if message.type == "set_tempo":
            seconds.append(seconds[-1] + (tick - ticks[-1]) / song.ticks_per_beat * rates[-1])
            ticks.append(tick)
            rates.append(message.tempo / 1e6)
        elif message.type == "key_signature":
            keys.add(message.key)
        elif message.type == "note_on" and message.velocity:
            onsets.append(tick / song.ticks_per_beat)
    places = np.array(ticks) / song.ticks_per_beat

    def at(beats: Times) -> Times:
        tempo = np.searchsorted(places, beats, side="right") - 1
        return np.array(seconds)[tempo] + (beats - places[tempo]) * np.array(rates)[tempo]

    notes = np.unique(onsets)
    beats = np.arange(np.floor(notes[0]), notes[-1] + 1)
    on_grid = max(_share_near(notes, parts) for parts in (3, 4))
    told = [key for key in keys if len(keys) == 1 and key != UNTOLD]
    return Score(
        name=path.stem, path=path,
        beats_s=_within(at(beats)) if on_grid >= ON_THE_GRID else np.zeros(0), onsets_s=_within(at(notes)),
        key=f"{told[0].removesuffix('m')} {'minor' if told[0].endswith('m') else 'major'}" if told else "",
    )  # fmt: skip


def _share_near(notes: Times, parts: int) -> float:
    """Return the share of notes that lie near a part of a beat."""
    return float(np.mean(np.abs(notes * parts - np.round(notes * parts)) < NEAR_BEATS * parts))


def _within(times: Times) -> Times:
    return times[times < SECONDS - 1]
