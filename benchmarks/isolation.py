"""What it costs good files that their step runs in a child process, with limits.

::

    sh scripts/real_songs.sh && python -m benchmarks.isolation
    python -m benchmarks.isolation --only "clips, probe" --rounds 3      # writes no results

The same step over the same files, by the process itself and by a ``StepPool`` of one child, in turn: one
thread and one item at a time on either side, a process of its own for each case. CPU is that of the process
and of the child. Start-up, with imports, warm-up and one item, is told apart; then both sides see every file
once before what counts.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from beam_jobs.contract.launch import Limits
from beam_jobs.contract.step import StepParams, load_step, step
from beam_jobs.isolation.pool import StepPool
from beam_jobs.isolation.result import store_result
from beam_jobs.isolation.task import StepTask, StepUse
from beam_jobs.media.call import StepCall

RESULTS = Path(__file__).with_name("results")
PROMISE: Final = 1.05
SIDES: Final = ("here", "child")
ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
SONGS, CLIPS, CLIP_S, RATE = 6, 40, 2, 44_100

Run = Callable[[Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A step over files of one kind.

    :param files: the kind.
    :param repeats: how often each file is done in a round, so that a round is long enough to be measured.
    """

    step: str
    files: str
    repeats: int = 1

    @property
    def name(self) -> str:
        """What the case is called."""
        return f"{self.files}, {self.step.rpartition(':')[2]}"


CASES: Final = (
    Case(step="downsample", files="songs"),
    Case(step="downsample", files="clips", repeats=2),
    Case(step="probe", files="songs", repeats=40),
    Case(step="probe", files="clips", repeats=10),
    Case(step="thumbnail", files="photos", repeats=10),
    Case(step="thumbnail", files="small pictures", repeats=3),
    Case(step="benchmarks.isolation:nothing", files="clips", repeats=25),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds per item."""

    cpu_s: float
    wall_s: float


class NoParams(StepParams):
    """Nothing to choose."""


@step("nothing", version="1", makes=".json", params=NoParams)
def nothing(call: StepCall, params: NoParams) -> dict[str, bool]:
    """Answer at once: what is left is the hand-over."""
    return {"nothing": True}


class Clock:
    """CPU and wall seconds of this process and of a child that lives, from when it is made.

    ``getrusage`` tells of children that have ended only.
    """

    def __init__(self, child: int | None = None) -> None:
        self._child = None if child is None else _cpu_clock(child)
        self._cpu, self._wall = self._cpu_now(), time.perf_counter()

    def spent(self, items: int = 1) -> Spent:
        """Return what was spent until now, for each item."""
        wall = time.perf_counter() - self._wall
        return Spent(cpu_s=(self._cpu_now() - self._cpu) / items, wall_s=wall / items)

    def _cpu_now(self) -> float:
        return time.process_time() + (0.0 if self._child is None else time.clock_gettime(self._child))


def _cpu_clock(pid: int) -> int:
    number = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(number)):
        raise ProcessLookupError(f"process {pid} has no CPU clock")
    return number.value


def measure(case: Case, files: list[Path], rounds: int) -> dict[str, Any]:
    """Measure both sides in this process and its child."""
    table: dict[str, list[Spent]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory(prefix="isolation-") as name:
        clock = Clock()
        here = run_here(case.step, Path(name))
        here(files[0])
        start = {"here": clock.spent()}
        pool = StepPool([StepUse(step=case.step, params={}, limits=Limits())], size=1)
        try:
            clock = Clock()
            pool.start()
            child = run_in_child(pool, case.step, Path(name))
            child(files[0])
            pid = the_child()
            wall = clock.spent()
            start["child"] = Spent(cpu_s=wall.cpu_s + time.clock_gettime(_cpu_clock(pid)), wall_s=wall.wall_s)
            for number in range(-1, rounds):
                for side in SIDES if number % 2 else reversed(SIDES):
                    run, count = {"here": here, "child": child}[side], len(files) * case.repeats
                    clock = Clock(pid)
                    for path in files * case.repeats:
                        run(path)
                    if number >= 0:
                        table[side].append(clock.spent(count))
            if the_child() != pid:
                raise SystemExit(f"{case.name}: the child was replaced, so what is measured is no good file")
        finally:
            pool.close()
    return summarise(case, len(files) * case.repeats, start, table)


def run_here(name: str, folder: Path) -> Run:
    """Return the step as a function of a file, in this process, warmed up."""
    used = load_step(name)
    params = used.parse_params({})
    if used.warm_up is not None:
        used.warm_up()
    output = folder / f"here{used.suffix(params)}"

    def run(path: Path) -> None:
        call = StepCall(item=path.name, inputs={used.takes[0].name: path}, output=output)
        store_result(used.run(call, params), output, item=call.item)  # type: ignore[misc]
        output.unlink()

    return run


def run_in_child(pool: StepPool, name: str, folder: Path) -> Run:
    """Return the step as a function of a file, in the pool's child."""
    used = load_step(name)
    output = folder / f"child{used.suffix(used.parse_params({}))}"

    def run(path: Path) -> None:
        outcome = pool.run(
            StepTask(item=path.name, inputs={used.takes[0].name: str(path)}, output=str(output))
        )
        if outcome.error_class:
            raise SystemExit(f"{path} is no good file: {outcome.message}")
        output.unlink()

    return run


def the_child() -> int:
    """Return the id of this process's only child."""
    import psutil

    (child,) = psutil.Process().children()
    return int(child.pid)


def summarise(
    case: Case, items: int, start: dict[str, Spent], table: dict[str, list[Spent]]
) -> dict[str, Any]:
    """Reduce the rounds to medians and to ratios of pairs."""

    def values(side: str, what: str) -> list[float]:
        return [getattr(spent, what) for spent in table[side]]

    found: dict[str, Any] = {"case": case.name, "items": items}
    for what in ("cpu_s", "wall_s"):
        pairs = list(zip(values("child", what), values("here", what), strict=True))
        found[what] = {side: statistics.median(values(side, what)) for side in SIDES}
        found[f"{what}_more"] = statistics.median(child - here for child, here in pairs)
        found[f"{what}_ratios"] = [round(child / here, 4) for child, here in pairs]
        found[f"{what}_ratio"] = round(statistics.median(child / here for child, here in pairs), 4)
    return {**found, "start": {side: asdict(spent) for side, spent in start.items()}}


def in_a_process(case: Case, files: list[Path], rounds: int) -> dict[str, Any]:
    """Measure a case in a process of its own, that starts as bare as a child does."""
    command = [sys.executable, "-m", "benchmarks.isolation", "--case", case.name, "--rounds", str(rounds)]
    env = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}  # as a worker's child has it
    done = subprocess.run(
        [*command, *map(str, files)], stdout=subprocess.PIPE, text=True, check=True, env=env
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def make_files(kind: str, folder: Path) -> list[Path]:
    """Return good files of a kind."""
    from benchmarks.steps.media import samples_for

    if kind == "songs":
        return [sample.path for sample in samples_for("downsample", folder, songs=SONGS)]
    if kind == "clips":
        return list(_clips(folder))
    photos = [sample.path for sample in samples_for("thumbnail", folder, songs=0)]
    return photos if kind == "photos" else list(_small(photos, folder))


def _clips(folder: Path) -> Iterator[Path]:
    """Make clips from the middle of real songs."""
    import soundfile

    from benchmarks.steps.media import samples_for

    songs = [sample.path for sample in samples_for("downsample", folder, songs=SONGS)]
    for number in range(CLIPS):
        song = songs[number % SONGS]
        rate = soundfile.info(song).samplerate
        start = (20 + CLIP_S * (number // SONGS)) * rate
        samples, _ = soundfile.read(song, start=start, frames=CLIP_S * rate, dtype="float32")
        path = folder / f"clip {number}.ogg"
        soundfile.write(path, samples, rate, format="OGG", subtype="VORBIS")
        yield path


def _small(photos: list[Path], folder: Path) -> Iterator[Path]:
    """Make pictures as web pages have them."""
    from PIL import Image

    for photo in photos:
        with Image.open(photo) as opened:
            for width in range(640, 1040, 40):
                path = folder / f"{photo.stem} {width}.jpg"
                opened.resize((width, width * 3 // 4)).convert("RGB").save(path, quality=85)
                yield path


def as_markdown(found: dict[str, Any]) -> str:
    """Return the result as a page."""
    cases = found["cases"]
    rows = "\n".join(_row(case) for case in cases)
    rounds = "\n".join(
        f"| {case['case']} | {_spread(case['cpu_s_ratios'])} | {_spread(case['wall_s_ratios'])} |"
        for case in cases
    )
    starts = "\n".join(
        f"| {case['case']} | "
        + " | ".join(f"{case['start'][side][what]:.2f}" for what in ("cpu_s", "wall_s") for side in SIDES)
        + " |"
        for case in cases
    )
    promise = 100 * (PROMISE - 1)
    good = [case for case in cases if not case["case"].endswith(" nothing")]
    holds, not_ = ([_cost(case) for case in good if keeps(case) == kept] for kept in (True, False))
    return f"""# What a child process costs good files

The same step over the same files by the process itself (*here*) and by a pool of one child (*child*), one
item at a time; medians of {found["rounds"]} rounds in turn. CPU is that of the process and its child;
milliseconds for one item. *ratio* is the median of the rounds' own ratios, *more* the median of their
differences. Start-up is not in it. Made by `python -m benchmarks.isolation`.

- Less than {promise:.0f} % more CPU: {"; ".join(holds) or "none"}.
- More than that: {"; ".join(not_) or "none"}.

| files, step | items | CPU here | child | ratio | more | wall here | child | ratio | more |
|---|---|---|---|---|---|---|---|---|---|
{rows}

*nothing* answers at once, so its *more* is the hand-over alone. Clips are of {CLIP_S} s, photos of 12
megapixels, small pictures of 640 to 1,000 pixels.

Ratios of the rounds, smallest to greatest:

| files, step | CPU | wall |
|---|---|---|
{rounds}

Start-up, from nothing to the end of the first item: imports, warm-up, and the process itself.

| files, step | CPU here, s | child, s | wall here, s | child, s |
|---|---|---|---|---|
{starts}
"""


def keeps(case: dict[str, Any]) -> bool:
    """Tell whether a case costs less than what is promised."""
    return bool(case["cpu_s_ratio"] < PROMISE)


def _cost(case: dict[str, Any]) -> str:
    """Say what a case costs."""
    percent, more_ms = 100 * (case["cpu_s_ratio"] - 1), 1000 * case["cpu_s_more"]
    return f"{case['case']} ({percent:+.1f} %, {more_ms:+.2f} ms an item)"


def _row(case: dict[str, Any]) -> str:
    cells = [case["case"], str(case["items"])]
    for what in ("cpu_s", "wall_s"):
        cells += [f"{1000 * case[what][side]:.4g}" for side in SIDES]
        cells += [f"{case[f'{what}_ratio']:.3f}", f"{1000 * case[f'{what}_more']:.3f}"]
    return "| " + " | ".join(cells) + " |"


def _spread(ratios: list[float]) -> str:
    return f"{min(ratios):.3f} to {max(ratios):.3f}"


def main() -> None:
    """Measure, write the results, and say where the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=[case.name for case in CASES], help="writes no results")
    parser.add_argument("--case", choices=[case.name for case in CASES], help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        (case,) = (case for case in CASES if case.name == args.case)
        print(json.dumps(measure(case, args.files, args.rounds)))
        return
    found: dict[str, Any] = {"promise": PROMISE, "rounds": args.rounds, "cases": []}
    with tempfile.TemporaryDirectory(prefix="isolation-") as name:
        made: dict[str, list[Path]] = {}
        for case in CASES:
            if args.only in (None, case.name):
                if case.files not in made:
                    made[case.files] = make_files(case.files, Path(name))
                found["cases"].append(in_a_process(case, made[case.files], args.rounds))
                print(_row(found["cases"][-1]), file=sys.stderr, flush=True)
    page = as_markdown(found)
    if args.only is None:
        (RESULTS / "isolation.json").write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "isolation.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
