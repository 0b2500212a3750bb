"""Jobs whose step is a PTransform: Beam gets the items, and we get a row for each all the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from beam_jobs.contract.errors import StepResultError
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.report import ReportRow, Status
from beam_jobs.contract.step import Step
from beam_jobs.isolation.result import store_result
from beam_jobs.pipelines.account import Account
from beam_jobs.pipelines.desk import ItemDesk
from beam_jobs.pipelines.trace import Trace
from beam_jobs.storage.retry import with_retries

_WORK, _BAD = "work", "bad"


class ProcessByTransform(beam.PTransform[Any, Any]):
    """Lines of the manifest -> encoded report rows, by the step's own PTransform.

    An element that raises costs its item only when the transform is a ParDo (or Map, FlatMap), because
    Beam has dead letters for these alone; in a composite it ends the pipeline. Wrap the steps inside.
    """

    def __init__(self, spec: LaunchSpec, step: Step, make: Callable[[Any], Any], *, in_process: bool) -> None:
        super().__init__()
        self._spec, self._step, self._make, self._in_process = spec, step, make, in_process

    def expand(self, lines: PCollection[Any]) -> PCollection[Any]:
        """Sort out what needs no work, run the transform, join its results with the items."""
        sorted_out = lines | "Look" >> beam.ParDo(_Look(self._spec)).with_outputs(_WORK, main="rows")
        work = sorted_out[_WORK]
        pairs = work | "Pairs" >> beam.Map(lambda pair: (pair[0], pair[1]["uris"]))
        results, bad = self._run(pairs)
        joined = {"work": work, "results": results, "bad": bad} | "Join" >> beam.CoGroupByKey()
        made = joined | "Store" >> beam.ParDo(_Store(self._spec))
        rows = (sorted_out["rows"], made) | "AllRows" >> beam.Flatten()
        encoded: PCollection[str] = rows | "Account" >> beam.ParDo(
            Account(self._spec, in_process=self._in_process)
        )
        return encoded

    def _run(self, pairs: PCollection[Any]) -> tuple[PCollection[Any], PCollection[Any]]:
        transform = self._make(self._step.parse_params(self._spec.params))
        if not isinstance(transform, beam.ParDo):
            return pairs | "Step" >> transform, pairs | "NoneBad" >> beam.FlatMap(lambda _: [])
        results, bad = pairs | "Step" >> transform.with_exception_handling()
        return results, bad | "BadByItem" >> beam.Map(_bad_by_item)


def _bad_by_item(letter: tuple[Any, Any]) -> tuple[str, tuple[str, str]]:
    (item, _), (kind, text, *_) = letter
    return item, (getattr(kind, "__name__", str(kind)), str(text))


class _Look(beam.DoFn):
    """Lines -> rows that are settled, and (item, what the store step needs) for the rest."""

    def __init__(self, spec: LaunchSpec) -> None:
        self._spec = spec

    def setup(self) -> None:
        self._desk = ItemDesk(self._spec)

    def process(self, line: str) -> Iterator[Any]:
        row = self._desk.read_row(line)
        if isinstance(row, ReportRow):
            yield row
            return
        trace = Trace()
        try:
            settled = self._desk.settled(row, trace)
            if settled is not None:
                yield settled
                return
            uris = self._desk.look_for_inputs(row.item, trace)
        except Exception as error:
            yield self._desk.failed(row.item, trace, error)
            return
        facts = {"uris": uris, "force": row.force, "bytes_in": trace.bytes_in, "since": time.time()}
        yield TaggedOutput(_WORK, (row.item, facts))


class _Store(beam.DoFn):
    """(item, joined) -> the item's one row."""

    def __init__(self, spec: LaunchSpec) -> None:
        self._spec = spec

    def setup(self) -> None:
        self._desk = ItemDesk(self._spec)

    def process(self, joined: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[ReportRow]:
        item, groups = joined
        facts = next(iter(groups["work"]), None)
        if facts is None:
            return  # the transform made up an item that nobody asked for: no cell, so no row
        trace = Trace(bytes_in=facts["bytes_in"], stage="step")
        try:
            yield self._store(item, facts, list(groups["results"]), list(groups["bad"]), trace)
        except Exception as error:
            yield self._desk.failed(item, trace, error)

    def _store(
        self, item: str, facts: dict[str, Any], results: list[Any], bad: list[tuple[str, str]], trace: Trace
    ) -> ReportRow:
        if bad:
            name, text = bad[0]
            message = f"item {item!r}: {text}"
            return self._desk.row(
                item, Status.FAILED, trace, error_class=name, message=message[:2000], stage="step"
            )  # fmt: skip
        if len(results) != 1:
            what = "nothing" if not results else f"{len(results)} results"
            raise StepResultError(
                f"item {item!r}: the transform returned {what}; return one (item, result) pair"
            )
        uri = self._desk.output.of(item)
        with trace.at("write"), self._desk.store.draft(uri, self._desk.output.suffix) as draft:
            with trace.at("encode"):
                store_result(results[0], draft, item=item)
            size = draft.stat().st_size
            trace.stage = "write"
            made = with_retries(
                lambda: self._desk.store.publish(draft, uri, replace=facts["force"]),
                attempts=self._spec.limits.attempts,
            )
        return self._desk.row(
            item, Status.DONE if made else Status.PRESENT, trace, uri=uri, bytes_out=size
        )  # fmt: skip
