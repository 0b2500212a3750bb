"""Broadcasts that were joined without being decoded: their clocks begin anew at every seam."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

JOINED: Final = {"mp3", "mp3-unindexed", "mpegps", "mpegts"}
"""Formats that are cut and joined by tools that do not decode them."""

_BACK_S: Final = 1.0
"""By more than this a stream's clock goes back at seams only."""


@dataclass(slots=True)
class Seams:
    """Where the clock of a stream went back.

    :param count: how often.
    """

    count: int = 0

    def straightened(self, packets: Iterator[Any]) -> Iterator[Any]:
        """Yield packets with times that go on at a seam, from the beginning of a file.

        A jump ahead is left as it is, for there the station may have been silent.
        """
        ends: dict[int, int] = {}
        shifts: dict[int, int] = {}
        for packet in packets:
            stored = packet.dts if packet.dts is not None else packet.pts
            if stored is not None and packet.time_base:
                stream = packet.stream_index
                shift = shifts.get(stream, 0)
                end = ends.get(stream)
                if end is not None and (end - stored - shift) * packet.time_base > _BACK_S:
                    self.count += 1
                    shift = shifts[stream] = end - stored
                ends[stream] = stored + shift + (packet.duration or 0)
                if shift:
                    packet.pts = packet.pts + shift if packet.pts is not None else None
                    packet.dts = packet.dts + shift if packet.dts is not None else None
            yield packet
