"""Drawings as inline SVG; colours come from the page, so they follow its light or dark scheme."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

WIDTH = 800
WAVE_HEIGHT = 120
CURVE_HEIGHT = 110
QUIETEST, LOUDEST = -45.0, 0.0
WINDOW_S = 3.0
"""What a short-term loudness is measured over."""


def waveform(envelope: npt.NDArray[np.float32], beats: Sequence[float], seconds: float) -> str:
    """Return the waveform with a line per beat."""
    middle, scale = WAVE_HEIGHT / 2, WAVE_HEIGHT / 2 / max(0.05, float(np.abs(envelope).max()))
    xs = np.linspace(0, WIDTH, len(envelope))
    top = " ".join(f"{x:.1f},{middle - high * scale:.1f}" for x, (_, high) in zip(xs, envelope, strict=True))
    points = list(zip(xs, envelope, strict=True))
    bottom = " ".join(f"{x:.1f},{middle - low * scale:.1f}" for x, (low, _) in reversed(points))
    lines = "".join(
        f'<line class="beat" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{WAVE_HEIGHT}"/>'
        for x in _at(beats, seconds)
    )
    label = f"Waveform with {len(beats)} beats"
    return _svg(WAVE_HEIGHT, f'<polygon class="wave" points="{top} {bottom}"/>{lines}', label)


def loudness(
    curve: Sequence[float],
    step: float,
    integrated: float | None,
    seconds: float,
    beats: Sequence[tuple[float, float, float]],
) -> str:
    """Return short-term loudness as a curve, the integrated value as a line, the level of beats as bars.

    :param curve: LUFS, one value per ``step`` seconds.
    :param integrated: LUFS of the whole.
    :param beats: start, end (seconds) and level (dBFS) of each beat.
    """  # fmt: skip
    parts = []
    for start, end, level in beats:
        x, width = start / seconds * WIDTH, max(1.0, (end - start) / seconds * WIDTH - 1)
        y = _height(level)
        size = f'width="{width:.1f}" height="{CURVE_HEIGHT - y:.1f}"'
        parts.append(f'<rect class="energy" x="{x:.1f}" y="{y:.1f}" {size}/>')
    if integrated is not None:
        y = _height(integrated)
        parts.append(f'<line class="integrated" x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
    points = " ".join(
        f"{min(seconds, (index + 1) * step) / seconds * WIDTH:.1f},{_height(value):.1f}"
        for index, value in enumerate(curve)
        if (index + 1) * step >= min(WINDOW_S, seconds)  # before that the window holds silence
    )
    parts.append(f'<polyline class="curve" points="{points}"/>')
    for mark in (-40, -30, -20, -10):
        y = _height(mark)
        parts.append(f'<text class="mark" x="{WIDTH - 2}" y="{y + 3:.1f}">{mark}</text>')
    return _svg(CURVE_HEIGHT, "".join(parts), "Short-term loudness and level per beat")


def _height(level: float) -> float:
    share = (min(LOUDEST, max(QUIETEST, level)) - QUIETEST) / (LOUDEST - QUIETEST)
    return CURVE_HEIGHT * (1 - share)


def _at(times: Sequence[float], seconds: float) -> list[float]:
    return [time / seconds * WIDTH for time in times if seconds > 0 and time <= seconds]


def _svg(height: int, inner: str, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}">{inner}</svg>'
    )
