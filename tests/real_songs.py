"""Real songs, where the machine has them: music of free games that Debian packages.

``scripts/real_songs.sh`` brings them to ``build/real_songs``; ``MEDIA_REAL_SONGS`` names another folder.
"""

from __future__ import annotations

import os
from pathlib import Path

SUFFIXES = {".ogg", ".mp3", ".flac", ".opus", ".m4a", ".wav"}
_FOLDER = Path(__file__).parent.parent / "build" / "real_songs"


def real_songs(limit: int | None = None) -> list[Path]:
    """Return the songs in a fixed order, none when they are not there.

    :param limit: so many, spread over all.
    """
    folder = Path(os.environ.get("MEDIA_REAL_SONGS") or _FOLDER)
    songs = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    if limit is None or len(songs) <= limit:
        return songs
    return [songs[number * len(songs) // limit] for number in range(limit)]
