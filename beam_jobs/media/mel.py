"""Mel spectra of a stream, kept until the loudest is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.fft import dct

from beam_jobs.media.audio import Block
from beam_jobs.media.mel_params import MelParams
from beam_jobs.media.spectrum import decibels, mel_weights, power_frames
from beam_jobs.media.spool import Spool

Levels = npt.NDArray[np.float32]


def spool_mel(blocks: Iterator[Block], params: MelParams, spool: Spool, *, power: bool = False) -> float:
    """Put the mel spectrum of a mono stream into ``spool``, a row of ``n_mels`` numbers per frame.

    Slaney's bands (Auditory Toolbox, 1998), normalised by area, over the power of Hann windows: what
    ``librosa.feature.melspectrogram`` gives, and for levels ``librosa.power_to_db`` with ``ref=1``.

    :param power: keep power; else dB, not under -100.
    :return: the greatest number.
    """
    weights = mel_weights(params.sample_rate, params.n_mels, params.n_fft, params.fmin_hz, params.fmax_hz)
    greatest = -np.inf
    for spectra in power_frames(blocks, params.n_fft, params.hop):
        frames = spectra @ weights
        if not power:
            frames = decibels(frames)
        greatest = max(greatest, float(frames.max()))
        spool.append(frames)
    return greatest


def floored(levels: Levels, greatest: float, top_db: float | None) -> Levels:
    """Raise what is more than ``top_db`` under ``greatest``."""
    return levels if top_db is None else np.maximum(levels, np.float32(greatest - top_db))


def cepstrum(levels: Levels, n_mfcc: int) -> Levels:
    """Return the first ``n_mfcc`` coefficients of each row's orthonormal DCT-II.

    Davis & Mermelstein, "Comparison of parametric representations for monosyllabic word recognition",
    IEEE ASSP 1980.
    """
    coefficients: Levels = dct(levels, type=2, norm="ortho", axis=1)[:, :n_mfcc]
    return coefficients
