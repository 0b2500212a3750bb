"""From when to when the packets of one video stream are shown."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Extent:
    """Grows packet by packet, in whatever order they come; times are in ticks of the stream's clock.

    MP4 stores from each packet to the next in the order of *decoding*. Where frames are shown in another
    order and not at even times, the length of a pause is found at a frame that is not the one before it, so
    that a packet's time and duration do not add up to when its frame is gone.

    :param usual: how long a frame lasts by the stream's rate; 0 when it has none.
    """

    usual: float
    first: int | None = None
    last: int = 0
    count: int = 0
    _before: int | None = field(default=None, init=False)
    _own: int = field(default=0, init=False)
    _ordered: bool = field(default=True, init=False)

    def add(self, shown: int, duration: int) -> None:
        """Take a packet that is shown at ``shown``."""
        self.count += 1
        if self.first is None:
            self.first, self.last, self._own = shown, shown, duration
        elif shown > self.last:
            self._before, self.last, self._own = self.last, shown, duration
        else:
            self._ordered = False
            self.first = min(self.first, shown)
            if shown < self.last:
                self._before = shown if self._before is None else max(self._before, shown)

    def end(self, *claimed: float) -> float:
        """Return when the last frame is gone.

        :param claimed: by headers; they can but shorten how long the last frame lasts.
        """
        return min([self.last + self._lasts(), *(end for end in claimed if end > self.last)])

    def _lasts(self) -> float:
        """Return how long the last frame is shown."""
        interval = self.last - self._before if self._before is not None else 0
        if self._own and self._ordered:
            return self._own
        return min((length for length in (self._own, interval) if length), default=self.usual)
