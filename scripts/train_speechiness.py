"""Train the classifier of the step ``speechiness``; writes ``beam_jobs/media/speech_model.json``.

::

    apt-get download asterisk-core-sounds-{en,it}-g722 ufoai-music   # unpack by dpkg-deb -x, unzip the .pk3
    python -m scripts.train_speechiness --speech FOLDER_OF_A_SPEAKER... --music FOLDER...

Learns from ``espeak-ng`` voices, people (each folder one speaker, ``.g722``) and music without speech, over
each other at -3 to 20 dB, narrow and full band, clean and noisy. Voices and songs of the tests and of
``benchmarks/accuracy_speechiness.py`` are not among them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt
from sklearn.neural_network import MLPClassifier

from beam_jobs.media.speech_features import HOP, RATE, STEP, speech_windows
from tests import samples
from tests.speech_tracks import Mono, Track, at_rate, music, recorded, spoken, track, trimmed

MODEL = Path(__file__).parent.parent / "beam_jobs" / "media" / "speech_model.json"
VOICES = (
    "en-us", "en-gb+f1", "en-us+m1", "de+m3", "de+f2", "fr+f3", "it+m2", "es+f1", "pl+m4", "ru+f2",
    "en-gb-scotland", "en-us+klatt", "en-us+grandma", "pt+m1", "cs+f3", "en-gb+belinda", "en-us+adam",
)  # fmt: skip
TRACKS, TRACK_S = 420, 24.0
HIDDEN = 20
HALF = 0.5
MUSIC, SYNTHESISED, NOISE = 0.72, 0.82, 0.86
"""Cumulated shares of backgrounds; the rest is silence."""


def roughened(made: Track, drawn: np.random.Generator) -> Track:
    """Limit the band, add noise, change the level: none of these tells speech from music."""
    data = made.samples
    if drawn.random() < HALF:
        sections = butter(4, drawn.uniform(3000, 7500), fs=RATE, output="sos")
        data = sosfilt(sections, data)
    if drawn.random() < HALF:
        data = sosfilt(butter(1, drawn.uniform(60, 400), "high", fs=RATE, output="sos"), data)
    noise = drawn.standard_normal(len(data)) * 10 ** (drawn.uniform(-85, -50) / 20)
    gain = 10 ** (drawn.uniform(-15, 6) / 20)
    return Track(samples=(gain * (data + noise)).astype(np.float32), speech_s=made.speech_s)


def voice(speakers: list[Path], drawn: np.random.Generator) -> Mono:
    """Return a stretch of one voice."""
    seconds = drawn.uniform(2, 9)
    if drawn.random() < HALF:
        return recorded(speakers[drawn.integers(len(speakers))], seconds, seed=int(drawn.integers(1 << 30)))
    first = int(drawn.integers(0, 9))
    whole = trimmed(
        spoken(
            str(drawn.choice(VOICES)), sentences=slice(first, first + 4),
            speed=int(drawn.integers(120, 210)), pitch=int(drawn.integers(25, 80)),
        )
    )  # fmt: skip
    return whole[: round(seconds * RATE)]


def background(songs: list[Path], drawn: np.random.Generator) -> Mono | None:
    """Return music, seldom synthesised music, noise or silence."""
    seed, kind = int(drawn.integers(1 << 30)), drawn.random()
    if kind < MUSIC:
        return music(songs[drawn.integers(len(songs))], TRACK_S, seed=seed)
    if kind < SYNTHESISED:
        return at_rate(samples.song(drawn.uniform(70, 170), TRACK_S, seed=seed)[0].mean(axis=1), samples.RATE)
    if kind < NOISE:
        return samples.noise(TRACK_S, rate=RATE, seed=seed)[:, 0]
    return None


def examples(
    speakers: list[Path], songs: list[Path]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return features and truth of many windows."""
    drawn = np.random.default_rng(7)
    features, truths = [], []
    for number in range(TRACKS):
        voices = [voice(speakers, drawn) for _ in range(int(drawn.integers(0, 4)))]
        made = track(
            background(songs, drawn),
            voices,
            seconds=TRACK_S,
            snr_db=float(drawn.uniform(-3, 20)),
            seed=number,
        )
        made = roughened(made, drawn)
        found = np.concatenate([part for part, _ in speech_windows(iter([made.samples[:, None]]))])
        truth = made.truth(STEP * HOP / RATE)
        features.append(found[: len(truth)])
        truths.append(truth[: len(found)])
    return np.concatenate(features), np.concatenate(truths)


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--speech", type=Path, nargs="+", required=True)
    parser.add_argument("--music", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    songs = sorted(song for folder in args.music for song in folder.rglob("*.ogg"))
    features, truth = examples(args.speech, songs)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    network = MLPClassifier(
        (HIDDEN,), alpha=0.3, early_stopping=True, max_iter=200, random_state=0, learning_rate_init=3e-3
    )
    network.fit(np.clip((features - mean) / scale, -5, 5), truth)
    print(len(truth), "windows,", truth.mean(), "speech, validation", network.best_validation_score_)
    first, second = network.coefs_
    MODEL.write_text(
        json.dumps(
            {
                "mean": _rounded(mean), "scale": _rounded(scale), "hidden": _rounded(first),
                "hidden_bias": _rounded(network.intercepts_[0]), "out": _rounded(second[:, 0]),
                "out_bias": float(network.intercepts_[1][0]),
            }
        ) + "\n"
    )  # fmt: skip


def _rounded(values: npt.NDArray[np.floating]) -> object:
    return np.vectorize(lambda value: float(f"{value:.5g}"))(values).tolist()


if __name__ == "__main__":
    main()
