"""Pictures of audio as PNG, the same bytes for the same data."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from beam_jobs.media.spectrum import Frames

DPI: Final = 100
_RANGE_DB: Final = 80.0
_LEAST: Final = 1e-10
_TICKS_HZ: Final = (128, 512, 1024, 2048, 4096, 8192)

Panel = Callable[[Axes], None]


def draw(panels: list[Panel], *, width_px: int, height_px: int, seconds: float) -> bytes:
    """Return a PNG of ``panels`` under one another over the same seconds.

    :param height_px: of one panel.
    """
    figure = Figure(figsize=(width_px / DPI, height_px * len(panels) / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    left, gap = 75 / width_px, 8 / height_px
    floor = 50 / (height_px * len(panels))
    figure.subplots_adjust(left=left, right=1 - 12 / width_px, bottom=floor, top=1 - floor / 5, hspace=gap)
    for panel, axis in zip(panels, axes, strict=True):
        panel(axis)
        axis.set_xlim(0, seconds)
    axes[-1].set_xlabel("time (s)")
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


def waveform(extremes: npt.NDArray[np.float32], seconds: float) -> Panel:
    """Return a panel of least and greatest sample per column; ``extremes`` has shape (columns, 2)."""

    def panel(axis: Axes) -> None:
        edges = np.linspace(0, seconds, len(extremes) + 1)
        least, most = (np.append(column, column[-1]) for column in extremes.T)
        axis.fill_between(edges, least, most, step="post", color="#1f5f8b", linewidth=0.3)
        top = max(1.0, float(np.abs(extremes).max()))
        axis.set_ylim(-top, top)
        axis.set_yticks([-1, -0.5, 0, 0.5, 1])
        axis.set_ylabel("amplitude")

    return panel


def mel_spectrogram(power: Frames, centres_hz: npt.NDArray[np.float64], seconds: float) -> Panel:
    """Return a panel of mel power in dB under the loudest; ``power`` has shape (columns, bands)."""

    def panel(axis: Axes) -> None:
        level = 10 * np.log10(np.maximum(power, _LEAST))
        top = level.max() if power.max() > _LEAST else level.max() + _RANGE_DB  # silence is dark
        bands = power.shape[1]
        axis.imshow(
            level.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
            extent=(0, seconds, 0, bands), vmin=top - _RANGE_DB, vmax=top,
        )  # fmt: skip
        ticks = [hz for hz in _TICKS_HZ if hz <= centres_hz[-1]]
        axis.set_yticks(np.interp(ticks, centres_hz, np.arange(bands) + 0.5), [str(hz) for hz in ticks])
        axis.set_ylabel("frequency (Hz)")

    return panel
