"""The launcher against real processes: a small package that stands where ``beam_jobs`` would be."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from airflow_media_provider.errors import LaunchError
from airflow_media_provider.runners.launch import launch
from airflow_media_provider.runners.worker_path import worker_environ


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Put a worker of the given code first on the worker's path."""
    monkeypatch.chdir(tmp_path)

    def write(code: str) -> dict[str, str]:
        folder = tmp_path / "beam_jobs"
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "run.py").write_text(textwrap.dedent(code))
        return {**os.environ, "PYTHONPATH": str(tmp_path)}

    return write


def run(env, **options):
    events, lines = [], []
    result = launch(
        ["spec"], python=sys.executable, on_event=events.append, on_line=lines.append, env=env, **options
    )
    return result, events, lines


def test_events_are_told_apart_from_log_lines_of_both_streams(worker):
    env = worker("""
        import sys
        print("hello", flush=True)
        print("warning", file=sys.stderr, flush=True)
        print('INFO MEDIA_EVENT {"event": "submitted", "job": "j", "job_id": "42"}', flush=True)
        print("MEDIA_EVENT {broken", flush=True)
    """)
    result, events, lines = run(env)
    assert (result.exit_code, result.job_id, result.last_line) == (0, "42", "MEDIA_EVENT {broken")
    assert [event["job_id"] for event in events] == ["42"]
    assert lines == ["hello", "warning", "MEDIA_EVENT {broken"]


def test_a_worker_that_cannot_run_leaves_its_last_words(worker):
    result, _, _ = run(worker("import sys; print('no manifest'); sys.exit(2)"))
    assert (result.exit_code, result.last_line) == (2, "no manifest")


def test_megabytes_on_both_streams_do_not_stop_it(worker):
    env = worker("""
        import sys
        for i in range(3000):
            print("o" * 500)
            print("e" * 500, file=sys.stderr)
    """)
    _, _, lines = run(env)
    assert len(lines) == 6000


def test_an_interpreter_that_is_not_there_is_named():
    with pytest.raises(LaunchError, match=r"/no/python"):
        launch(["spec"], python="/no/python", on_event=print, on_line=print)


def test_past_its_deadline_the_worker_and_its_children_are_gone(worker, tmp_path):
    env = worker("""
        import pathlib, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        pathlib.Path("child.pid").write_text(str(child.pid))
        time.sleep(600)
    """)
    with pytest.raises(LaunchError, match="stopped after 6 s"):
        run(env, deadline=6.0)
    assert gone(int((tmp_path / "child.pid").read_text()))


def test_an_interrupted_launch_takes_the_worker_with_it(worker):
    env = worker("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    seen = []

    def interrupt(line: str) -> None:
        seen.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(["spec"], python=sys.executable, on_event=print, on_line=interrupt, env=env)
    assert gone(seen[0])


def test_the_real_worker_ends_when_its_launcher_is_killed(tmp_path):
    (tmp_path / "spec.json").touch()
    fifo = tmp_path / "waits.json"
    os.mkfifo(fifo)  # reading the spec waits for ever
    code = (
        "import sys; from airflow_media_provider.runners.launch import launch; "
        f"launch([{str(fifo)!r}], python=sys.executable, on_event=print, on_line=print, "
        "on_start=lambda worker: print(worker._process.pid, flush=True))"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(launcher.stdout.readline())
    wait_for(lambda: b"--parent" in Path(f"/proc/{pid}/cmdline").read_bytes())
    time.sleep(1)  # until it asked the kernel to be ended with its parent
    launcher.kill()
    launcher.communicate()
    assert gone(pid)


def test_the_worker_finds_what_was_added_to_this_process_path(monkeypatch, tmp_path):
    team = tmp_path / "team"
    team.mkdir()
    monkeypatch.syspath_prepend(str(team))
    environ = worker_environ({"PYTHONPATH": "/given"})
    assert environ["PYTHONPATH"].split(os.pathsep)[0] == "/given"
    assert str(team) not in environ["PYTHONPATH"]
    paths = environ["MEDIA_STEP_PATH"].split(os.pathsep)
    assert str(team) in paths
    assert not any("site-packages" in path for path in paths)


def test_a_file_beside_the_registry_named_like_a_module_of_python_is_not_that_module(monkeypatch, tmp_path):
    (tmp_path / "platform.py").write_text("raise SystemExit('this is a DAG file')")
    (tmp_path / "own_steps.py").write_text("FOUND = True")
    monkeypatch.syspath_prepend(str(tmp_path))
    code = (
        "from beam_jobs.contract.step_path import find_steps; find_steps(); "
        "import platform, own_steps; print(platform.python_version(), own_steps.FOUND)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=worker_environ(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("True\n")


def gone(pid: int) -> bool:
    return wait_for(lambda: not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in status(pid))


def status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "\nState:\tZ"


def wait_for(happens) -> bool:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if happens():
            return True
        time.sleep(0.05)
    return False
