"""The least that does the work: a ``multiprocessing.Pool`` that decodes, mixes, resamples and encodes.

No isolation, no time limit, no report, no retries: what ``beam_jobs.run`` is measured against. ``plain`` is
what one would write by hand, ``step`` calls the code of the downsample step. Prints one JSON object with the
seconds from the warm pool's first song to its last.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from pathlib import Path

RATE = 22050
BLOCK = 65536


def warm_up() -> None:
    """Import in the worker what the work needs."""
    import numpy  # noqa: F401
    import soundfile  # noqa: F401
    import soxr  # noqa: F401

    from beam_jobs.contract.step import load_step

    step = load_step("downsample")
    assert step.warm_up is not None
    step.warm_up()


def by_step(job: tuple[str, str]) -> float:
    """Do the same by the step's own function."""
    from beam_jobs.contract.step import load_step
    from beam_jobs.media.call import StepCall

    step = load_step("downsample")
    assert step.run is not None
    params = step.parse_params({"sample_rate": RATE, "channels": 1, "format": "flac"})
    call = StepCall(item="song", inputs={"audio": Path(job[0])}, output=Path(job[1]))
    step.run(call, params)
    return call.media_seconds


def plain(job: tuple[str, str]) -> float:
    """Make a mono FLAC at 22.05 kHz; return the song's seconds."""
    import numpy as np
    import soundfile
    import soxr

    source, target = job
    weights = np.full(2, 0.5, np.float32)  # faster than block.mean(axis=1)
    with soundfile.SoundFile(source) as song:
        stream = soxr.ResampleStream(song.samplerate, RATE, 1, dtype="float32", quality="HQ")
        with soundfile.SoundFile(target, "w", RATE, 1, format="FLAC", subtype="PCM_16") as out:
            for block in song.blocks(BLOCK, dtype="float32", always_2d=True):
                out.write(
                    stream.resample_chunk(block @ weights if block.shape[1] == len(weights) else block[:, 0])
                )
            out.write(stream.resample_chunk(np.empty(0, np.float32), last=True))
        return float(song.frames / song.samplerate)


def ready(_: int) -> None:
    """Keep one worker busy long enough that each gets one of these."""
    time.sleep(0.2)


def main(how: str, listing: str, out: str, processes: str) -> None:
    """Convert the songs of a list file into the folder ``out``.

    :param how: ``plain`` or ``step``.
    """
    songs = Path(listing).read_text().splitlines()
    jobs = [(song, str(Path(out, f"{number:03}.flac"))) for number, song in enumerate(songs)]
    with multiprocessing.Pool(int(processes), warm_up) as pool:
        pool.map(ready, range(int(processes)), chunksize=1)
        started = time.monotonic()
        seconds = sum(pool.imap_unordered({"plain": plain, "step": by_step}[how], jobs, chunksize=1))
        items = time.monotonic() - started
        pool.close()
        pool.join()
    print(json.dumps({"items": items, "media_seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
