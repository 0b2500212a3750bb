"""How many onsets are found, and how many are none.

::

    python -m benchmarks.accuracy_onsets

Synthetic melodies and drums, seven styles of played music where FluidSynth and a sound font are there, and
the beginnings of real songs that are MIDI files (``scripts/real_songs.sh``, mido). Scored by mir_eval within
50 ms beside ``librosa.onset.onset_detect`` with its defaults.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import librosa
import mir_eval
import numpy as np

from beam_jobs.media.beats import onset_strength
from beam_jobs.media.onsets import find_onsets
from beam_jobs.media.spectrum import power_frames
from beam_jobs.steps.onsets import OnsetsParams
from benchmarks.real_scores import known_scores
from tests import midi_tunes, samples, tunes
from tests.samples import Samples
from tests.tunes import RATE, Times

RESULTS = Path(__file__).with_name("results")
WINDOW_S: Final = 0.05
ONE_S: Final = 0.03
"""Notes that begin within this of each other are one onset."""

Case = tuple[str, Times, Samples]


def cases() -> Iterator[Case]:
    """Yield kind, true onsets and mono samples."""
    for seed in range(6):
        drawn = np.random.default_rng(seed)
        times = 0.3 + np.cumsum(drawn.uniform(0.12, 0.6, 50))
        plain = tunes.played(tunes.melody(times, seed=seed), times[-1] + 1)
        level = 20 * np.log10(float(np.sqrt(np.mean(plain**2))))
        for ratio in (40, 20, 10, 0):
            hiss = samples.noise(len(plain) / RATE, rate=RATE, dbfs=level - ratio, seed=seed)
            yield f"plucked melody, {ratio:+d} dB over noise", times, plain + hiss[: len(plain)]
        beats = tunes.steady(90 + 15 * seed, 20)
        strokes = np.sort(np.concatenate([beats, beats[:-1] + np.diff(beats) / 2]))
        yield "band", strokes, tunes.band(beats, 20, seed=seed)
        if midi_tunes.can_play():
            yield from played(90 + 15 * seed, seed)
    for song in known_scores():
        yield "real songs", song.onsets_s, song.play(RATE)


def played(bpm: float, seed: int) -> Iterator[Case]:
    """Yield a tune of each style, and a slow one of strings alone."""
    beats = tunes.steady(bpm, 20)
    written = {style: midi_tunes.tune(style, beats, tonic=seed, seed=seed) for style in midi_tunes.STYLES}
    keys = np.random.default_rng(seed).integers(55, 80, len(beats))
    written["strings alone"] = [(float(at), 0.95, 2, int(key), 80) for at, key in enumerate(keys)]
    for style, notes in written.items():
        begun = [at for at, length, *_ in notes if at + length <= len(beats) - 1]
        onsets = np.interp(np.unique(begun), np.arange(len(beats)), beats)
        yield f"played: {style}", onsets, midi_tunes.play(notes, beats, rate=RATE)


def score(truth: Times, found: Times) -> dict[str, float]:
    """Compare two lists of onsets."""
    f_measure, precision, recall = mir_eval.onset.f_measure(truth, found, window=WINDOW_S)
    pairs = mir_eval.util.match_events(truth, found, WINDOW_S)
    late = [1000 * float(found[there] - truth[here]) for here, there in pairs]
    return {
        "f_measure": f_measure, "precision": precision, "recall": recall,
        "late_ms": float(np.mean(late)) if late else 0.0,
    }  # fmt: skip


def measure() -> list[dict[str, Any]]:
    """Find the onsets of every case."""
    asked = OnsetsParams()
    rows = []
    for kind, onsets, sound in cases():
        truth = onsets[np.diff(onsets, prepend=-1.0) >= ONE_S]
        mono = np.ascontiguousarray(sound.mean(axis=1), np.float32)
        curve = onset_strength(power_frames(iter([mono[:, None]])))
        ours = find_onsets(curve, delta=asked.delta, wait_s=asked.wait_s, backtrack=asked.backtrack)
        theirs = librosa.onset.onset_detect(y=mono, sr=RATE, units="time")
        rows.append({"kind": kind, "this": score(truth, ours.times_s), "librosa": score(truth, theirs)})
    return rows


def summary(kind: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one line of the table: means over the pieces."""
    mine = [row for row in rows if row["kind"] == kind]
    return {
        "kind": kind, "pieces": len(mine),
        **{side: {name: round(float(np.mean([row[side][name] for row in mine])), 4) for name in mine[0][side]}
           for side in ("this", "librosa")},
    }  # fmt: skip


def as_markdown(table: list[dict[str, Any]]) -> str:
    """Return the result as a page."""
    lines = "\n".join(
        f"| {line['kind']} | {line['pieces']} | {line['this']['f_measure']:.3f} "
        f"| {line['this']['precision']:.3f} | {line['this']['recall']:.3f} | {line['this']['late_ms']:+.1f} "
        f"| {line['librosa']['f_measure']:.3f} | {line['librosa']['late_ms']:+.1f} |"
        for line in table
    )
    return f"""# Onsets

`python -m benchmarks.accuracy_onsets` repeats it.

| music | pieces | F | precision | recall | late, ms | librosa F | late, ms |
|---|---|---|---|---|---|---|---|
{lines}

mir_eval, within {1000 * WINDOW_S:g} ms; notes that begin within {1000 * ONE_S:g} ms of each other are one
onset. *Late*: mean of matched onsets; FluidSynth sounds notes 5 to 10 ms late. *Real songs*: of OpenTTD's
OpenMSX, 90 s each; all notes count, also those that nobody hears under louder ones.
"""


def main() -> None:
    """Measure and write the result."""
    rows = measure()
    table = [summary(kind, rows) for kind in dict.fromkeys(row["kind"] for row in rows)]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy_onsets.json").write_text(json.dumps({"table": table, "rows": rows}, indent=1) + "\n")
    (RESULTS / "accuracy_onsets.md").write_text(as_markdown(table))
    print(as_markdown(table))


if __name__ == "__main__":
    main()
