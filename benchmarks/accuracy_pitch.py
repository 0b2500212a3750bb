"""How well a pitch that glides, trembles or pauses is followed.

::

    python -m benchmarks.accuracy_pitch

Sung glissandi, vibrato, pauses and noise, and notes of sampled instruments where FluidSynth is there,
scored by mir_eval's melody measures beside ``librosa.pyin`` over the same range.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import librosa
import mir_eval
import numpy as np
import numpy.typing as npt

from beam_jobs.media.pitch import find_pitch
from beam_jobs.steps.pitch import PitchParams
from tests import midi_tunes, samples, tunes
from tests.samples import Samples
from tests.tunes import RATE

RESULTS = Path(__file__).with_name("results")
HOP: Final = 512
EDGE_FRAMES: Final = 2
"""Frames at either end that are not whole."""
INSTRUMENTS: Final = {"bass": (0, 36), "piano": (1, 60), "strings": (2, 60), "overdriven guitar": (3, 48)}

Hertz = npt.NDArray[np.float64]
Case = tuple[str, Hertz, Samples]


def cases() -> Iterator[Case]:
    """Yield kind, true pitch of every sample and mono samples."""
    for low, high in ((80.0, 320.0), (200.0, 800.0), (400.0, 1600.0)):
        for octaves_per_s in (0.25, 0.5, 1.0, 2.0):
            rising = tunes.glissando(low, high, 2 / octaves_per_s)
            for pitch in (rising, rising[::-1]):
                yield f"glissando, an octave in {1 / octaves_per_s:g} s", pitch, tunes.sung(pitch)
    for middle in (110.0, 220.0, 440.0, 880.0):
        for cents in (50, 100):
            pitch = tunes.vibrato(middle, 4, cents=cents)
            yield f"vibrato of {cents} cents, 5.5 a second", pitch, tunes.sung(pitch)
    for low, high in ((80.0, 320.0), (200.0, 800.0), (800.0, 200.0)):
        pitch = np.concatenate([tunes.glissando(low, high, 4), np.zeros(RATE)] * 2)
        plain = tunes.sung(pitch)
        level = 20 * np.log10(np.sqrt(np.mean(plain[pitch > 0] ** 2)))
        for ratio in (40, 20, 10, 0):
            hiss = samples.noise(len(plain) / RATE, rate=RATE, dbfs=float(level) - ratio)
            yield f"glissandi and pauses, {ratio:+d} dB over noise", pitch, plain + hiss[: len(plain)]
    if midi_tunes.can_play():
        yield from instruments()


def instruments() -> Iterator[Case]:
    """Yield an octave of notes, with pauses, by each of some instruments."""
    for name, (channel, lowest) in INSTRUMENTS.items():
        beats = np.arange(0.5, 15)
        notes = [(float(number), 0.8, channel, lowest + number, 90) for number in range(13)]
        data = midi_tunes.play(notes, beats, rate=RATE).mean(axis=1, keepdims=True)
        pitch = np.zeros(len(data))
        for number in range(13):  # without the attack, and without the release, whose end is not known
            begin = round((0.5 + number + 0.1) * RATE)
            pitch[begin : begin + round(0.6 * RATE)] = tunes.hertz(lowest + number)
        yield f"notes: {name}", pitch, np.ascontiguousarray(data, np.float32)


def score(kind: str, truth: Hertz, f0: Hertz, voiced: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Compare a pitch per frame with the truth per sample."""
    inside = slice(EDGE_FRAMES, len(f0) - EDGE_FRAMES)
    f0, voiced = f0[inside].astype(float), voiced[inside]
    at = (EDGE_FRAMES + np.arange(len(f0))) * HOP
    true = truth[np.minimum(at, len(truth) - 1)]
    if kind.startswith("notes"):  # what is said between notes is neither right nor wrong
        f0, voiced, true, at = (values[true > 0] for values in (f0, voiced, true, at))
    told = np.where(voiced, f0, 0)
    scores = mir_eval.melody.evaluate(at / RATE, true, at / RATE, told)
    both = (true > 0) & voiced
    cents = np.abs(1200 * np.log2(f0[both] / true[both])) if both.any() else np.zeros(1)
    return {
        "raw_pitch": scores["Raw Pitch Accuracy"], "raw_chroma": scores["Raw Chroma Accuracy"],
        "recall": scores["Voicing Recall"], "false_alarm": scores["Voicing False Alarm"],
        "median_cents": float(np.median(cents)), "p95_cents": float(np.percentile(cents, 95)),
    }  # fmt: skip


def measure() -> list[dict[str, Any]]:
    """Follow the pitch of every case."""
    asked = PitchParams()
    rows = []
    for kind, truth, data in cases():
        found = find_pitch(
            iter([data]), rate=RATE, fmin=asked.fmin_hz, fmax=asked.fmax_hz, frame_length=asked.frame_length,
            hop=HOP, no_trough_prob=asked.no_trough_prob,
        )  # fmt: skip
        f0, flag, _ = librosa.pyin(
            data[:, 0], sr=RATE, fmin=asked.fmin_hz, fmax=asked.fmax_hz, frame_length=asked.frame_length,
            hop_length=HOP,
        )  # fmt: skip
        rows.append({
            "kind": kind, "this": score(kind, truth, found.f0_hz, found.voiced_flag),
            "librosa": score(kind, truth, f0, flag),
        })  # fmt: skip
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
    rows = []
    for line in table:
        ours, theirs = line["this"], line["librosa"]
        pauses = "pauses" in line["kind"]
        cents = [f"{ours[name]:.1f}" if ours["recall"] else "–" for name in ("median_cents", "p95_cents")]
        alarms = [f"{100 * side['false_alarm']:.1f} %" if pauses else "–" for side in (ours, theirs)]
        rows.append(
            f"| {line['kind']} | {100 * ours['raw_pitch']:.1f} % | {cents[0]} | {cents[1]} "
            f"| {100 * ours['recall']:.1f} % | {alarms[0]} "
            f"| {100 * theirs['raw_pitch']:.1f} % | {theirs['median_cents']:.1f} "
            f"| {100 * theirs['recall']:.1f} % | {alarms[1]} |"
        )
    lines = "\n".join(rows)
    return f"""# Pitch

`python -m benchmarks.accuracy_pitch` repeats it.

| sound | right | median, cents | 95 %, cents | voiced | false | librosa right | cents | voiced | false |
|---|---|---|---|---|---|---|---|---|---|
{lines}

*Right*: share of the frames with a pitch whose pitch is told within 50 cents (mir_eval's raw pitch accuracy;
what is told as unvoiced counts as wrong). *Cents*: error where both have a pitch. *Voiced*: share of the
frames with a pitch that are told to have one; *false*: of those without. Pitches lie on a grid of ten cents.
librosa is `librosa.pyin` over the same range.
"""


def main() -> None:
    """Measure and write the result."""
    rows = measure()
    table = [summary(kind, rows) for kind in dict.fromkeys(row["kind"] for row in rows)]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy_pitch.json").write_text(json.dumps({"table": table, "rows": rows}, indent=1) + "\n")
    (RESULTS / "accuracy_pitch.md").write_text(as_markdown(table))
    print(as_markdown(table))


if __name__ == "__main__":
    main()
