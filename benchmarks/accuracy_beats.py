"""How well beats and tempo are found in music whose beats are known.

::

    python -m benchmarks.accuracy_beats

Half a minute each of clicks, a synthetic band, the same with swing, changes of tempo and unsteady playing.
Where FluidSynth and a General MIDI sound font are there (Debian: fluidsynth, fluid-soundfont-gm), seven
styles of played music as well; with real songs (``scripts/real_songs.sh``) and mido, the beginnings of
those that are MIDI files. Scored by mir_eval beside ``librosa.beat.beat_track`` with its defaults.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import librosa
import mir_eval
import numpy as np

from beam_jobs.media.beats import onset_strength, track_beats
from beam_jobs.media.spectrum import power_frames
from benchmarks.real_scores import known_scores
from tests import midi_tunes, tunes
from tests.samples import Samples, click_track
from tests.tunes import RATE, Times

RESULTS = Path(__file__).with_name("results")
SECONDS = 30.0
TEMPOS = range(60, 201, 10)
JITTER_S = 0.02

Case = tuple[str, float, Samples, Times]


def cases() -> Iterator[Case]:
    """Yield kind, tempo, mono samples and beats."""
    for bpm in TEMPOS:
        yield "clicks", bpm, *click_track(bpm, SECONDS, rate=RATE)
        steady = tunes.steady(bpm, SECONDS)
        yield "band", bpm, tunes.band(steady, SECONDS, seed=bpm), steady
        yield "band, swing 2:1", bpm, tunes.band(steady, SECONDS, off=2 / 3, seed=bpm), steady
        shaken = steady + np.random.default_rng(bpm).normal(0, JITTER_S, len(steady))
        yield "band, each beat 20 ms off", bpm, tunes.band(shaken, SECONDS, seed=bpm), shaken
        leap = tunes.changing(lambda at, bpm=bpm: bpm if at < SECONDS / 2 else 1.2 * bpm, SECONDS)  # type: ignore[misc]
        yield "band, a fifth faster from the middle", bpm, tunes.band(leap, SECONDS, seed=bpm), leap
        slide = tunes.changing(lambda at, bpm=bpm: bpm * (1 + 0.2 * at / SECONDS), SECONDS)  # type: ignore[misc]
        yield "band, speeding up by a fifth", bpm, tunes.band(slide, SECONDS, seed=bpm), slide
        if midi_tunes.can_play():
            for style in midi_tunes.STYLES:
                notes = midi_tunes.tune(style, steady, tonic=bpm % 12, seed=bpm)
                yield f"played: {style}", bpm, midi_tunes.play(notes, steady, rate=RATE), steady
    for song in known_scores():
        if len(song.beats_s):
            bpm = round(60 / float(np.median(np.diff(song.beats_s))), 1)
            yield "real songs", bpm, song.play(RATE), song.beats_s


def score(bpm: float, truth: Times, found: Times, told: float | None) -> dict[str, Any]:
    """Compare beats after the first five seconds, and the tempo."""
    truth, found = mir_eval.beat.trim_beats(truth), mir_eval.beat.trim_beats(found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, _, _, any_level = mir_eval.beat.continuity(truth, found)
        f_measure = mir_eval.beat.f_measure(truth, found)
    if len(truth) > 1 and np.ptp(np.diff(truth)) > 4 * JITTER_S:
        verdict = ""  # there is no one tempo
    else:
        levels = {"right": 1.0, "double": 2.0, "half": 0.5, "2/3": 2 / 3, "3/2": 1.5}
        ratio = (told or 0.0) / bpm
        verdict = next((name for name, level in levels.items() if abs(ratio / level - 1) < 0.04), "other")
    return {"f_measure": round(f_measure, 4), "amlt": round(any_level, 4), "tempo": verdict}


def apart_ms(truth: Times, found: Times) -> list[float]:
    """Return how much later than the nearest true beat each beat is, where that is less than 70 ms."""
    late = [1000 * float((at - truth)[np.abs(at - truth).argmin()]) for at in found]
    return [ms for ms in late if abs(ms) < 70]


def measure() -> list[dict[str, Any]]:
    """Track the beats of every case."""
    rows = []
    for kind, bpm, samples, truth in cases():
        mono = np.ascontiguousarray(samples.mean(axis=1), np.float32)
        ours = track_beats(onset_strength(power_frames(iter([mono[:, None]]))), start_bpm=120, tightness=100)
        told, times = librosa.beat.beat_track(y=mono, sr=RATE, units="time")
        rows.append({
            "kind": kind, "bpm": bpm, **score(bpm, truth, ours.times_s, ours.tempo_bpm),
            "late_ms": round(float(np.mean(apart_ms(truth, ours.times_s) or [0])), 2),
            "librosa": score(bpm, truth, times, float(np.atleast_1d(told)[0])),
        })  # fmt: skip
    return rows


def summary(kind: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one line of the table."""
    mine = [row for row in rows if row["kind"] == kind]
    wrong = {
        verdict: [row["bpm"] for row in mine if row["tempo"] == verdict]
        for verdict in ("double", "half", "2/3", "3/2", "other")
    }
    return {
        "kind": kind, "tunes": len(mine),
        "f_measure": round(float(np.mean([row["f_measure"] for row in mine])), 3),
        "amlt": round(float(np.mean([row["amlt"] for row in mine])), 3),
        "steady": sum(bool(row["tempo"]) for row in mine),
        "tempo_right": sum(row["tempo"] == "right" for row in mine) if mine[0]["tempo"] else None,
        "late_ms": round(float(np.mean([row["late_ms"] for row in mine if row["f_measure"] > 0.5])), 1)
        if any(row["f_measure"] > 0.5 for row in mine) else None,
        "wrong_tempos": {verdict: bpms for verdict, bpms in wrong.items() if bpms and mine[0]["tempo"]},
        "librosa_f_measure": round(float(np.mean([row["librosa"]["f_measure"] for row in mine])), 3),
        "librosa_tempo_right": sum(row["librosa"]["tempo"] == "right" for row in mine),
    }  # fmt: skip


def as_markdown(table: list[dict[str, Any]]) -> str:
    """Return the result as a page."""
    lines = []
    for line in table:
        wrong = "; ".join(
            f"{verdict}: {', '.join(f'{bpm:g}' for bpm in bpms)}"
            for verdict, bpms in line["wrong_tempos"].items()
        )
        tempo = "–" if line["tempo_right"] is None else f"{line['tempo_right']}/{line['steady']}"
        librosas = "–" if line["tempo_right"] is None else f"{line['librosa_tempo_right']}/{line['steady']}"
        late = "–" if line["late_ms"] is None else f"{line['late_ms']:+.1f}"
        lines.append(
            f"| {line['kind']} | {line['f_measure']:.3f} | {line['amlt']:.3f} | {tempo} | {late} | {wrong} "
            f"| {line['librosa_f_measure']:.3f} | {librosas} |"
        )
    rows = "\n".join(lines)
    return f"""# Beats and tempo

{TEMPOS[0]} to {TEMPOS[-1]} bpm in steps of {TEMPOS.step}, {SECONDS:g} s each.
`python -m benchmarks.accuracy_beats` repeats it.

| music | F | AMLt | tempo right | late, ms | wrong tempos (true bpm) | librosa F | librosa tempo |
|---|---|---|---|---|---|---|---|
{rows}

*F*: mir_eval's F-measure of beats (70 ms), after five seconds; beats at half or double the tempo score 0.67,
beats between the beats 0. *AMLt*: share of beats that go on rightly, where half and double the tempo and the
off-beat count as right. *Tempo right*: within 4 %. *Late*: mean of beats found after true beats, where
F > 0.5; FluidSynth sounds notes 5 to 10 ms late. *Real songs*: of OpenTTD's OpenMSX, 90 s each, those whose
notes lie on parts of the beat that their authors wrote.
"""


def main() -> None:
    """Measure and write the result."""
    rows = measure()
    table = [summary(kind, rows) for kind in dict.fromkeys(row["kind"] for row in rows)]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy_beats.json").write_text(json.dumps({"table": table, "rows": rows}, indent=1) + "\n")
    (RESULTS / "accuracy_beats.md").write_text(as_markdown(table))
    print(as_markdown(table))


if __name__ == "__main__":
    main()
