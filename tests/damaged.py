"""Sound as it comes back: encoded, noisy."""

from __future__ import annotations

import io

import av
import numpy as np
import soundfile

from tests.samples import Samples


def mp3(samples: Samples, *, rate: int, kbit: int = 64) -> Samples:
    """Encode as MP3 and decode again."""
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=rate, layout=layout, bit_rate=kbit * 1000)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="flt", layout=layout
        )
        frame.sample_rate = rate
        size = stream.codec_context.frame_size or 1152
        fit = av.AudioResampler(stream.codec_context.format, layout, rate, frame_size=size)
        for part in [*fit.resample(frame), *fit.resample(None), None]:
            out.mux(stream.encode(part))
    file.seek(0)
    heard, _ = soundfile.read(file, dtype="float32", always_2d=True)
    return np.asarray(heard, np.float32)


def noisy(samples: Samples, *, snr_db: float = 10, seed: int = 0) -> Samples:
    """Add white noise, so many decibels under the mean power of ``samples``."""
    power = float(np.mean(samples**2))
    drawn = np.random.default_rng(seed).standard_normal(samples.shape)
    return (samples + drawn * np.sqrt(power * 10 ** (-snr_db / 10))).astype(np.float32)
