"""Jobs whose step shows items to a model: children cut frames, RunInference asks, and every item has its row.

An item's blocks follow one another through one bundle, so its answers are gathered without a shuffle.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import apache_beam as beam
import numpy as np
from apache_beam.ml.inference.base import RunInference
from apache_beam.pvalue import PCollection, TaggedOutput

from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.report import ReportRow
from beam_jobs.contract.step import Step
from beam_jobs.isolation.result import store_result
from beam_jobs.isolation.task import StepOutcome, StepTask
from beam_jobs.media.model_input import frame_blocks
from beam_jobs.media.model_params import ModelParams
from beam_jobs.models.answers import Gathered
from beam_jobs.models.artifact import as_result, write_all
from beam_jobs.models.handler import BlockAnswer, FrameBlock, FrameHandler
from beam_jobs.pipelines.account import Account
from beam_jobs.pipelines.bundle import ProcessLines, at_the_end
from beam_jobs.pipelines.crew import FrameCrew, frame_crew_for
from beam_jobs.pipelines.desk import ItemDesk
from beam_jobs.pipelines.frames_item import Prepared
from beam_jobs.pipelines.make import make_artifact

_SETTLED: Final = "settled"
_WRITERS: Final = 4
_NO_FRAMES: Final = np.empty(0, np.float32)


class ProcessByModel(beam.PTransform[Any, Any]):
    """Lines of the manifest -> encoded report rows, by a model."""

    def __init__(self, spec: LaunchSpec, step: Step, params: ModelParams, *, in_process: bool) -> None:
        super().__init__()
        self._spec, self._step, self._params, self._in_process = spec, step, params, in_process

    def expand(self, lines: PCollection[Any]) -> PCollection[Any]:
        """Sort out what needs no work, show the rest to the model, store its answers."""
        cut = lines | "Frames" >> beam.ParDo(
            _CutFrames(self._spec, self._params, in_process=self._in_process)
        ).with_outputs(_SETTLED, main="blocks")
        answers = cut["blocks"] | "Model" >> RunInference(FrameHandler(self._params))
        made = answers | "Store" >> beam.ParDo(_Store(self._spec, self._step, self._params))
        rows = (cut[_SETTLED], made) | "AllRows" >> beam.Flatten()
        encoded: PCollection[str] = rows | "Account" >> beam.ParDo(
            Account(self._spec, in_process=self._in_process)
        )
        return encoded


class _CutFrames(ProcessLines[ReportRow | Prepared]):
    """Lines -> blocks of frames, and the rows of items that have none."""

    def __init__(self, spec: LaunchSpec, params: ModelParams, *, in_process: bool) -> None:
        super().__init__(in_process=in_process)
        self._spec, self._params = spec, params

    def join(self) -> FrameCrew:
        return frame_crew_for(self._spec)

    def give(self, outcome: ReportRow | Prepared) -> Iterator[Any]:
        if isinstance(outcome, ReportRow):
            yield TaggedOutput(_SETTLED, outcome)
            return
        try:
            for block in _blocks(outcome.path, self._params, (outcome.row, outcome.trace)):
                yield block  # goes through the model before the next one is cut
                self._lanes.note_life()
        finally:
            outcome.hold.release()


def _blocks(path: Path, params: ModelParams, facts: Any) -> Iterator[FrameBlock]:
    """Yield an item's blocks; a fault is the last one."""
    number, held = 0, None
    try:
        for frames in frame_blocks(path, params):
            if held is not None:
                yield FrameBlock(number=number, last=False, frames=held, facts=facts)
                number += 1
            held = frames
        assert held is not None  # noqa: S101 - an item has a frame
    except Exception as error:
        fault = (type(error).__name__, str(error))
        yield FrameBlock(number=number, last=True, frames=_NO_FRAMES, error=fault, facts=facts)
        return
    yield FrameBlock(number=number, last=True, frames=held, facts=facts)


class _Store(beam.DoFn):
    """Answers for blocks -> the one row of each item."""

    def __init__(self, spec: LaunchSpec, step: Step, params: ModelParams) -> None:
        self._spec, self._params = spec, params
        self._made_by = (step.name, step.version)

    def setup(self) -> None:
        self._desk = ItemDesk(self._spec)
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="answers")

    def teardown(self) -> None:
        self._writers.shutdown(wait=False, cancel_futures=True)

    def start_bundle(self) -> None:
        self._open: dict[str, Gathered] = {}
        self._in_work: list[Future[ReportRow]] = []

    def process(self, block: BlockAnswer) -> Iterator[ReportRow]:
        item = block.facts[0].item
        gathered = self._open.setdefault(item, Gathered(self._params))
        gathered.add(block)
        if not gathered.is_complete:
            return
        del self._open[item]
        while len(self._in_work) >= _WRITERS:
            yield self._in_work.pop(0).result()
        self._in_work.append(self._writers.submit(self._row, gathered))

    def finish_bundle(self) -> Iterator[Any]:
        for gathered in self._open.values():  # blocks and their item share a bundle, so there are none
            gathered.fault = ("StepError", "the last of its frames was lost on the way; run it again")
            self._in_work.append(self._writers.submit(self._row, gathered))
        for future in self._in_work:
            yield at_the_end(future.result())

    def _row(self, gathered: Gathered) -> ReportRow:
        row, trace = gathered.facts

        def run(task: StepTask) -> StepOutcome:
            return self._write(task, gathered, trace.media_seconds)

        try:
            return make_artifact(self._desk, row, {}, trace, run=run)
        except Exception as error:
            return self._desk.failed(row.item, trace, error)

    def _write(self, task: StepTask, gathered: Gathered, media_s: float) -> StepOutcome:
        measured: dict[str, Any] = {"seconds": {"model": gathered.seconds}, "media_seconds": media_s}
        try:
            if gathered.fault is not None:
                name, message = gathered.fault
            else:
                self._write_artifact(Path(task.output), gathered, task.item, media_s)
                return StepOutcome(**measured)
        except Exception as error:
            name, message = type(error).__name__, str(error)
        return StepOutcome(
            error_class=name, message=f"item {task.item!r}: {message}", stage="model", **measured
        )

    def _write_artifact(self, path: Path, gathered: Gathered, item: str, media_s: float) -> None:
        if self._params.aggregate == "none":
            step, version = self._made_by
            write_all(path, gathered, self._params, step=step, version=version)
        else:
            store_result(as_result(gathered, self._params, duration_s=media_s), path, item=item)
