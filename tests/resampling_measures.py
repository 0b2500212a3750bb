"""What a resampler does to tones and sweeps: gain, delay, what it adds, what it folds back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.float32]
Resampler = Callable[[Wave, int, int], Wave]
"""(samples of one channel, their rate, wanted rate) -> samples."""

AMPLITUDE = 0.5
PASSBAND = 0.9
"""Of half the lower rate: libsoxr's HQ recipe promises 0.913."""
SECONDS = 1.0
_EDGE_S = 0.15
"""Left out at both ends, where a filter has not all of its input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """What became of a tone.

    :param gain_db: its level behind the resampler, against before.
    :param delay: by how many frames of the new rate it is late.
    :param rest_db: everything else in the output, against the tone before.
    """

    hertz: float
    gain_db: float
    delay: float
    rest_db: float


def tone_through(resampler: Resampler, hertz: float, rate: int, wanted: int) -> Tone:
    """Send a tone through; above half the new rate it should vanish and all of the output is rest."""
    times = np.arange(round(SECONDS * rate)) / rate
    wave = (AMPLITUDE * np.sin(2 * np.pi * hertz * times)).astype(np.float32)
    out = resampler(wave, rate, wanted).astype(np.float64)
    edge = round(_EDGE_S * wanted)
    middle = out[edge:-edge]
    if hertz >= wanted / 2:
        return Tone(hertz=hertz, gain_db=-np.inf, delay=0.0, rest_db=_db(_rms(middle) / _rms_of_tone()))
    phase = 2 * np.pi * hertz * np.arange(edge, len(out) - edge) / wanted
    basis = np.stack([np.sin(phase), np.cos(phase)], axis=1)
    (sine, cosine), *_ = np.linalg.lstsq(basis, middle, rcond=None)
    rest = middle - basis @ [sine, cosine]
    return Tone(
        hertz=hertz,
        gain_db=_db(np.hypot(sine, cosine) / AMPLITUDE),
        delay=float(-np.arctan2(cosine, sine) / (2 * np.pi * hertz) * wanted),
        rest_db=_db(_rms(rest) / _rms_of_tone()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A resampler between two rates.

    :param ripple_db: greatest less least gain in the passband.
    :param at_edge_db: gain at the end of the passband.
    :param rejection_db: by how much the strongest of the aliases and images is below the tone it is of.
    :param clean_db: by how much everything else is below a tone in the passband.
    :param delay: greatest delay in the passband in frames of the new rate, either way.
    """

    ripple_db: float
    at_edge_db: float
    rejection_db: float
    clean_db: float
    delay: float


def measure(resampler: Resampler, rate: int, wanted: int, *, tones: int = 24) -> Measured:
    """Measure with ``tones`` in the passband, and above the new rate's half when it is the lower."""
    half = min(rate, wanted) / 2
    heard = [
        tone_through(resampler, hertz, rate, wanted) for hertz in np.geomspace(20, PASSBAND * half, tones)
    ]
    # Half a hertz off, so that no alias falls on a bin of anything; from the new Nyquist frequency up.
    gone = [
        tone_through(resampler, hertz, rate, wanted)
        for hertz in np.linspace(half + 0.5, rate / 2 - 10.5, tones if wanted < rate else 0)
    ]
    gains = [tone.gain_db for tone in heard]
    clean = max(tone.rest_db for tone in heard)
    return Measured(
        ripple_db=max(gains) - min(gains),
        at_edge_db=gains[-1],
        rejection_db=-max((tone.rest_db for tone in gone), default=clean),
        clean_db=-clean,
        delay=max(abs(tone.delay) for tone in heard),
    )


def sweep_error_db(
    resampler: Resampler, rate: int, wanted: int, *, seconds: float = 4.0
) -> tuple[float, float]:
    """Send a linear sweep from 0 Hz to half the old rate through.

    :return: the greatest difference, against the amplitude, from the same sweep computed at the new rate,
        while it is in the passband; and the greatest sample once it is past half the new rate.
    """
    slope = rate / 2 / seconds
    out = resampler(_sweep(np.arange(round(seconds * rate)) / rate, slope), rate, wanted)
    times = np.arange(len(out)) / wanted
    hertz = slope * times
    ideal = _sweep(times, slope)
    half = min(rate, wanted) / 2
    inside = (hertz > 100) & (hertz < PASSBAND * half)
    # The sweep passes in no time: give the filter a few milliseconds to ring down.
    beyond = (hertz > half + 0.02 * slope) & (times < seconds - _EDGE_S)
    greatest = float(np.abs(out[beyond]).max()) / AMPLITUDE if beyond.any() else 0.0
    return _db(np.abs(out - ideal)[inside].max() / AMPLITUDE), _db(greatest)


def _sweep(times: npt.NDArray[np.float64], slope: float) -> Wave:
    return (AMPLITUDE * np.sin(np.pi * slope * times**2)).astype(np.float32)


def _rms(samples: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def _rms_of_tone() -> float:
    return AMPLITUDE / 2**0.5


def _db(ratio: float) -> float:
    return float(20 * np.log10(max(ratio, 1e-12)))
