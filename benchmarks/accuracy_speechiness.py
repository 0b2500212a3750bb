"""How well speech is found: in silence, over music, and in music without any.

::

    python -m benchmarks.accuracy_speechiness [--speakers FOLDER...]

Tracks of a minute hold two to four stretches of speech at known places: ``espeak-ng`` voices that the
classifier was not trained on, and people (``--speakers``: each a folder of ``.g722``; Debian's
``asterisk-core-sounds-fr-g722`` and ``-ru-g722``), over real songs that it was not trained on
(``scripts/real_songs.sh``, without the even songs of Wesnoth). Frames are 0.1 s.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from beam_jobs.media.speech import STEP_S, find_speech
from tests.real_songs import real_songs
from tests.speech_tracks import RATE, Mono, Track, music, recorded, spoken, track

RESULTS = Path(__file__).with_name("results")
VOICES = ("en-us+f4", "en-gb+m7", "nl+f5", "sv+m6", "en-us+Alex", "tr+f1", "en-gb+whisper", "hu+m2")
LEVELS_DB = (None, 20, 10, 5, 0, -5)
TRACK_S = 60.0
FRAME_S = 0.1


def untrained_songs() -> list[Path]:
    """Return the real songs that the classifier did not learn from."""
    songs = [song for song in real_songs() if soundfile.info(song).duration > TRACK_S]
    wesnoth = sorted(song for song in real_songs() if "wesnoth" in song.parts)
    learnt = set(wesnoth[1::2])
    return [song for song in songs if song not in learnt]


def voices_of(kind: str, speakers: list[Path], number: int) -> list[Mono]:
    """Return two to four stretches of one voice."""
    drawn = np.random.default_rng(number)
    count = int(drawn.integers(2, 5))
    if kind == "people":
        folder = speakers[number % len(speakers)]
        return [recorded(folder, drawn.uniform(4, 10), seed=100 * number + k) for k in range(count)]
    voice = VOICES[number % len(VOICES)]
    return [
        spoken(voice, sentences=slice(2 * k, 2 * k + 2), speed=int(drawn.integers(130, 190)))[: 10 * RATE]
        for k in range(count)
    ]


def score(made: Track) -> tuple[int, int, int, float]:
    """Return frames rightly, wrongly and not found to be speech, and the error of the share."""
    found = find_speech(iter([made.samples[:, None]]))
    truth = made.truth(FRAME_S)
    heard = np.zeros(len(truth), bool)
    for begin, end in found.segments:
        heard[round(begin * STEP_S / FRAME_S) : round(end * STEP_S / FRAME_S)] = True
    return (
        int((heard & truth).sum()), int((heard & ~truth).sum()), int((~heard & truth).sum()),
        float(heard.mean() - truth.mean()),
    )  # fmt: skip


def measure(
    kind: str, snr_db: int | None, songs: list[Path], speakers: list[Path], tracks: int
) -> dict[str, Any]:
    """Score some tracks of one kind."""
    right = wrong = missed = 0
    errors = []
    for number in range(tracks):
        song = None if snr_db is None else music(songs[number % len(songs)], TRACK_S, seed=number)
        voices = voices_of(kind, speakers, number)
        made = track(song, voices, seconds=TRACK_S, snr_db=snr_db or 0, seed=number)
        counts = score(made)
        right, wrong, missed = right + counts[0], wrong + counts[1], missed + counts[2]
        errors.append(abs(counts[3]))
    return {
        "speech": kind, "over": "silence" if snr_db is None else f"music, {snr_db:+d} dB", "tracks": tracks,
        "precision": round(right / max(1, right + wrong), 3),
        "recall": round(right / max(1, right + missed), 3),
        "f1": round(2 * right / max(1, 2 * right + wrong + missed), 3),
        "share_error": round(float(np.mean(errors)), 3),
        "share_error_max": round(max(errors), 3),
    }  # fmt: skip


def without_speech(songs: list[Path]) -> dict[str, Any]:
    """Tell how much of whole songs without speech is taken for speech."""
    shares = []
    for song in songs:
        heard = music(song, soundfile.info(song).duration, seed=0)
        found = find_speech(iter([heard[:, None]]))
        shares.append(sum(end - begin for begin, end in found.segments) / max(1, len(found.likelihood)))
    worst = sorted(zip(shares, [song.stem for song in songs], strict=True), reverse=True)[:5]
    return {
        "songs": len(songs), "mean_share": round(float(np.mean(shares)), 4),
        "songs_over_5_percent": sum(share > 0.05 for share in shares),
        "worst": [[name, round(share, 3)] for share, name in worst],
    }  # fmt: skip


def as_markdown(found: dict[str, Any]) -> str:
    """Return the result as a page."""
    rows = "\n".join(
        f"| {row['speech']} | {row['over']} | {row['tracks']} | {row['f1']:.3f} | {row['precision']:.3f} "
        f"| {row['recall']:.3f} | {row['share_error']:.3f} | {row['share_error_max']:.3f} |"
        for row in found["table"]
    )
    music_only = found["music"]
    worst = ", ".join(f"{name} {share:.1%}" for name, share in music_only["worst"])
    return f"""# Finding speech

Tracks of a minute with two to four stretches of speech at known places; frames of 0.1 s.
`python -m benchmarks.accuracy_speechiness` repeats it.

| speech | over | tracks | F1 | precision | recall | error of the share, mean | max |
|---|---|---|---|---|---|---|---|
{rows}

{music_only["songs"]} whole songs, believed to be without speech: {music_only["mean_share"]:.2%} of their time
is taken for speech; more than 5 % in {music_only["songs_over_5_percent"]} songs (worst: {worst}).
"""


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--speakers", type=Path, nargs="*", default=[])
    parser.add_argument("--tracks", type=int, default=16)
    args = parser.parse_args()
    songs = untrained_songs()
    kinds = ["espeak-ng", *(["people"] if args.speakers else [])]
    found = {
        "table": [
            measure(kind, level, songs, args.speakers, args.tracks) for kind in kinds for level in LEVELS_DB
        ],
        "music": without_speech(songs),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy_speechiness.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "accuracy_speechiness.md").write_text(as_markdown(found))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
