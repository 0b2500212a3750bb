"""Who does the work in one worker process: a pool of children and the threads that serve them.

A Beam worker runs a bundle in one Python thread, which is why this stands beside the pipeline: the
bundle's thread hands items over and takes rows back, N children work meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

from beam_jobs.contract.address import local_path
from beam_jobs.contract.fused import FusedSpec
from beam_jobs.contract.launch import LaunchSpec
from beam_jobs.contract.report import ReportRow
from beam_jobs.isolation.pool import StepPool
from beam_jobs.isolation.task import StepUse
from beam_jobs.pipelines.desk import PatientDesk
from beam_jobs.pipelines.frames_item import FrameWorker, Prepared
from beam_jobs.pipelines.fused_item import FusedItemWorker, FusedWork, Rows
from beam_jobs.pipelines.item import ItemWorker, Work
from beam_jobs.pipelines.lanes import Lanes, Worker, cores


class Staffed(Lanes[Any, Any]):
    """Lanes with the children that they keep busy."""

    def __init__(
        self, specs: list[LaunchSpec], worker: Callable[[StepPool], Worker[Any, Any]], work: type[Any]
    ) -> None:
        size = specs[0].concurrency or cores()
        uses = [StepUse(step=spec.step, params=spec.params, limits=spec.limits) for spec in specs]
        self._pool = StepPool(uses, size=size)
        super().__init__(worker(self._pool), work, lanes=_lanes_for(size, specs))

    def start(self) -> None:
        """Start the children, without waiting for them."""
        self._pool.start()

    def close(self) -> None:
        """Kill the children and end the threads."""
        self._pool.close()
        self.end()


class Crew(Staffed, Lanes[ReportRow, Work]):
    """The children and threads of one job in this process; thread-safe.

    :param spec: the job.
    """

    def __init__(self, spec: LaunchSpec) -> None:
        super().__init__([spec], lambda pool: ItemWorker(spec, pool), Work)


class StreamCrew(Staffed, Lanes[ReportRow, Work]):
    """The children and threads of one job of a stream; thread-safe.

    Here a future may hold an exception: trouble with storage that passes is no item's fault.

    :param spec: the job.
    """

    def __init__(self, spec: LaunchSpec) -> None:
        super().__init__([spec], lambda pool: ItemWorker(spec, pool, desk=PatientDesk(spec)), Work)


class FusedCrew(Staffed, Lanes[Rows, FusedWork]):
    """The children and threads of several jobs that are done together; thread-safe.

    :param spec: the jobs; the first one's ``concurrency`` holds for all.
    """

    def __init__(self, spec: FusedSpec) -> None:
        specs = [job.spec for job in spec.line]
        super().__init__(specs, lambda pool: FusedItemWorker(spec, pool), FusedWork)


class FrameCrew(Staffed, Lanes[ReportRow | Prepared, Work]):
    """The children and threads that prepare what a model is shown; thread-safe.

    :param spec: a job whose step is an inference.
    """

    def __init__(self, spec: LaunchSpec) -> None:
        def worker(pool: StepPool) -> FrameWorker:
            self._frames = FrameWorker(spec, pool)
            return self._frames

        super().__init__([spec], worker, Work)

    def close(self) -> None:
        """Kill the children and end the threads, also those that wait for room."""
        super().close()
        self._frames.close()


def _lanes_for(size: int, specs: list[LaunchSpec]) -> int:
    """Return how many items are worked on at a time with ``size`` children.

    Where inputs are copied, one lane fetches while another's child computes.
    """
    templates = [template for spec in specs for template in (spec.output, *spec.inputs.values())]
    return size if all(local_path(template) is not None for template in templates) else 2 * size


CrewT = TypeVar("CrewT", Crew, StreamCrew, FusedCrew, FrameCrew)

_crews: dict[str, Crew | StreamCrew | FusedCrew | FrameCrew] = {}
_crews_lock = threading.Lock()


def crew_for(spec: LaunchSpec) -> Crew:
    """Return this process's crew for ``spec``: all threads of a Beam worker share one."""
    return _shared(spec.model_dump_json(), lambda: Crew(spec))


def stream_crew_for(spec: LaunchSpec) -> StreamCrew:
    """Return this process's crew for a stream's job."""
    return _shared(f"stream {spec.model_dump_json()}", lambda: StreamCrew(spec))


def fused_crew_for(spec: FusedSpec) -> FusedCrew:
    """Return this process's crew for the jobs of ``spec``."""
    return _shared(spec.model_dump_json(), lambda: FusedCrew(spec))


def frame_crew_for(spec: LaunchSpec) -> FrameCrew:
    """Return this process's crew for the frames of ``spec``."""
    return _shared(spec.model_dump_json(), lambda: FrameCrew(spec))


def _shared(key: str, make: Callable[[], CrewT]) -> CrewT:
    with _crews_lock:
        if key not in _crews:
            _crews[key] = make()
            _crews[key].start()
        return cast(CrewT, _crews[key])


def dismiss_crews() -> None:
    """Close every crew of this process."""
    with _crews_lock:
        crews = list(_crews.values())
        _crews.clear()
    for crew in crews:
        crew.close()
