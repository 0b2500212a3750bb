"""The compiled filter is the standard's, goes on from block to block, and does not dwell on silence."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import firwin, sosfilt

from beam_jobs.media.k_weighting import PowerMeter, channel_weights, k_sections
from beam_jobs.media.true_peak import PHASES, interpolation_phases


def expected(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the energy of each whole hundredth of a second, by SciPy."""
    weighted = sosfilt(k_sections(rate), samples.astype(np.float64), axis=0)
    energy = np.square(weighted) @ channel_weights(samples.shape[1])
    edges = -(-np.arange(len(samples) * 100 // rate + 1) * rate // 100)
    return np.array([energy[a:b].sum() for a, b in pairwise(edges)])


@pytest.mark.parametrize("rate", [3000, 8000, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6, 9])
def test_it_is_the_filter_of_scipy(rate, channels):
    samples = np.random.default_rng(3).normal(0, 0.2, (rate + 77, channels)).astype(np.float32)
    meter = PowerMeter(rate=rate, channels=channels)
    for start in range(0, len(samples), 1000):
        meter.add(samples[start : start + 1000])
    energies, edges = meter.result()
    np.testing.assert_allclose(energies, expected(samples, rate), rtol=1e-12)
    assert len(edges) == len(energies) + 1


def test_blocks_of_any_layout_are_heard_alike():
    samples = np.random.default_rng(4).normal(0, 0.2, (4800, 2)).astype(np.float32)
    told = []
    for block in (samples, np.asfortranarray(samples), np.repeat(samples, 2, axis=0)[::2]):
        meter = PowerMeter(rate=48_000, channels=2)
        meter.add(block)
        told.append(meter.result()[0])
    np.testing.assert_array_equal(told[0], told[1])
    np.testing.assert_array_equal(told[0], told[2])


def test_its_state_comes_to_rest_in_silence():
    meter = PowerMeter(rate=48_000, channels=1)
    meter.add(np.ones((480, 1), np.float32))
    for _ in range(20):
        meter.add(np.zeros((48_000, 1), np.float32))
    assert not meter._state.any()


def test_the_interpolation_is_a_sinc_under_a_kaiser_window():
    whole = np.append(PHASES * firwin(4 * 24 - 1, 1 / 4, window=("kaiser", 5.0)), 0).reshape(24, 4).T
    between = np.delete(whole, int(np.argmax(np.abs(whole).max(axis=1))), axis=0)[:, ::-1]
    np.testing.assert_allclose(
        interpolation_phases(), between / between.sum(axis=1, keepdims=True), atol=1e-7
    )
