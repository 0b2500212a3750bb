"""How exact resampling is, beside librosa's default, SciPy's and FFmpeg's.

::

    python -m benchmarks.resampling

Tones and sweeps go through each: ripple and gain at the end of the passband, aliases and images, what else is
added, delay. Then: whether the length is exact, whether blocks give what the whole gives, and the CPU.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from math import gcd
from pathlib import Path
from typing import Any, Final

import av
import librosa
import numpy as np
import scipy.signal
import soxr

from beam_jobs.media.audio import BLOCK_FRAMES
from beam_jobs.media.resample import resampled
from tests.resampling_measures import PASSBAND, Resampler, Wave, measure, sweep_error_db

RESULTS = Path(__file__).with_name("results")
RATES: Final = (
    (44_100, 22_050), (48_000, 22_050), (96_000, 22_050), (44_100, 16_000), (48_000, 16_000),
    (48_000, 44_100), (44_100, 48_000), (22_050, 44_100), (8_000, 22_050),
)  # fmt: skip
BLOCKS: Final = (1, 100, 1000, 4096, BLOCK_FRAMES, 1_000_000)
LENGTHS: Final = 300


def streamed(samples: Wave, rate: int, wanted: int, *, block: int = BLOCK_FRAMES) -> Wave:
    """Resample as ``downsample`` does."""
    blocks = (samples[start : start + block, None] for start in range(0, len(samples), block))
    return np.concatenate(list(resampled(blocks, rate, wanted)))[:, 0]


def by_librosa(samples: Wave, rate: int, wanted: int) -> Wave:
    """Resample by librosa's default, ``soxr_hq``."""
    return librosa.resample(samples, orig_sr=rate, target_sr=wanted)


def by_scipy(samples: Wave, rate: int, wanted: int) -> Wave:
    """Resample by SciPy's polyphase filter with its default window."""
    common = gcd(rate, wanted)
    made: Wave = scipy.signal.resample_poly(samples, wanted // common, rate // common).astype(np.float32)
    return made


def by_ffmpeg(samples: Wave, rate: int, wanted: int) -> Wave:
    """Resample by FFmpeg's libswresample with its defaults."""
    frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
    frame.sample_rate = rate
    fit = av.AudioResampler(format="flt", layout="mono", rate=wanted)
    return np.concatenate([part.to_ndarray()[0] for part in (*fit.resample(frame), *fit.resample(None))])


SIDES: Final[dict[str, Resampler]] = {
    "downsample": streamed,
    "librosa, default": by_librosa,
    "SciPy, polyphase": by_scipy,
    "FFmpeg, default": by_ffmpeg,
}


def exactness(rate: int, wanted: int) -> dict[str, Any]:
    """Hold tones and sweeps against what should come."""
    told = {}
    for name, side in SIDES.items():
        in_sweep, beyond = sweep_error_db(side, rate, wanted)
        of_tones = asdict(measure(side, rate, wanted, tones=60))
        told[name] = {**of_tones, "sweep_error_db": in_sweep, "sweep_beyond_db": beyond}
    return {"rate": rate, "wanted": wanted, "sides": told}


def lengths() -> int:
    """Return how many of random lengths between random rates are not exact."""
    drawn = np.random.default_rng(0)
    wrong = 0
    for _ in range(LENGTHS):
        rate, wanted = (int(value) for value in drawn.integers(8_000, 96_001, 2))
        frames = int(drawn.integers(1, 200_000))
        made = len(streamed(np.zeros(frames, np.float32), rate, wanted))
        wrong += made != max(1, round(frames * wanted / rate))
    return wrong


def at_once(samples: Wave, rate: int, wanted: int) -> Wave:
    """Resample in one call of libsoxr; ``soxr.resample`` cuts long input into chunks itself."""
    return np.asarray(soxr._resample_oneshot(samples, rate, wanted, "HQ"))


def blocks_against_whole() -> float:
    """Return the greatest difference between blocks of any size and the whole at once; full scale is 1."""
    noise = (0.25 * np.random.default_rng(0).standard_normal(441_000)).astype(np.float32)
    greatest = 0.0
    for rate, wanted in RATES:
        for block in BLOCKS:
            short = noise[: 50_000 if block < 1000 else None]
            once = at_once(short, rate, wanted)
            made = streamed(short, rate, wanted, block=block)
            both = min(len(made), len(once))
            greatest = max(greatest, float(np.abs(made[:both] - once[:both]).max()))
    return greatest


def cpu_ms_per_minute(rate: int, wanted: int) -> dict[str, float]:
    """Return the CPU of one channel's minute, median of five."""
    minute = (0.25 * np.random.default_rng(0).standard_normal(60 * rate)).astype(np.float32)
    found = {}
    for name, side in SIDES.items():
        spent = []
        for _ in range(5):
            begin = time.process_time()
            side(minute, rate, wanted)
            spent.append(time.process_time() - begin)
        found[name] = round(1000 * float(np.median(spent)), 1)
    return found


def as_markdown(found: dict[str, Any]) -> str:
    """Return the result as a page."""
    rows = "\n".join(
        row(f"{pair['rate']:,} to {pair['wanted']:,}", name, told, down=pair["wanted"] < pair["rate"])
        for pair in found["rates"]
        for name, told in pair["sides"].items()
    )
    blocks = ", ".join(f"{block:,}" for block in BLOCKS)
    cpu = ", ".join(f"{name} {spent:g}" for name, spent in found["cpu_ms_per_minute"].items())
    return f"""# Resampling, beside others

The passband is {PASSBAND:.0%} of half the lower rate. *Ripple* and *at the edge* are of 60 tones from 20 Hz
to its end. *Aliases* is by how much the strongest alias of tones from half the new rate up is below the tone
(upwards, the strongest image); *rest* is the same for all that is added to tones in the passband, with the
rounding of float32. *Delay* is the greatest over the passband, in frames of the new rate. *Sweep*: greatest
difference from the same sweep computed at the new rate, and the greatest sample once it is past half the new
rate. `python -m benchmarks.resampling` repeats it.

| Hz | by | ripple, dB | at the edge, dB | aliases, dB | rest, dB | delay, frames | sweep, dB | past it, dB |
|---|---|---|---|---|---|---|---|---|
{rows}

- Lengths of `downsample` that are not `round(frames * new / old)`, of {LENGTHS} random ones between random
  rates: {found["wrong_lengths"]}.
- Greatest difference between blocks (of {blocks} frames) and libsoxr's call for
  the whole at once, over all these rates, full scale being 1: {found["blocks_against_whole"]:.1e}.
- CPU ms for a minute of one channel, 44,100 to 22,050: {cpu}.
"""


def row(rates: str, name: str, told: dict[str, float], *, down: bool) -> str:
    """Return a row of the table; upwards no part of a sweep is past half the new rate."""
    parts = (
        rates, name, f"{told['ripple_db']:.4f}", f"{told['at_edge_db']:+.4f}", f"{told['rejection_db']:.0f}",
        f"{told['clean_db']:.0f}", f"{told['delay']:.5f}", f"{told['sweep_error_db']:.0f}",
        f"{told['sweep_beyond_db']:.0f}" if down else "",
    )  # fmt: skip
    return f"| {' | '.join(parts)} |"


def main() -> None:
    """Measure and write the result."""
    found = {
        "rates": [exactness(rate, wanted) for rate, wanted in RATES],
        "wrong_lengths": lengths(),
        "blocks_against_whole": blocks_against_whole(),
        "cpu_ms_per_minute": cpu_ms_per_minute(44_100, 22_050),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "resampling.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "resampling.md").write_text(as_markdown(found))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
