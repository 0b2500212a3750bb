"""Messages in and out of a stream: read, worked on, reported, told of, acknowledged - in that order."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
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
from beam_jobs.contract.message import CompletionMessage, Message, parse_message
from beam_jobs.contract.report import ReportRow, Status, encode_report_row
from beam_jobs.contract.stream import StreamSpec
from beam_jobs.pipelines.direct_pubsub import ACK_ID, acknowledge
from beam_jobs.pipelines.lanes import cores
from beam_jobs.pipelines.stream_line import Line
from beam_jobs.storage.store import store_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What became of one message.

    :param dead: why it could not be read, with the message as it came.
    """

    ack_id: str | None
    rows: tuple[ReportRow, ...] = ()
    dead: dict[str, Any] | None = None
    published_at: float = 0.0
    attributes: dict[str, str] = field(default_factory=dict)


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
        attributes = {k: v for k, v in (message.attributes or {}).items() if k != ACK_ID}
        ack_id = (message.attributes or {}).get(ACK_ID)
        asked_at = message.publish_time or datetime.now(UTC)
        if asked_at.tzinfo is None:
            asked_at = asked_at.replace(tzinfo=UTC)
        try:
            asked = parse_message(message.data, attributes)
            items = list(self._items(asked))
        except MessageError as error:
            dead = {
                "data": message.data.decode("utf-8", "backslashreplace"),
                "reason": str(error),
                "message_id": message.message_id or "",
            }
            return Served(ack_id=ack_id, dead=dead, attributes=attributes)
        rows = [
            row
            for item in items
            for row in self._line.run(
                item, force=self._forces(asked), ping=bool(asked.ping), asked_at=asked_at
            )
        ]
        return Served(ack_id=ack_id, rows=tuple(rows), published_at=asked_at.timestamp())

    def _items(self, asked: Message) -> Iterator[str]:
        """Yield the ids that concern this target; a message that asks for others is not ours."""
        if asked.ignored is not None or (asked.targets and self._spec.target not in asked.targets):
            return
        for text in asked.items:
            item: str | None = text
            if "://" in text or text.startswith("/"):
                item = self._item_of(with_scheme(text))
                if item is None and asked.uploaded:
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


class Conclude(beam.DoFn):
    """Report, tell listeners, bury what is dead, and only then acknowledge.

    A crash on the way makes Pub/Sub give the message again; its artifacts are found then, and it is told of
    once more.
    """

    def __init__(self, spec: StreamSpec) -> None:
        self._spec = spec
        self._done: list[Served]
        self._publisher: Any = None
        self._output = Address.parse(next(j for j in spec.line if j.spec.job == spec.target).spec.output)
        self._fingerprint = next(j for j in spec.line if j.spec.job == spec.target).fingerprint

    def start_bundle(self) -> None:
        """Begin with nothing."""
        self._done = []

    def process(self, served: Served) -> None:
        """Keep one."""
        self._done.append(served)

    def finish_bundle(self) -> None:
        """Conclude all of the bundle."""
        if not self._done:
            return
        self._report([row for served in self._done for row in served.rows])
        self._tell()
        acknowledge([served.ack_id for served in self._done if served.ack_id])
        STATISTICS.add(self._done)

    def _report(self, rows: list[ReportRow]) -> None:
        dead = [served.dead for served in self._done if served.dead is not None]
        for kind, lines in (
            ("part", [encode_report_row(row) for row in rows]),
            ("dead", [json.dumps(entry, ensure_ascii=False) for entry in dead]),
        ):
            if lines:
                stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
                _put(f"{self._spec.report}/{kind}-{stamp}-{uuid.uuid4().hex[:8]}.jsonl", lines)

    def _tell(self) -> None:
        futures = [self._publish(topic, data, said) for topic, data, said in self._messages()]
        for future in futures:
            future.result()

    def _messages(self) -> Iterator[tuple[str, bytes, dict[str, str]]]:
        for served in self._done:
            if served.dead is not None and self._spec.dead_letter_topic:
                said = {**served.attributes, "media_reason": served.dead["reason"][:1000]}
                yield self._spec.dead_letter_topic, served.dead["data"].encode(), said
            for row in served.rows:
                if self._spec.completion_topic and row.job == self._spec.target and _is_made(row):
                    told = CompletionMessage(
                        item=row.item, job=row.job, artifact=self._output.of(row.item),
                        run_id=self._spec.name, fingerprint=self._fingerprint, registry=self._spec.registry,
                    )  # fmt: skip
                    yield self._spec.completion_topic, told.model_dump_json().encode(), told.attributes()

    def _publish(self, topic: str, data: bytes, attributes: dict[str, str]) -> Any:
        if self._publisher is None:
            from google.cloud import pubsub_v1

            self._publisher = pubsub_v1.PublisherClient()
        return self._publisher.publish(topic, data, **attributes)


def _is_made(row: ReportRow) -> bool:
    return row.status in (Status.DONE, Status.PRESENT)


def _put(uri: str, lines: Iterable[str]) -> None:
    store = store_for(uri)
    with store.draft(uri, ".jsonl") as draft:
        draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        store.publish(draft, uri, replace=True)


class Statistics:
    """What this process has done since its start."""

    def __init__(self) -> None:
        self.messages = self.dead = 0
        self.rows: dict[str, int] = {}

    def add(self, served: Iterable[Served]) -> None:
        """Count."""
        for one in served:
            self.messages += 1
            self.dead += one.dead is not None
            for row in one.rows:
                self.rows[str(row.status)] = self.rows.get(str(row.status), 0) + 1


STATISTICS = Statistics()
