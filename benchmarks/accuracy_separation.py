"""How far vocals and accompaniment come apart, and whether ``instrumentalness`` hears vocals.

::

    python -m benchmarks.accuracy_separation [--speakers FOLDER...]

A voice is laid over real songs (``scripts/real_songs.sh``) at the same power: synthetic singing, and recorded
speech (``--speakers``, as in ``benchmarks/accuracy_speechiness.py``). Signal-to-distortion ratios by
``mir_eval`` (BSS Eval), as gain over taking the mixture for either part. No recorded singing with its parts
is at hand, so nothing here tells how well real singers come out.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any, get_args

import numpy as np
from mir_eval.separation import bss_eval_sources

from beam_jobs.media.instrumental import instrumentalness_of, vocal_cues
from beam_jobs.media.separation import Method, separated
from benchmarks.accuracy_speechiness import untrained_songs
from tests.speech_tracks import RATE, Mono, levelled, music, recorded, sung

RESULTS = Path(__file__).with_name("results")
SECONDS = 30.0
SONGS = 16
VOICE_DB = (6, 0, -6, -12)


def voice_of(kind: str, number: int, speakers: list[Path]) -> Mono:
    """Return a voice of some length at a known power."""
    if kind == "sung":
        return sung(SECONDS, seed=number)
    return levelled(recorded(speakers[number % len(speakers)], SECONDS, seed=number))


def ratios(parts: list[Mono], guesses: list[Mono]) -> Any:
    """Return the SDR of both parts in dB."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return bss_eval_sources(np.stack(parts), np.stack(guesses), compute_permutation=False)[0]


def separation(kinds: list[str], songs: list[Path], speakers: list[Path]) -> list[dict[str, Any]]:
    """Return the gain of each method for each kind of voice."""
    table = []
    for method in get_args(Method):
        for kind in kinds:
            gains, spent = [], 0.0
            for number, song in enumerate(songs[:SONGS]):
                rest, voice = levelled(music(song, SECONDS, seed=number)), voice_of(kind, number, speakers)
                length = min(len(rest), len(voice))
                rest, voice = rest[:length], voice[:length]
                mixed = rest + voice
                begin = time.process_time()
                pairs = list(separated(iter([mixed[:, None]]), RATE, method))
                spent += time.process_time() - begin
                guesses = [np.concatenate(part)[:, 0] for part in zip(*pairs, strict=True)]
                gains.append(ratios([voice, rest], guesses) - ratios([voice, rest], [mixed, mixed]))
            mean, worst = np.mean(gains, axis=0), np.min(gains, axis=0)
            table.append(
                {
                    "method": method, "voice": kind, "songs": len(gains),
                    "vocals_gain_db": round(float(mean[0]), 2), "vocals_worst_db": round(float(worst[0]), 2),
                    "accompaniment_gain_db": round(float(mean[1]), 2),
                    "accompaniment_worst_db": round(float(worst[1]), 2),
                    "cpu_s_per_minute": round(spent / (SECONDS * len(gains)) * 60, 3),
                }
            )  # fmt: skip
    return table


def scores(kinds: list[str], songs: list[Path], speakers: list[Path]) -> list[dict[str, Any]]:
    """Return how often instrumentalness is on the right side of a half."""
    found: dict[tuple[str, int | None], list[float]] = {}
    for number, song in enumerate(songs):
        rest = levelled(music(song, SECONDS, seed=number))
        cases = [("none", None), *((kind, level) for kind in kinds for level in VOICE_DB)]
        for kind, level in cases:
            mixed = rest.copy()
            if level is not None:
                voice = voice_of(kind, 500 + number, speakers)[: len(mixed)]
                mixed[: len(voice)] += 10 ** (level / 20) * voice
            cues = vocal_cues(iter([mixed[:, None]]))
            found.setdefault((kind, level), []).append(instrumentalness_of(cues) if cues else 1.0)
    return [
        {
            "voice": kind, "level_db": level, "pieces": len(values),
            "right": round(float(np.mean([(value > 0.5) == (level is None) for value in values])), 3),
            "median": round(float(np.median(values)), 3),
        }
        for (kind, level), values in found.items()
    ]  # fmt: skip


def as_markdown(found: dict[str, Any]) -> str:
    """Return the result as a page."""
    parts = "\n".join(
        f"| `{row['method']}` | {row['voice']} "
        f"| {row['vocals_gain_db']:+.1f} ({row['vocals_worst_db']:+.1f}) "
        f"| {row['accompaniment_gain_db']:+.1f} ({row['accompaniment_worst_db']:+.1f}) "
        f"| {row['cpu_s_per_minute']} |"
        for row in found["separation"]
    )
    heard = "\n".join(
        f"| {row['voice']} | {'–' if row['level_db'] is None else format(row['level_db'], '+d')} "
        f"| {row['pieces']} | {row['right']:.1%} | {row['median']:.3f} |"
        for row in found["instrumentalness"]
    )
    return f"""# Separating vocals, and hearing whether there are any

A voice over real songs, {SECONDS:.0f} s each, mono at 16 kHz.
`python -m benchmarks.accuracy_separation` repeats it.

Gain in signal-to-distortion ratio over the mixture, dB, mean of {SONGS} songs (worst song), voice as loud as
the song:

| method | voice | vocals | accompaniment | CPU s per minute |
|---|---|---|---|---|
{parts}

`instrumentalness` on the right side of 0.5:

| voice | level over the song, dB | pieces | right | median score |
|---|---|---|---|---|
{heard}

Singing is synthetic (formants on gliding notes with vibrato): no recorded singing with its parts is at
hand, so this does not tell how well real singers come out.
"""


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--speakers", type=Path, nargs="*", default=[])
    args = parser.parse_args()
    songs = untrained_songs()
    kinds = ["sung", *(["spoken"] if args.speakers else [])]
    found = {
        "separation": separation(kinds, songs, args.speakers),
        "instrumentalness": scores(kinds, songs[:24], args.speakers),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy_separation.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "accuracy_separation.md").write_text(as_markdown(found))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
