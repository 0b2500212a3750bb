"""Whether a file was cut: by what its container tells, and by how long it plays."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from beam_jobs.media import ogg

_SIZE_AT: Final = 4
_BEFORE: Final = 8


def cut_reason(path: Path, container: str) -> str | None:
    """Say how the file at ``path`` was cut, or None when it was not or its container does not tell.

    :param container: as :func:`beam_jobs.media.sniff.sniff` names it.
    """
    if container.startswith("ogg"):
        return ogg.cut_reason(path)
    if container == "avi":
        with path.open("rb") as file:
            file.seek(_SIZE_AT)
            claimed = int.from_bytes(file.read(4), "little")
        size = path.stat().st_size - _BEFORE
        # A recorder that died leaves 0 there, and what it wrote until then is whole.
        if size < claimed:
            return f"its header claims {claimed} bytes and {size} are there"
    return None


def ends_early(reached_s: float, claimed_s: float | None) -> bool:
    """Tell whether what came ends well before what was claimed.

    A container's duration counts padding and rounds to packets.
    """
    claimed = claimed_s or 0.0
    return reached_s < claimed - max(0.5, 0.01 * claimed)
