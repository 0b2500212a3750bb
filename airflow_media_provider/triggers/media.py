"""Wait until a job's artifacts are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from airflow_media_provider.compat import BaseTrigger, TriggerEvent
from airflow_media_provider.triggers.look import OutputLook
from airflow_media_provider.triggers.settle import settling


class MediaOutputTrigger(BaseTrigger):
    """Fire when enough of a selection has the job's artifacts.

    :param look: what to look at: fields of :class:`OutputLook`.
    :param min_coverage: share of the items, 0 to 1.
    :param poll_interval: seconds between two looks.
    """

    def __init__(self, *, look: dict[str, Any], min_coverage: float, poll_interval: float) -> None:
        super().__init__()
        self.look = look
        self.min_coverage = min_coverage
        self.poll_interval = poll_interval

    @classmethod
    def of(cls, look: OutputLook, *, min_coverage: float, poll_interval: float) -> MediaOutputTrigger:
        """Return the trigger for ``look``."""
        return cls(look=asdict(look), min_coverage=min_coverage, poll_interval=poll_interval)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        names = ("look", "min_coverage", "poll_interval")
        return path, {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """List now and then; storage that fails for a moment is asked again, a wrong question is an end."""
        from airflow_media_provider.errors import MediaError, StorageError

        look, settle = OutputLook(**self.look), settling()
        while True:
            try:
                found = await asyncio.to_thread(look.take)
            except StorageError as error:
                self.log.warning("%s; looking again", error)
            except MediaError as error:
                await settle()
                yield TriggerEvent({"error": str(error)})
                return
            else:
                self.log.info("%s: %d of %d items", look.job, found["present"], found["items"])
                if found["coverage"] >= self.min_coverage:
                    await settle()
                    yield TriggerEvent(found)
                    return
            await asyncio.sleep(self.poll_interval)
