"""What recognises audio after it was encoded, cut or overlaid with noise."""

from __future__ import annotations

from pathlib import Path

from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall


class FingerprintParams(StepParams):
    """Nothing to choose: fingerprints are compared, so all are made alike."""


def _warm_up() -> None:
    import numpy as np

    from beam_jobs.media import arrays, decode_soundfile, stream  # noqa: F401
    from beam_jobs.media.landmarks import N_FFT, find_landmarks

    find_landmarks(iter([np.zeros((N_FFT, 1), np.float32)]))


@step("fingerprint", version="1", makes=".npz", params=FingerprintParams, warm_up=_warm_up)
def fingerprint(call: StepCall, params: FingerprintParams) -> Path:
    """Find the landmarks of audio of any rate; it is analysed as mono at 8 kHz.

    A landmark is a point of the spectrogram (1024 samples, every 256) that is greater than all around it in
    0.2 s and 80 Hz to each side: about 40 a second in music, none in silence. Compare fingerprints by
    :class:`beam_jobs.media.fingerprints.FingerprintIndex`.

    Source: A. Wang, "An industrial-strength audio search algorithm", ISMIR 2003.

    :return: ``frame`` (uint32) and ``bin`` (uint16) of each landmark, by time and frequency:
        ``frame * 0.032`` seconds and ``bin * 7.8125`` Hz.
    """
    from beam_jobs.media.arrays import write_arrays
    from beam_jobs.media.landmarks import HOP, RATE, find_landmarks
    from beam_jobs.media.stream import decoded, open_input

    with open_input(call) as audio:
        landmarks = find_landmarks(decoded(call, audio, channels=1, rate=RATE))
    with call.stage("encode"):
        write_arrays(
            call.output,
            {"frame": landmarks.frames, "bin": landmarks.bins},
            step="fingerprint", version="1",
            units={"frame": "frames of 0.032 s", "bin": "bins of 7.8125 Hz"},
            axes={"frame": "landmark", "bin": "landmark"},
            rate_hz=float(RATE), hop=HOP,
        )  # fmt: skip
    return call.output
