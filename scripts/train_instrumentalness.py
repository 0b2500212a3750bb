"""Fit the logistic function of the step ``instrumentalness``; writes its JSON beside it.

::

    python -m scripts.train_instrumentalness --speech FOLDER_OF_A_SPEAKER... --music FOLDER...

Music without vocals, alone and with synthetic singing or recorded speech over it at -8 to 6 dB: there is no
recorded singing among the songs. ``scripts/train_speechiness.py`` says where the folders are from.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import astuple
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from beam_jobs.media.instrumental import vocal_cues
from tests.speech_tracks import levelled, music, recorded, sung

MODEL = Path(__file__).parent.parent / "beam_jobs" / "media" / "instrumental_model.json"
SECONDS = 30.0
LOUDNESS_DB = (-8.0, 6.0)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--speech", type=Path, nargs="+", required=True)
    parser.add_argument("--music", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    songs = sorted(song for folder in args.music for song in folder.rglob("*.ogg"))
    drawn = np.random.default_rng(11)
    cues, vocal = [], []
    for number, song in enumerate(songs):
        alone = levelled(music(song, SECONDS, seed=number))
        for kind in ("none", "sung", "spoken"):
            gain = 10 ** (drawn.uniform(*LOUDNESS_DB) / 20)
            voice = np.zeros_like(alone)
            if kind == "sung":
                voice = sung(SECONDS, seed=1000 + number)[: len(alone)]
            elif kind == "spoken":
                speaker = args.speech[number % len(args.speech)]
                voice = levelled(recorded(speaker, SECONDS, seed=number))[: len(alone)]
            mixed = alone.copy()
            mixed[: len(voice)] += gain * voice
            found = vocal_cues(iter([mixed[:, None]]))
            if found is not None:
                cues.append(astuple(found))
                vocal.append(kind != "none")
    fitted = LogisticRegression(C=1.0, class_weight="balanced").fit(cues, vocal)
    print(len(vocal), "pieces; right:", fitted.score(cues, vocal))
    model = {
        "weights": [round(float(value), 5) for value in fitted.coef_[0]],
        "bias": round(float(fitted.intercept_[0]), 5),
    }
    MODEL.write_text(json.dumps(model) + "\n")


if __name__ == "__main__":
    main()
