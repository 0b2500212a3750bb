"""How well a song is recognised: after MP3, under noise, from five seconds; and how often wrongly.

::

    python -m benchmarks.accuracy_fingerprint

From each real song (``scripts/real_songs.sh``) an excerpt is cut at random, damaged and searched in an
index of all songs. A recall counts when the best match is the song, and *in place* when also its offset is
right to 0.2 s (music that repeats itself is found at any of its repetitions). False matches are counted by
searching every excerpt in an index without its song. Where ``fpcalc`` is installed Chromaprint is measured
beside it, on the same excerpts: matched by the least bit error over all offsets, under the usual 0.35.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from beam_jobs.media.fingerprints import MIN_SCORE, FingerprintIndex
from beam_jobs.media.landmarks import RATE, Landmarks, find_landmarks
from tests.damaged import mp3, noisy
from tests.real_songs import real_songs
from tests.samples import Samples

RESULTS = Path(__file__).with_name("results")
SHORTEST_S = 30
EXCERPTS_S = (5, 10)
BIT_ERROR = 0.35
FPCALC = shutil.which("fpcalc")

Damage = Callable[[Samples, int], Samples]
DAMAGES: dict[str, Damage] = {
    "cut only": lambda data, rate: data,
    "MP3 64 kbit/s": lambda data, rate: mp3(data, rate=rate, kbit=64),
    "noise, 10 dB": lambda data, rate: noisy(data, snr_db=10),
    "noise, 0 dB": lambda data, rate: noisy(data, snr_db=0),
    "MP3 64 kbit/s and noise, 10 dB": lambda data, rate: noisy(mp3(data, rate=rate, kbit=64), snr_db=10),
}


def landmarks(data: Samples, rate: int) -> Landmarks:
    """Return the landmarks of samples."""
    return find_landmarks(iter([soxr.resample(data.mean(axis=1), rate, RATE)[:, None]]))


def chromaprint(data: Samples, rate: int) -> np.ndarray:
    """Return what ``fpcalc -raw`` says."""
    assert FPCALC is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "excerpt.wav")
        soundfile.write(path, data, rate)
        done = subprocess.run(
            [FPCALC, "-raw", "-json", "-length", "0", path], capture_output=True, text=True, check=False
        )
        assert done.stdout, done.stderr  # it ends with 3 when FFmpeg tells it of the end of the file
    return np.array(json.loads(done.stdout)["fingerprint"], dtype=np.int64).astype(np.uint32)


def bit_error(query: np.ndarray, known: np.ndarray) -> float:
    """Return the least share of differing bits over all places of ``query`` in ``known``."""
    if not len(query) or len(known) < len(query):
        return 1.0
    windows = np.lib.stride_tricks.sliding_window_view(known, len(query))
    return float(np.bitwise_count(windows ^ query).mean(axis=1).min()) / 32


def excerpts(songs: list[Path]) -> Iterator[tuple[int, float, int, Samples]]:
    """Yield song, place in seconds, rate and samples of a long excerpt."""
    drawn = np.random.default_rng(0)
    for number, song in enumerate(songs):
        info = soundfile.info(song)
        start = int(drawn.integers(0, info.frames - max(EXCERPTS_S) * info.samplerate))
        data, rate = soundfile.read(
            song, start=start, frames=max(EXCERPTS_S) * info.samplerate, dtype="float32", always_2d=True
        )
        yield number, start / rate, rate, data


def build(songs: list[Path]) -> tuple[FingerprintIndex, list[np.ndarray], dict[str, Any]]:
    """Index all songs; say what that took."""
    index, others, spent, seconds, kept = FingerprintIndex(), [], 0.0, 0.0, 0
    for number, song in enumerate(songs):
        data, rate = soundfile.read(song, dtype="float32", always_2d=True)
        begin = time.process_time()
        found = landmarks(data, rate)
        spent += time.process_time() - begin
        index.add(str(number), found)
        seconds += len(data) / rate
        kept += len(found.frames)
        if FPCALC:
            others.append(chromaprint(data, rate))
    facts = {
        "songs": len(songs), "media_minutes": round(seconds / 60, 1),
        "landmarks_per_s": round(kept / seconds, 1),
        "cpu_s_per_minute_without_decoding": round(spent / seconds * 60, 4),
    }  # fmt: skip
    return index, others, facts


def measure(songs: list[Path]) -> dict[str, Any]:
    """Search every excerpt, damaged in every way."""
    index, others, facts = build(songs)
    rows: list[dict[str, Any]] = []
    wrong_scores: list[float] = []
    searched = 0.0
    for number, at, rate, whole in excerpts(songs):
        for seconds in EXCERPTS_S:
            for name, damage in DAMAGES.items():
                data = damage(whole[: seconds * rate], rate)
                query = landmarks(data, rate)
                begin = time.process_time()
                found = index.match(query, min_score=0)
                searched += time.process_time() - begin
                mine = next((match for match in found if match.item == str(number)), None)
                other = max((match.score for match in found if match.item != str(number)), default=0.0)
                wrong_scores.append(other)
                best = bool(found) and found[0] is mine and found[0].score >= MIN_SCORE
                row: dict[str, Any] = {
                    "damage": name, "seconds": seconds, "song": songs[number].stem,
                    "recalled": best,
                    "in_place": best and mine is not None and abs(mine.offset_s - at) < 0.2,
                    "score": mine.score if mine else 0.0, "other": other,
                }  # fmt: skip
                if FPCALC:
                    asked = chromaprint(data, rate)
                    errors = [bit_error(asked, known) for known in others]
                    row["bit_error"] = errors[number]
                    row["bit_error_first"] = int(np.argmin(errors)) == number
                    wrong = min(value for place, value in enumerate(errors) if place != number)
                    row["bit_error_other"] = wrong
                rows.append(row)
        print(number, songs[number].stem, file=sys.stderr, flush=True)
    return {
        **facts, "min_score": MIN_SCORE, "searches": len(rows),
        "cpu_ms_per_search": round(1000 * searched / len(rows), 2),
        "false_matches": sum(score >= MIN_SCORE for score in wrong_scores),
        "greatest_wrong_score": max(wrong_scores),
        "chromaprint_false_matches": sum(row.get("bit_error_other", 1) < BIT_ERROR for row in rows),
        "table": [
            summary(name, seconds, rows) for seconds in EXCERPTS_S for name in DAMAGES
        ],
        "rows": rows,
    }  # fmt: skip


def summary(name: str, seconds: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one line of the table."""
    mine = [row for row in rows if (row["damage"], row["seconds"]) == (name, seconds)]
    line: dict[str, Any] = {
        "damage": name, "seconds": seconds,
        "recall": round(sum(row["recalled"] for row in mine) / len(mine), 4),
        "in_place": round(sum(row["in_place"] for row in mine) / len(mine), 4),
        "median_score": round(float(np.median([row["score"] for row in mine])), 3),
    }  # fmt: skip
    if FPCALC:
        right = [row["bit_error_first"] and row["bit_error"] < BIT_ERROR for row in mine]
        line["chromaprint_recall"] = round(sum(right) / len(mine), 4)
    return line


def as_markdown(found: dict[str, Any]) -> str:
    """Return the result as a page."""
    rows = "\n".join(
        f"| {line['seconds']} s | {line['damage']} | {line['recall']:.1%} | {line['in_place']:.1%} "
        f"| {line['median_score']:.3f} | "
        + (f"{line['chromaprint_recall']:.1%}" if "chromaprint_recall" in line else "–")
        + " |"
        for line in found["table"]
    )
    return f"""# Recognising songs by their sound

{found["songs"]} real songs, {found["media_minutes"]} minutes; {found["searches"]} searches.
`python -m benchmarks.accuracy_fingerprint` repeats it.

| excerpt | damage | recall | in place | median score | Chromaprint |
|---|---|---|---|---|---|
{rows}

False matches when the song is not in the index: {found["false_matches"]} of {found["searches"]} (greatest
score {found["greatest_wrong_score"]}, accepted from {found["min_score"]}).
{found["landmarks_per_s"]} landmarks a second;
{found["cpu_s_per_minute_without_decoding"]} CPU seconds per minute of audio beside decoding;
{found["cpu_ms_per_search"]} ms per search.

*In place*: the offset is right to 0.2 s; music that repeats itself is found at another repetition.
*Chromaprint*: `fpcalc -raw`, the song has the least bit error of all, under {BIT_ERROR}; without the song in
the index {found["chromaprint_false_matches"]} searches find another one. It is made for whole files, not for
excerpts.
"""


def main() -> None:
    """Measure and write the result."""
    songs = [song for song in real_songs() if soundfile.info(song).duration >= SHORTEST_S]
    if not songs:
        raise SystemExit("no real songs here; scripts/real_songs.sh brings them")
    found = measure(songs)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy_fingerprint.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "accuracy_fingerprint.md").write_text(as_markdown(found))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
