"""Loudness as other meters tell it."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

FFMPEG = shutil.which("ffmpeg")
_NUMBER = r"(-?(?:\d+(?:\.\d+)?|inf|nan))"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a meter says of a file; loudness to 0.001, peaks to 0.1.

    :param short_term_lufs: one value per 100 ms, of full windows only.
    """

    integrated_lufs: float
    range_lu: float
    momentary_max_lufs: float
    short_term_max_lufs: float
    true_peak_dbtp: float
    short_term_lufs: tuple[float, ...]


def by_ffmpeg(path: Path) -> Told:
    """Ask FFmpeg's ``ebur128``.

    The summary has one digit, which is too few to compare with, so loudness is taken from the metadata of
    the frames, which has three.
    """
    assert FFMPEG is not None
    done = subprocess.run(
        [
            FFMPEG, "-nostdin", "-hide_banner", "-nostats", "-protocol_whitelist", "file,pipe", "-i", path,
            "-map", "0:a:0",
            "-af", "ebur128=metadata=1:peak=true:framelog=verbose,ametadata=print:file=-", "-f", "null", "-",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    series = {
        key: [float(text) for text in re.findall(rf"lavfi\.r128\.{key}={_NUMBER}", done.stdout)]
        for key in ("I", "LRA", "M", "S")
    }
    peak = re.findall(rf"Peak:\s+{_NUMBER} dBFS", done.stderr)
    return Told(
        integrated_lufs=series["I"][-1], range_lu=series["LRA"][-1], momentary_max_lufs=max(series["M"]),
        short_term_max_lufs=max(series["S"]), true_peak_dbtp=float(peak[-1]),
        short_term_lufs=tuple(series["S"][29:]),
    )  # fmt: skip


def range_of(short_term: tuple[float, ...]) -> float:
    """Return the loudness range of short-term loudness, by the words of EBU Tech 3342.

    FFmpeg's own range counts windows at the beginning that are not full yet, which in a short file is much.
    """
    heard = [level for level in short_term if level > -70]
    if not heard:
        return 0.0
    mean = 10 * math.log10(sum(10 ** (level / 10) for level in heard) / len(heard))
    kept = sorted(level for level in heard if level >= mean - 20)
    return kept[round(0.95 * (len(kept) - 1))] - kept[round(0.10 * (len(kept) - 1))]
