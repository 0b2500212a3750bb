"""Messages into a stream: each read and worked on, and never one that takes others with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from beam_jobs.contract.address import Address, local_path, with_scheme
from beam_jobs.contract.errors import MessageError
from beam_jobs.contract.item import item_id_fault
from beam_jobs.contract.message import Message, check_jobs, parse_message
from beam_jobs.contract.ours import is_made_here
from beam_jobs.contract.report import ReportRow
from beam_jobs.contract.stream import StreamSpec
from beam_jobs.pipelines.direct_pubsub import ACK_ID, leases_here
from beam_jobs.pipelines.lanes import cores
from beam_jobs.pipelines.stream_line import Line
from beam_jobs.storage.retry import is_transient

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What became of one message.

    :param data: the message as it came, with its ``attributes``.
    :param dead: why it could not be read.
    :param again: why it must come again: trouble of the world, not of the message.
    """

    ack_id: str | None
    message_id: str = ""
    data: bytes = b""
    attributes: dict[str, str] = field(default_factory=dict)
    rows: tuple[ReportRow, ...] = ()
    dead: str | None = None
    again: str | None = None


class Serve(beam.DoFn):
    """Messages -> what became of them, several at a time."""

    def __init__(self, spec: StreamSpec) -> None:
        self._spec = spec
        self._line: Line
        self._lanes: ThreadPoolExecutor
        self._pending: list[Future[Served]]
        self._source = Address.parse(spec.source, root=spec.root)

    def setup(self) -> None:
        """Start the children of every job of the line."""
        self._line = Line(self._spec)
        self._lanes = ThreadPoolExecutor(2 * cores(), thread_name_prefix="message")

    def start_bundle(self) -> None:
        """Begin with nothing in work."""
        self._pending = []

    def process(self, message: Any) -> Iterator[Served]:
        """Take a message into work."""
        self._pending.append(self._lanes.submit(self._serve, message))
        return iter(())

    def finish_bundle(self) -> Iterator[Any]:
        """Give what became of the messages."""
        for future in as_completed(self._pending):
            yield WindowedValue(future.result(), MIN_TIMESTAMP, (GlobalWindow(),))

    def teardown(self) -> None:
        """End the threads."""
        self._lanes.shutdown(wait=False)

    def _serve(self, message: Any) -> Served:
        """Return what became of a message, whatever happens: an error here would take the bundle with it."""
        attributes = dict(message.attributes or {})
        ack_id = attributes.pop(ACK_ID, None)
        rows: tuple[ReportRow, ...] = ()
        dead = again = None
        try:
            rows = tuple(self._rows(message, attributes))
        except MessageError as error:
            dead = str(error)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if is_transient(error):
                again = said
            else:
                log.exception("Message %s cannot be served", message.message_id)
                dead = f"the message cannot be served: {said}"
        return Served(
            ack_id=ack_id, message_id=message.message_id or "", data=message.data, attributes=attributes,
            rows=rows, dead=dead, again=again,
        )  # fmt: skip

    def _rows(self, message: Any, attributes: dict[str, str]) -> Iterator[ReportRow]:
        asked = parse_message(message.data, attributes)
        if self._spec.jobs:
            check_jobs(asked, self._spec.jobs)
        asked_at = message.publish_time or datetime.now(UTC)
        if asked_at.tzinfo is None:
            asked_at = asked_at.replace(tzinfo=UTC)
        leases = leases_here()
        for item in list(self._items(asked)):
            try:
                yield from self._line.run(
                    item, force=self._forces(asked), ping=bool(asked.ping), asked_at=asked_at
                )
            finally:  # one that ends in trouble has ended as well
                if leases is not None:
                    leases.note_life()

    def _items(self, asked: Message) -> Iterator[str]:
        """Yield the ids that concern this target; a message that asks for others is not ours."""
        if asked.ignored is not None or (asked.targets and self._spec.target not in asked.targets):
            return
        for text in asked.items:
            item: str | None = text
            if "://" in text or text.startswith("/"):
                uri = with_scheme(text)
                item = self._item_of(uri)
                if asked.uploaded and (item is None or is_made_here(uri, self._spec.ours)):
                    continue
            if item is None:
                raise MessageError(f"{text!r} is not a file of the source {self._source.template!r}")
            fault = item_id_fault(item)
            if fault is not None:
                raise MessageError(f"item id {item!r}: {fault}")
            yield item

    def _item_of(self, uri: str) -> str | None:
        prefix = self._source.prefix
        prefix = prefix if local_path(prefix) is None else with_scheme(prefix)
        return Address(prefix=prefix, suffix=self._source.suffix).item_of(uri)

    def _forces(self, asked: Message) -> bool:
        """Tell whether the target is made again: said by true, by ``all``, or by its name."""
        if isinstance(asked.force, bool) or asked.force is None:
            return bool(asked.force)
        names = asked.force.replace(",", " ").split() if isinstance(asked.force, str) else asked.force
        return self._spec.target in names or "all" in names or "true" in names
