"""Loudness of whole real songs and of made ones, beside FFmpeg's ``ebur128``, libebur128 and pyloudnorm.

::

    python -m benchmarks.accuracy_loudness

Needs ``ffmpeg`` and real songs (``scripts/real_songs.sh``). CPU is of the meters alone, on one minute of
decoded stereo.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyebur128
import pyloudnorm
import soundfile

from beam_jobs.media.audio import BLOCK_FRAMES
from beam_jobs.media.loudness import LoudnessMeter
from tests.loudness_meters import FFMPEG, by_ffmpeg, range_of
from tests.real_songs import real_songs
from tests.samples import Samples
from tests.step_calls import call_step

RESULTS = Path(__file__).with_name("results")
SHORTEST_S = 20
MODES = (
    pyebur128.MeasurementMode.MODE_I
    | pyebur128.MeasurementMode.MODE_LRA
    | pyebur128.MeasurementMode.MODE_TRUE_PEAK
)


def by_libebur128(data: Samples, rate: int) -> tuple[float, float, float]:
    """Return integrated loudness, range and true peak."""
    state = pyebur128.R128State(data.shape[1], rate, MODES)
    state.add_frames(np.ascontiguousarray(data, np.float64).ravel(), len(data))
    peak = max(pyebur128.get_true_peak(state, channel) for channel in range(data.shape[1]))
    return (
        pyebur128.get_loudness_global(state), pyebur128.get_loudness_range(state), float(20 * np.log10(peak)),
    )  # fmt: skip


def compare(song: Path) -> dict[str, Any]:
    """Return the differences of one song, this meter's value less the other's."""
    told = call_step("loudness", audio=song)[0]
    data, rate = soundfile.read(song, dtype="float32", always_2d=True)
    with tempfile.TemporaryDirectory() as folder:  # the same samples for all; FFmpeg refuses some Ogg files
        path = Path(folder, "decoded.wav")
        soundfile.write(path, data, rate, subtype="FLOAT")
        ffmpeg = by_ffmpeg(path)
    integrated, loudness_range, peak = by_libebur128(data, rate)
    plain = pyloudnorm.Meter(rate).integrated_loudness(data.astype(np.float64))
    return {
        "song": song.stem,
        "integrated_lufs": told["integrated_lufs"],
        "integrated_ffmpeg": told["integrated_lufs"] - ffmpeg.integrated_lufs,
        "integrated_libebur128": told["integrated_lufs"] - integrated,
        "integrated_pyloudnorm": told["integrated_lufs"] - plain,
        "range_ffmpeg": told["loudness_range_lu"] - ffmpeg.range_lu,
        "range_ffmpeg_full_windows": told["loudness_range_lu"] - range_of(ffmpeg.short_term_lufs),
        "range_libebur128": told["loudness_range_lu"] - loudness_range,
        "true_peak_ffmpeg": told["true_peak_dbtp"] - ffmpeg.true_peak_dbtp,
        "true_peak_libebur128": told["true_peak_dbtp"] - peak,
        "short_term_max_ffmpeg": told["short_term_max_lufs"] - ffmpeg.short_term_max_lufs,
        "momentary_max_ffmpeg": told["momentary_max_lufs"] - ffmpeg.momentary_max_lufs,
    }


def timed(song: Path) -> dict[str, float]:
    """Return CPU seconds per minute of each meter."""
    data, rate = soundfile.read(song, frames=60 * 44_100, dtype="float32", always_2d=True)
    wide = data.astype(np.float64)

    def ours() -> None:
        meter = LoudnessMeter(rate=rate, channels=data.shape[1])
        for start in range(0, len(data), BLOCK_FRAMES):
            meter.add(data[start : start + BLOCK_FRAMES])
        meter.result()

    sides: dict[str, Callable[[], object]] = {
        "this": ours,
        "libebur128": lambda: by_libebur128(data, rate),
        "pyloudnorm (integrated only)": lambda: pyloudnorm.Meter(rate).integrated_loudness(wide),
    }
    found = {}
    for name, run in sides.items():
        spent = []
        for _ in range(5):
            begin = time.process_time()
            run()
            spent.append(time.process_time() - begin)
        found[name] = round(float(np.median(spent)) / (len(data) / rate) * 60, 4)
    return found


def as_markdown(found: dict[str, Any]) -> str:
    """Return the result as a page."""
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {line['mean']:+.3f} | {line['greatest']:.3f} |"
        for name, line in found["differences"].items()
    )
    speed = ", ".join(f"{name} {seconds:.3f}" for name, seconds in found["cpu_s_per_minute"].items())
    return f"""# Loudness beside other meters

{found["songs"]} whole real songs; LU and dB, this meter's value less the other's.
`python -m benchmarks.accuracy_loudness` repeats it.

| value and meter | mean | greatest |
|---|---|---|
{rows}

FFmpeg's range counts the first windows before they are full, libebur128's looks once a second; *full windows*
is the range that follows from FFmpeg's own short-term loudness by the standard. FFmpeg tells peaks to 0.1 dB
and looks for the momentary maximum every 100 ms; this meter does every 10 ms, as cases 13 and 14 of EBU
Tech 3341 need.

CPU seconds per minute of stereo at 44.1 kHz, without decoding: {speed}.
"""


def main() -> None:
    """Measure and write the result."""
    songs = [song for song in real_songs() if soundfile.info(song).duration >= SHORTEST_S]
    if not songs or FFMPEG is None:
        raise SystemExit("real songs (scripts/real_songs.sh) and ffmpeg are needed")
    rows = []
    for song in songs:
        rows.append(compare(song))
        print(rows[-1], file=sys.stderr, flush=True)
    names = [name for name in rows[0] if name not in ("song", "integrated_lufs")]
    found = {
        "songs": len(rows),
        "differences": {
            name: {
                "mean": round(float(np.mean([row[name] for row in rows])), 4),
                "greatest": round(float(np.max(np.abs([row[name] for row in rows]))), 4),
            }
            for name in names
        },
        "cpu_s_per_minute": timed(songs[0]),
        "rows": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "accuracy_loudness.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "accuracy_loudness.md").write_text(as_markdown(found))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
