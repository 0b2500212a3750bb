"""What of music repeats itself: for every frame, what the frames that sound most like it have in common.

REPET-SIM: Z. Rafii & B. Pardo, "Music/voice separation using the similarity matrix", ISMIR 2012, with soft
masks as in D. FitzGerald, "Vocal separation using nearest neighbours and median filtering", ISSC 2012. Of
``librosa.decompose.nn_filter`` it differs in that the neighbours are the nearest (that takes any ``k`` of the
``k + 2 * width`` nearest), and in being some twenty times faster.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Magnitudes = npt.NDArray[np.float32]
"""Shape (frames, bins)."""

NEIGHBOURS: Final = 25
_AT_ONCE: Final = 32


def repeating(magnitudes: Magnitudes, *, apart: int, neighbours: int = NEIGHBOURS) -> Magnitudes:
    """Return the median of every frame's most similar ones, nowhere more than the frame itself.

    :param apart: frames nearer than that in time are not compared: a held note is like itself.
    :param neighbours: so many; odd.
    """
    count = len(magnitudes)
    apart = min(apart, max(1, count // 4))
    neighbours = min(neighbours, count - 2 * apart + 1)
    if neighbours < 1:
        return magnitudes.copy()
    nearest = _nearest(magnitudes, apart, neighbours)
    found = np.empty_like(magnitudes)
    for start in range(0, count, _AT_ONCE):
        alike = np.ascontiguousarray(magnitudes[nearest[start : start + _AT_ONCE]].transpose(0, 2, 1))
        alike.partition(neighbours // 2, axis=2)
        found[start : start + _AT_ONCE] = alike[:, :, neighbours // 2]
    return np.minimum(found, magnitudes, out=found)


def _nearest(magnitudes: Magnitudes, apart: int, neighbours: int) -> npt.NDArray[np.int64]:
    """Return for every frame the frames of the least angle to it: shape (frames, neighbours)."""
    length = np.sqrt((magnitudes**2).sum(axis=1, keepdims=True))
    unit = magnitudes / np.maximum(length, np.float32(1e-9))
    likeness = unit @ unit.T
    place = np.arange(len(magnitudes))
    likeness[np.abs(place[:, None] - place) < apart] = -1
    chosen = np.argpartition(likeness, -neighbours, axis=1)[:, -neighbours:]
    return np.asarray(np.sort(chosen, axis=1))


def soft_mask(wanted: Magnitudes, other: Magnitudes, *, margin: float, power: float = 2.0) -> Magnitudes:
    """Return the share of ``wanted``: half where it is ``margin`` times ``other``, 0 where both are 0."""
    most = np.maximum(np.maximum(wanted, margin * other), np.float32(1e-12))
    mine, theirs = (wanted / most) ** power, (np.float32(margin) * other / most) ** power
    return np.asarray(mine / np.maximum(mine + theirs, np.float32(1e-12)), np.float32)
