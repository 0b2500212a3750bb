"""Messages out of a stream: told of, reported, acknowledged - in that order - or given back."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam

from beam_jobs.contract.address import Address
from beam_jobs.contract.dead_letter import dead_attributes, dead_row
from beam_jobs.contract.errors import MediaJobError
from beam_jobs.contract.json_lines import encode_line
from beam_jobs.contract.message import CompletionMessage
from beam_jobs.contract.report import ReportRow, Status, encode_report_row
from beam_jobs.contract.stream import StreamSpec
from beam_jobs.pipelines.direct_pubsub import ATTEMPTS, REQUEST_S, leases_here
from beam_jobs.pipelines.stream_messages import Served
from beam_jobs.storage.retry import with_retries
from beam_jobs.storage.store import store_for

log = logging.getLogger(__name__)

SENT_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message to a topic."""

    topic: str
    data: bytes
    attributes: dict[str, str]


class Conclude(beam.DoFn):
    """Tell listeners, report, bury what is dead, and only then acknowledge.

    What cannot be told of or reported for a moment is given back, whole; its artifacts are found when it
    comes again. A crash on the way does the same. A topic that is not there, or that we may not write to,
    keeps nothing from going on: what it should have had is in a file of the report.
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
        """Conclude all of the bundle.

        :raises Exception: where another runner's source holds the messages, which it then gives again; here
            that would lose them.
        """
        good = [served for served in self._done if served.again is None]
        self._give_back([served for served in self._done if served.again is not None])
        leases = leases_here()
        new = [served for served in good if leases is None or not leases.is_settled(served.message_id)]
        try:
            if new:
                self._conclude(new)
        except Exception as error:
            if leases is None:
                raise
            self._give_back(good, why=f"{type(error).__name__}: {error}")
            return
        if leases is not None:
            leases.acknowledge(_ack_ids(good))
        STATISTICS.add(new)

    def _conclude(self, done: Sequence[Served]) -> None:
        untold = self._send(self._completions(done))
        self._report(done, untold)
        for dead in self._dead_letters(done):  # one by one: each may be as large as a request
            for letter, reason in self._send([dead], patient=False):
                log.error("Not on %s, but in %s/dead-*: %s", letter.topic, self._spec.report, reason)

    def _give_back(self, messages: Sequence[Served], *, why: str = "") -> None:
        if not messages:
            return
        why = why or str(messages[0].again)
        leases = leases_here()
        if leases is None:
            raise MediaJobError(f"{self._spec.name}: {len(messages)} messages must come again: {why}")
        log.warning("%s: %d messages given back: %s", self._spec.name, len(messages), why)
        leases.give_back(_ack_ids(messages))
        STATISTICS.give_back(len(messages), why)

    def _report(self, done: Sequence[Served], untold: Sequence[tuple[Letter, str]]) -> None:
        """Write the files of the report, all of them or none."""
        stamp = f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:8]}"
        written: list[str] = []
        try:
            for kind, lines in self._files(done, untold):
                if lines:
                    uri = f"{self._spec.report}/{kind}-{stamp}.jsonl"
                    written.append(uri)
                    _put(uri, lines)
        except Exception:
            for uri in written:
                with suppress(Exception):  # it is worth a try, and no more: a second row does no harm
                    store_for(uri).remove(uri)
            raise

    def _files(
        self, done: Sequence[Served], untold: Sequence[tuple[Letter, str]]
    ) -> Iterator[tuple[str, list[str]]]:
        yield "part", [encode_report_row(row) for served in done for row in served.rows]
        yield "dead", [encode_line(_row_of(one)) for one in done if one.dead is not None]
        yield (
            "untold",
            [
                encode_line({"topic": letter.topic, "reason": reason, **json.loads(letter.data)})
                for letter, reason in untold
            ],
        )

    def _completions(self, done: Sequence[Served]) -> Iterator[Letter]:
        if not self._spec.completion_topic:
            return
        for row in (row for served in done for row in served.rows):
            if row.job == self._spec.target and _is_made(row):
                told = CompletionMessage(
                    item=row.item, job=row.job, artifact=self._output.of(row.item),
                    run_id=self._spec.name, fingerprint=self._fingerprint, registry=self._spec.registry,
                )  # fmt: skip
                data = told.model_dump_json().encode()
                yield Letter(topic=self._spec.completion_topic, data=data, attributes=told.attributes())

    def _dead_letters(self, done: Sequence[Served]) -> Iterator[Letter]:
        if not self._spec.dead_letter_topic:
            return
        for one in done:
            if one.dead is not None:
                said = dead_attributes(one.attributes, reason=one.dead, message_id=one.message_id)
                yield Letter(topic=self._spec.dead_letter_topic, data=one.data, attributes=said)

    def _send(self, letters: Iterable[Letter], *, patient: bool = True) -> list[tuple[Letter, str]]:
        """Publish, and return what no waiting can publish, with the reason.

        :param patient: raise trouble that passes; False = return that as well.
        """
        every = list(letters)
        refused = []
        for first in range(0, len(every), SENT_AT_ONCE):
            some = every[first : first + SENT_AT_ONCE]
            error = self._error_of(some)
            if error is not None and patient and not _is_refusal(error):
                raise error
            if error is not None and len(some) > 1 and not _is_refused_topic(error):
                refused += [one for letter in some for one in self._send([letter], patient=patient)]
            elif error is not None:
                refused += [(letter, f"{type(error).__name__}: {error}") for letter in some]
        return refused

    def _error_of(self, letters: Sequence[Letter]) -> Exception | None:
        """Publish letters of one topic by one request, and return what went wrong."""
        from google.cloud import pubsub_v1
        from google.pubsub_v1 import PublisherClient, PubsubMessage

        try:
            if self._publisher is None:
                self._publisher = pubsub_v1.PublisherClient()
            messages = [PubsubMessage(data=letter.data, attributes=letter.attributes) for letter in letters]
            with_retries(
                lambda: PublisherClient.publish(  # the client's own takes attributes as keywords
                    self._publisher, topic=letters[0].topic, messages=messages, retry=None, timeout=REQUEST_S
                ),
                attempts=ATTEMPTS,
            )
        except Exception as error:
            return error
        return None


def _is_refusal(error: Exception) -> bool:
    """Tell whether no waiting helps: the topic is not there or not ours, or the message is none for it."""
    from google.api_core.exceptions import BadRequest

    return _is_refused_topic(error) or isinstance(error, BadRequest | TypeError | ValueError)


def _is_refused_topic(error: Exception) -> bool:
    from google.api_core.exceptions import Forbidden, NotFound

    return isinstance(error, NotFound | Forbidden)


def _row_of(served: Served) -> dict[str, Any]:
    return dead_row(
        served.data, reason=served.dead or "", message_id=served.message_id, attributes=served.attributes
    )


def _ack_ids(messages: Iterable[Served]) -> list[str]:
    return [served.ack_id for served in messages if served.ack_id]


def _is_made(row: ReportRow) -> bool:
    return row.status in (Status.DONE, Status.PRESENT)


def _put(uri: str, lines: Iterable[str]) -> None:
    store = store_for(uri)
    with store.draft(uri, ".jsonl") as draft:
        draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        with_retries(lambda: store.publish(draft, uri, replace=True), attempts=ATTEMPTS)


class Statistics:
    """What this process has done since its start."""

    def __init__(self) -> None:
        self.messages = self.dead = self.given_back = 0
        self.rows: dict[str, int] = {}
        self.trouble = ""

    def add(self, served: Iterable[Served]) -> None:
        """Count."""
        for one in served:
            self.messages += 1
            self.dead += one.dead is not None
            for row in one.rows:
                self.rows[str(row.status)] = self.rows.get(str(row.status), 0) + 1

    def give_back(self, count: int, why: str) -> None:
        """Count what must come again, and keep the reason."""
        self.given_back += count
        self.trouble = why[:500]


STATISTICS = Statistics()
