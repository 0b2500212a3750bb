"""Onset strength, tempo and beats, with memory for the onset curve only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import get_window

from beam_jobs.media.spectrum import ANALYSIS_RATE, HOP, N_FFT, Frames, decibels, mel_weights

Curve = npt.NDArray[np.float32]

_MELS: Final = 128
_DYNAMIC_RANGE_DB: Final = 80.0
_PART_FRAMES: Final = 10 * 60 * ANALYSIS_RATE // HOP
_LEAST_RISE_DB: Final = 0.5
_TEMPO_WINDOW_S: Final = 8.0
_FEWEST_INTERVALS: Final = 3
_DOUBLE_WITHIN_OCTAVES: Final = 0.8
_DOUBLE_FROM: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """What was found.

    :param tempo_bpm: mean tempo; None when there is no pulse.
    :param clarity: 0 to 1, how alike the onsets are one beat apart: about 0 for noise, above 0.8 for clicks.
    :param times_s: seconds from the start, increasing.
    """

    tempo_bpm: float | None
    clarity: float
    times_s: npt.NDArray[np.float64]


def onset_strength(spectra: Iterator[Frames]) -> Curve:
    """Return the spectral flux of a stream at 22,050 Hz, one value per 512 samples.

    Mean over 128 mel bands of the half-wave rectified rise in dB, as ``librosa.onset.onset_strength``
    (Böck & Widmer, DAFx 2013, without the maximum filter). Levels more than 80 dB under the loudest of
    each ten minutes count as silence; librosa takes the loudest of all, which needs all spectra at once.
    A steady sound, whose mean rise is nowhere as much as 0.5 dB, has no flux: what is left is rounding and
    the phase at which each window meets a tone.

    :param spectra: power, of :func:`beam_jobs.media.spectrum.power_frames`.
    :return: shape (1 + samples // 512,); the last is 0, for no window that is whole tells it.
    """
    weights = mel_weights(ANALYSIS_RATE, _MELS)
    parts: list[Curve] = []
    before: Frames | None = None
    for mel in _parts(power @ weights for power in spectra):
        level = decibels(mel)
        np.maximum(level, level.max() - np.float32(_DYNAMIC_RANGE_DB), out=level)
        first = level[:1] if before is None else before
        rise = np.diff(level, axis=0, prepend=first)
        parts.append(np.maximum(rise, 0).mean(axis=1))
        before = level[-1:]
    if not parts:
        return np.zeros(0, np.float32)
    # The flux peaks as an onset enters the window, before it is in the middle. librosa delays by half a
    # window, one frame more: its beats on clicks come 21 ms late, these within 2 ms on average.
    delay = N_FFT // (2 * HOP) - 1
    curve = np.concatenate([np.zeros(delay, np.float32), *parts])[:-delay]
    # Two windows reach beyond the end. Sound that is cut off by the zeros there spreads over all bands, as an
    # onset would. The delay leaves out the rise to the last window; that to the one before it stands last.
    curve[-1] = 0
    if curve.max() < _LEAST_RISE_DB:
        curve[:] = 0
    return curve


def _parts(frames: Iterator[Frames]) -> Iterator[Frames]:
    """Gather ``frames`` into arrays of ten minutes."""
    held: list[Frames] = []
    count = 0
    for block in frames:
        held.append(block)
        count += len(block)
        if count >= _PART_FRAMES:
            yield np.concatenate(held)
            held, count = [], 0
    if held:
        yield np.concatenate(held)


def track_beats(onsets: Curve, *, start_bpm: float, tightness: float) -> Beats:
    """Find the pulse of an onset curve and the beats that follow it.

    Tempo: peak of the mean local autocorrelation under a log-normal prior; beats: dynamic programming
    (Ellis, "Beat Tracking by Dynamic Programming", 2007), both by librosa. The prior takes fast music for
    half as fast: when what lies between the beats is as strong as the beats, the tempo is doubled. One beat
    alone is no pulse.

    :param start_bpm: centre of the prior.
    :param tightness: how much a beat off the tempo costs.
    """
    from librosa.feature import tempo

    none = Beats(tempo_bpm=None, clarity=0.0, times_s=np.zeros(0))
    if not onsets.any():
        return none
    tempogram = _mean_tempogram(onsets)
    bpm = float(tempo(tg=tempogram[:, None], sr=ANALYSIS_RATE, hop_length=HOP, start_bpm=start_bpm)[0])
    times = _beats_at(onsets, bpm, tightness)
    twice = abs(np.log2(2 * bpm / start_bpm)) <= _DOUBLE_WITHIN_OCTAVES
    if twice and _strength_between(onsets, times) >= _DOUBLE_FROM:
        bpm *= 2
        times = _beats_at(onsets, bpm, tightness)
    if len(times) <= 1:
        return none
    lag = round(60 * ANALYSIS_RATE / (HOP * bpm))
    return Beats(tempo_bpm=_tempo_of(times, bpm), clarity=_clarity(onsets, lag), times_s=times)


def _beats_at(onsets: Curve, bpm: float, tightness: float) -> npt.NDArray[np.float64]:
    """Return the beats that follow the onsets best at a tempo."""
    from librosa.beat import beat_track

    times: npt.NDArray[np.float64] = beat_track(
        onset_envelope=onsets, sr=ANALYSIS_RATE, hop_length=HOP, bpm=bpm, tightness=tightness, units="time"
    )[1]
    return times


def _strength_between(onsets: Curve, times: npt.NDArray[np.float64]) -> float:
    """Return how strong the onsets in the middle between beats are, those of the beats being 1."""
    if len(times) <= _FEWEST_INTERVALS:
        return 0.0
    near = np.maximum(onsets, np.maximum(np.append(onsets[1:], 0), np.insert(onsets[:-1], 0, 0)))
    on, between = (
        np.median(near[np.round(at * ANALYSIS_RATE / HOP).astype(int)])
        for at in (times, (times[1:] + times[:-1]) / 2)
    )
    return float(between / on) if on else 0.0


def _mean_tempogram(onsets: Curve) -> Curve:
    """Return the mean over time of ``librosa.feature.tempogram``, computed a piece at a time.

    Each frame's autocorrelation is its power spectrum transformed back, and greatest at lag 0, where it is
    the frame's energy: so the spectra may be divided by that and added up, and transformed back once.
    """
    width = round(_TEMPO_WINDOW_S * ANALYSIS_RATE) // HOP
    size = next_fast_len(2 * width - 1, real=True)
    window = get_window("hann", width).astype(np.float32)
    padded = np.pad(onsets, width // 2, mode="linear_ramp")
    total = np.zeros(size // 2 + 1)
    count = max(0, min(len(onsets), len(padded) - width + 1))
    step = 1024
    for start in range(0, count, step):
        views = np.lib.stride_tricks.sliding_window_view(padded, width)[start : min(start + step, count)]
        frames = views * window
        energy = np.einsum("ij,ij->i", frames, frames)
        spectra = rfft(frames, n=size, axis=1)
        loud = energy > 0
        share = np.divide(1, energy, out=np.zeros_like(energy), where=loud)
        total += share @ (spectra.real**2 + spectra.imag**2)
    mean: Curve = (irfft(total, n=size)[:width] / max(1, count)).astype(np.float32)
    return mean


def _clarity(onsets: Curve, lag: int) -> float:
    """Return how well an onset curve agrees with itself ``lag`` frames later, 0 to 1.

    Pearson's correlation, which takes the mean away: where all is above 0, as here, noise agrees with itself
    at any lag. It is taken in pieces of about eight seconds, at best within a frame of ``lag`` (the beat
    seldom is a whole number of frames), and averaged; the curve is first smoothed over three frames.
    """
    smooth = np.convolve(onsets, (0.25, 0.5, 0.25), mode="same")
    count = max(1, round(len(smooth) * HOP / (_TEMPO_WINDOW_S * ANALYSIS_RATE)))
    best = [
        max(_correlation(piece[:-near], piece[near:]) for near in range(max(1, lag - 1), lag + 2))
        for piece in np.array_split(smooth, count)
    ]
    return min(1.0, max(0.0, float(np.mean(best))))


def _correlation(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Return Pearson's correlation; 0 where one of the two is constant or has fewer than two values."""
    if len(one) <= 1:
        return 0.0
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size else 0.0


def _tempo_of(times: npt.NDArray[np.float64], bpm: float) -> float:
    """Return the tempo of the beats: finer than the 23 ms grid on which ``bpm`` was found."""
    intervals = np.diff(times)
    if len(intervals) < _FEWEST_INTERVALS:
        return bpm
    middle = np.median(intervals)
    steady = intervals[np.abs(intervals - middle) <= 0.1 * middle]
    return float(60 / steady.mean())
