"""Real songs, where the machine has them: music of free games that Debian packages.

``scripts/real_songs.sh`` brings them to ``build/real_songs``; ``MEDIA_REAL_SONGS`` names another folder.
"""

from __future__ import annotations

import os
from pathlib import Path

SUFFIXES = {".ogg", ".mp3", ".flac", ".opus", ".m4a", ".wav"}
_FOLDER = Path(__file__).parent.parent / "build" / "real_songs"


def real_scores() -> list[Path]:
    """Return the songs that are MIDI files in a fixed order, none when they are not there."""
    return sorted(_folder().rglob("*.mid"))


def real_songs(limit: int | None = None) -> list[Path]:
    """Return the songs in a fixed order, none when they are not there.

    :param limit: so many, spread over all.
    """
    songs = sorted(path for path in _folder().rglob("*") if path.suffix in SUFFIXES)
    if limit is None or len(songs) <= limit:
        return songs
    return [songs[number * len(songs) // limit] for number in range(limit)]


def _folder() -> Path:
    return Path(os.environ.get("MEDIA_REAL_SONGS") or _FOLDER)
