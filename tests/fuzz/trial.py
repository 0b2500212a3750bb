"""Hostile files through a real job, and what became of them."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from beam_jobs.contract.report import ReportRow, Status
from beam_jobs.contract.step import Step, builtin_steps, load_step
from tests import onnx_models
from tests.beam.jobs import JobFolder
from tests.fuzz.corpus import KINDS

PARAMS: dict[str, dict[str, Any]] = {
    "downsample": {"sample_rate": 16_000, "channels": 1, "format": "wav"},
    "excerpt": {"start_s": 0.2, "duration_s": 0.5},
}
"""For steps that have no defaults for all their params."""

MODELS: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "audio": (onnx_models.write_loudness, {"frame": 4_000}),
    "image": (onnx_models.write_mean_colour, {}),
    "video": (onnx_models.write_mean_colour, {"every_s": 0.2}),
}
"""For steps that ask a model: kind of files -> a small model, and what its frames are."""

EXPECTED = {"UndecodableMedia", "StepError", "StepTimeout", "StepCrashed", "MemoryError"}
"""What may become of a hostile file; any other error is one that the step did not think of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a job made of the files.

    :param code: exit code of ``beam_jobs.run``.
    :param wall_s: past start-up.
    :param peak_mb: the most that one of its processes held.
    :param left: processes and files that outlived the job.
    """

    step: str
    files: int
    code: int
    wall_s: float
    peak_mb: float
    left: list[str]
    rows: dict[str, ReportRow] = field(repr=False)

    @property
    def statuses(self) -> Counter[str]:
        return Counter(row.status.value for row in self.rows.values())

    @property
    def errors(self) -> Counter[str]:
        return Counter(row.error_class for row in self.rows.values() if row.status == Status.FAILED)

    @property
    def unexpected(self) -> dict[str, str]:
        """Error messages by item that no step should give."""
        return {
            row.item: f"{row.error_class}: {row.message}"
            for row in self.rows.values()
            if row.status not in (Status.DONE, Status.FAILED)
            or (row.status == Status.FAILED and row.error_class not in EXPECTED)
        }

    @property
    def slowest(self) -> tuple[float, str]:
        """Seconds of the step, and the item."""
        return max(((sum(row.seconds.values()), row.item) for row in self.rows.values()), default=(0.0, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A step as it is tried.

    :param kinds: input -> the kind of files that it gets.
    :param model: writes the model that the step asks; None for a step that asks none.
    """

    step: Step
    kinds: Mapping[str, str]
    params: Mapping[str, Any]
    model: Callable[[Path], Path] | None = None

    @property
    def name(self) -> str:
        """The step's, and the kind of files where it takes several."""
        return self.step.name if self.model is None else f"{self.step.name} {self.params['kind']}"


def trials() -> list[Trial]:
    """Return the built-in steps that there is a corpus for; one that asks a model once for each kind."""
    return [trial for step in map(load_step, builtin_steps()) for trial in _trials_of(step)]


def _trials_of(step: Step) -> list[Trial]:
    (first, *_) = (taken.name for taken in step.takes)
    if step.inference:
        return [
            Trial(step=step, kinds={first: kind}, params={"kind": kind, **params}, model=write)
            for kind, (write, params) in MODELS.items()
        ]
    if step.transform is not None or not all(taken.name in KINDS for taken in step.takes):
        return []
    return [
        Trial(
            step=step,
            kinds={taken.name: taken.name for taken in step.takes},
            params=PARAMS.get(step.name, {}),
        )
    ]


def try_steps(
    tried: Sequence[Trial],
    corpora: Mapping[str, tuple[Path, Sequence[str]]],
    folder: Path,
    *,
    timeout_s: float,
    memory_mb: int,
    deadline_s: float,
) -> list[Verdict]:
    """Run steps over hostile files, one after the other in one process of their own.

    :param corpora: kind -> folder and names; a step of several inputs gets one of each kind, in turn.
    :raises subprocess.TimeoutExpired: when the jobs do not end.
    """
    limits = {"timeout_s": timeout_s, "memory_mb": memory_mb}
    return _run([_job(trial, corpora, folder / trial.name, limits) for trial in tried], folder, deadline_s)


def _job(
    trial: Trial, corpora: Mapping[str, tuple[Path, Sequence[str]]], folder: Path, limits: dict[str, Any]
) -> JobFolder:
    step, params = trial.step, dict(trial.params)
    if trial.model is not None:
        folder.mkdir(parents=True)
        params["model"] = str(trial.model(folder / "model.onnx"))
    parsed = step.parse_params(params)
    job = JobFolder(folder)
    job.changes = {
        "job": trial.name, "step": step.name, "params": params, "limits": limits,
        "inputs": {taken.name: f"{job.path}/in/{taken.name}/{{item}}" for taken in step.takes},
        "output": f"{job.path}/out/{{item}}{step.suffix(parsed)}",
        "concurrency": 2,
    }  # fmt: skip
    if step.children is not None:
        suffix = step.children if isinstance(step.children, str) else step.children(parsed)
        job.changes["child_output"] = f"{job.path}/children/{{item}}{suffix}"
    main, *others = trial.kinds.items()
    source, names = corpora[main[1]]
    _link(job.path / "in" / main[0], {name: source / name for name in names})
    for other, kind in others:
        _link(job.path / "in" / other, _beside(list(names), kind, *corpora[kind], job.path / "whole"))
    job.list(*names)
    return job


def _beside(names: list[str], kind: str, source: Path, there: Sequence[str], folder: Path) -> dict[str, Path]:
    """Return what each item gets for a further input: a hostile file or, every second time, a whole one."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / kind
    next(iter(KINDS[kind].values()))(whole)
    return {
        name: source / there[number // 2 % len(there)] if number % 2 else whole
        for number, name in enumerate(names)
    }


def _link(folder: Path, files: Mapping[str, Path]) -> None:
    folder.mkdir(parents=True)
    for name, file in files.items():
        (folder / name).symlink_to(file)


def _run(jobs: Sequence[JobFolder], folder: Path, deadline_s: float) -> list[Verdict]:
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=folder))
    os.environ["TMPDIR"], before = str(scratch), os.environ.get("TMPDIR")
    try:
        first, *others = jobs
        process = first.start(*(job.write() for job in others), new_session=True)
    finally:
        os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before)
    try:
        (folder / "log.txt").write_text(process.communicate(timeout=deadline_s)[1])
    finally:
        process.kill()
    left = [*_processes_of(folder), *(str(path) for path in scratch.iterdir())]
    return [_verdict(job, process.returncode, left) for job in jobs]


def _verdict(job: JobFolder, code: int, left: list[str]) -> Verdict:
    summary = job.summary()
    clock = summary["wall_seconds"]
    drafts = [path for place in ("out", "children") for path in (job.path / place).rglob(".tmp-*")]
    return Verdict(
        step=summary["job"], files=len(job.lines), code=code, wall_s=clock["items"] + clock["report"],
        peak_mb=max(summary["process_peak_mb"].values()),
        left=[*left, *(str(path.relative_to(job.path)) for path in drafts)], rows=job.rows(),
    )  # fmt: skip


def _processes_of(folder: Path) -> list[str]:
    """Return the command lines of processes that still have to do with the job."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        facts = process.info
        if str(folder) in " ".join(facts["cmdline"] or ()) or str(folder) in str(facts["environ"] or ""):
            found.append(" ".join(facts["cmdline"] or ())[:200])
    return found
