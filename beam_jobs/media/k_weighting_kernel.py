"""The inner loop of the loudness weighting, compiled: filter, square and add up in one pass."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np

FAINT: Final = 1e-60
"""A state below this is nothing; numbers near the smallest that there are would be slow to reckon with."""


@numba.njit(cache=True)
def add_energy(block: Any, sections: Any, state: Any, weights: Any, ends: Any, energies: Any) -> None:
    """Add the weighted energy of each stretch of ``block`` to ``energies``.

    Two second-order sections, one after the other, transposed direct form II in float64, as
    :func:`scipy.signal.sosfilt` has them.

    :param block: float32, shape (frames, channels).
    :param sections: shape (2, 6).
    :param state: of the filter, shape (4, channels); it goes on where it was.
    :param weights: of the channels.
    :param ends: where each stretch ends; the last one is the end of the block.
    """
    b0, b1, b2, _, a1, a2 = sections[0]
    d0, d1, d2, _, c1, c2 = sections[1]
    frame = 0
    for stretch in range(len(ends)):
        energy = 0.0
        for frame in range(frame, ends[stretch]):  # noqa: B020 (goes on where the last one ended)
            for channel in range(block.shape[1]):
                heard = np.float64(block[frame, channel])
                shelved = b0 * heard + state[0, channel]
                state[0, channel] = b1 * heard - a1 * shelved + state[1, channel]
                state[1, channel] = b2 * heard - a2 * shelved
                passed = d0 * shelved + state[2, channel]
                state[2, channel] = d1 * shelved - c1 * passed + state[3, channel]
                state[3, channel] = d2 * shelved - c2 * passed
                energy += weights[channel] * passed * passed
        frame = ends[stretch]
        energies[stretch] += energy
        for number in range(state.shape[0]):
            for channel in range(state.shape[1]):
                if abs(state[number, channel]) < FAINT:
                    state[number, channel] = 0.0
