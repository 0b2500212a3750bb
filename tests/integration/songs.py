"""Tiny songs for runs on a real Airflow: what is tested there is the way, not the sound."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

RATE = 22050


def make_songs(folder: Path, items: Iterable[str], *, seconds: float = 2.0) -> None:
    """Write one OGG Vorbis of clicks over a tone per item; ``items`` may hold ``/``."""
    import numpy as np
    import soundfile

    time = np.arange(int(seconds * RATE)) / RATE
    for index, item in enumerate(items):
        tone = 0.2 * np.sin(2 * np.pi * (220 + 20 * index) * time)
        clicks = 0.6 * np.exp(-40 * (time % 0.5))
        path = folder / f"{item}.ogg"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, (tone + clicks * tone).astype(np.float32), RATE, format="OGG", subtype="VORBIS")


def spoil(folder: Path, item: str) -> None:
    """Turn an item's song into text that only its name calls audio."""
    (folder / f"{item}.ogg").write_text("this is no song\n" * 50)
