"""Messages out of a stream: told of, reported, acknowledged - in that order - or given back."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
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
from beam_jobs.pipelines.direct_pubsub import ATTEMPTS, leases_here
from beam_jobs.pipelines.stream_letters import Letter, Letters
from beam_jobs.pipelines.stream_messages import Served
from beam_jobs.storage.retry import with_retries
from beam_jobs.storage.store import store_for

log = logging.getLogger(__name__)


class Conclude(beam.DoFn):
    """Tell listeners, report, bury what is dead, and only then acknowledge.

    What cannot be told of or reported for a moment is given back, whole; its artifacts are found when it
    comes again. A crash on the way does the same. A topic that is not there, or that we may not write to,
    keeps nothing from going on: what it should have had is in a file of the report. A topic for
    dead letters that is away for a moment is not waited for either.
    """

    def __init__(self, spec: StreamSpec) -> None:
        self._spec = spec
        self._done: list[Served]
        self._letters = Letters()
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
        leases = leases_here()
        if leases is not None and leases.over:  # all is given back, and a step that was killed looks failed
            return
        good = [served for served in self._done if served.again is None]
        self._give_back([served for served in self._done if served.again is not None])
        settled = [served for served in good if leases is not None and leases.is_settled(served.message_id)]
        new = [served for served in good if served not in settled]
        try:
            if new:
                self._conclude(new)
        except Exception as error:
            if leases is None:
                raise
            self._give_back(new, why=f"{type(error).__name__}: {error}")
            new = []
        if leases is not None:
            leases.acknowledge(_ack_ids([*settled, *new]))
        STATISTICS.add(new)

    def _conclude(self, done: Sequence[Served]) -> None:
        untold = self._letters.send(self._completions(done))
        self._report(done, untold)
        unsent = self._letters.offer(self._dead_letters(done))
        if unsent:
            topic, home, reason = self._spec.dead_letter_topic, self._spec.report, unsent[0][1]
            log.error("%d dead letters are not on %s, but in %s/dead-*: %s", len(unsent), topic, home, reason)

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
        self.messages = self.dead = self.ignored = self.given_back = 0
        self.rows: dict[str, int] = {}
        self.trouble = ""

    def add(self, served: Iterable[Served]) -> None:
        """Count."""
        for one in served:
            self.messages += 1
            self.dead += one.dead is not None
            self.ignored += one.dead is None and not one.rows
            for row in one.rows:
                self.rows[str(row.status)] = self.rows.get(str(row.status), 0) + 1

    def give_back(self, count: int, why: str) -> None:
        """Count what must come again, and keep the reason."""
        self.given_back += count
        self.trouble = why[:500]


STATISTICS = Statistics()
