"""``make demo``: the reference graph over a few songs, in a real Airflow of its own.

Everything lives in ``build/demo``: songs, artifacts, Airflow's home, the report. Artifacts stay, so that a
second run finds them and does nothing. Airflow's home is made anew each time.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from scripts.demo_show import Tally, show_progress, show_result
from tests.airflow_env import AirflowClient, AirflowEnv, DagRun, EnvSettings

PROJECT = Path(__file__).resolve().parents[1]
DAG = "media"
USER = "admin"

console = Console() if sys.stdout.isatty() else Console(width=160)  # a log has no edge to break lines at


def main(argv: list[str] | None = None) -> int:
    """Run the demo; 0 = every item done or present."""
    args = arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder: Path = args.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with alone_in(folder):
            return demo(folder, keep_running=args.keep_running)
    except KeyboardInterrupt:
        console.print(
            "stopped; Airflow is down, what was made stays. Run it again and it goes on where it was."
        )
        return 130
    except BusyError as error:
        console.print(f"[red]{error}")
        return 2


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--folder", type=Path, default=PROJECT / "build" / "demo", help="where everything goes"
    )
    parser.add_argument("--keep-running", action="store_true", help="leave Airflow up until Ctrl-C")
    return parser.parse_args(argv)


class BusyError(Exception):
    """Another demo uses the folder."""


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the kernel frees it even when this process is killed."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(
                f"another demo is running in {folder}; stop it first (Ctrl-C in its terminal)"
            ) from None
        yield


def demo(folder: Path, *, keep_running: bool) -> int:
    """Make the songs, start Airflow, run the graph, show what was made."""
    songs = make_songs(folder / "songs")
    home = folder / "airflow"
    shutil.rmtree(home, ignore_errors=True)
    environ = {"MEDIA_ROOT": f"file://{folder}/artifacts", "MEDIA_SONGS": f"file://{folder}/songs"}
    os.environ.update(environ)
    settings = EnvSettings(
        home=home, dags=PROJECT / "dags", database="sqlite", parallelism=2, login=True, extra=environ
    )
    env = AirflowEnv(settings)
    with stopped_quietly(env):
        with console.status(
            "starting Airflow (SQLite, LocalExecutor): api-server, scheduler, dag-processor …"
        ):
            env.start()
            env.client.login(USER, env.password)
            env.client.wait_for_dag(DAG)
            env.client.unpause(DAG)
        console.print(f"Airflow is up at {env.url}")
        code = run_graph(env.client, folder, songs)
        if keep_running:
            wait_for_interrupt(env)
    return code


def make_songs(folder: Path) -> list[str]:
    """Make the demo's songs, unless they are there, and return their item ids."""
    from scripts.demo_songs import make_songs as make

    with console.status("making a few songs"):
        make(folder)
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.ogg"))


def run_graph(client: AirflowClient, folder: Path, songs: list[str]) -> int:
    """Trigger the DAG for ``songs``, show its progress, write the report and the summary."""
    from airflow_media_provider.registry.load import load_registry
    from airflow_media_provider.runs.layout import RunLayout
    from airflow_media_provider.storage import Stores
    from scripts.demo_report import earlier_work, write_report

    started = time.monotonic()
    graph = load_registry(str(PROJECT / "dags" / "media_jobs.yaml"))
    run = client.trigger(DAG, {"items": songs})
    console.print(f"triggered DAG {DAG!r} for {len(songs)} songs: run {run.run_id}")
    run = show_progress(console, client, run, graph, songs)
    plan = client.xcoms(run, "plan").get("return_value")
    if plan is None:
        return judge(client, run, None)
    layout = RunLayout(plan["plan"])
    tally = Tally.read(layout, graph)
    report, summary = folder / "report.html", folder / "summary.json"
    write_report([layout.uri, *earlier_work(layout.uri, Stores(), limit=2)], report)
    summary.write_text(json.dumps({"jobs": tally.jobs}, indent=1) + "\n")
    show_result(console, tally, graph, songs, seconds=time.monotonic() - started)
    console.print(f"report   {report}\nsummary  {summary}\nrun      {layout.uri}", soft_wrap=True)
    return judge(client, run, tally)


def judge(client: AirflowClient, run: DagRun, tally: Tally | None) -> int:
    """Return the exit code; a red run shows the logs of what failed."""
    if run.state == "success" and tally is not None and not tally.lost:
        return 0
    console.print(f"[red]run {run.run_id} ended {run.state}")
    for task, state in client.task_states(run).items():
        if state == "failed":
            console.print(f"--- {task}", style="red")
            console.print(client.log(run, task)[-3000:], markup=False, soft_wrap=True)
    return 1


def wait_for_interrupt(env: AirflowEnv) -> None:
    """Say where the web pages are and wait."""
    console.print(
        f"\nAirflow keeps running: {env.url}  (user {USER}, password {env.password}); Ctrl-C ends it"
    )
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


@contextlib.contextmanager
def stopped_quietly(env: AirflowEnv) -> Iterator[None]:
    """Stop Airflow at the end whatever happens; a second Ctrl-C does not leave processes behind."""
    try:
        yield
    finally:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        with console.status("stopping Airflow"):
            env.stop()
        signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    sys.exit(main())
