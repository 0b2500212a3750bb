"""The pool of children: what one of them does concerns no other, and none outlives its parent."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from beam_jobs.contract.launch import Limits
from beam_jobs.isolation.death import describe_exit
from beam_jobs.isolation.pool import StepPool
from beam_jobs.isolation.process import ChildProcess
from beam_jobs.isolation.task import StepOutcome, StepTask, StepUse
from tests.waiting import wait_until

MOOD = "tests.beam.steps_for_tests:mood"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def _pool(size: int = 1, step: str = MOOD, timeout_s: float = 30, **params: object) -> StepPool:
    return StepPool([StepUse(step=step, params=params, limits=Limits(timeout_s=timeout_s))], size=size)


@pytest.fixture
def pool() -> Iterator[StepPool]:
    pool = _pool()
    yield pool
    pool.close()


def _run(pool: StepPool, folder: Path, word: str) -> StepOutcome:
    text, output = folder / f"{word}.txt", folder / f"{word}.json"
    text.write_text(word)
    output.unlink(missing_ok=True)
    return pool.run(StepTask(item=word, inputs={"text": str(text)}, output=str(output)))


def _children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "boot.py" in " ".join(child.cmdline())]


def test_a_child_serves_one_item_after_the_other(pool: StepPool, folder: Path) -> None:
    assert _run(pool, folder, "a").error_class == ""
    (first,) = _children()
    assert _run(pool, folder, "raise").error_class == "ValueError"
    assert _run(pool, folder, "b").error_class == ""
    assert _children() == [first]


def test_a_child_that_is_killed_while_it_waits_costs_nobody(pool: StepPool, folder: Path) -> None:
    _run(pool, folder, "a")
    for _ in range(3):
        (child,) = _children()
        child.kill()
        child.wait(timeout=10)
        assert _run(pool, folder, "b").error_class == ""


def test_a_child_that_takes_no_task_is_replaced_and_costs_nobody(
    pool: StepPool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(pool, folder, "a")
    (child,) = _children()
    child.send_signal(signal.SIGSTOP)
    monkeypatch.setattr("beam_jobs.isolation.pool.HANDOVER_TIMEOUT_S", 2.0)
    assert _run(pool, folder, "b").error_class == ""
    assert not child.is_running()


@pytest.mark.parametrize(("limit", "hand_over", "error"), [(60, 3, ""), (2, 60, "StepTimeout")])
def test_a_task_that_was_taken_has_its_own_limit_and_not_that_of_the_hand_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch, limit: float, hand_over: float, error: str
) -> None:
    pool = _pool(timeout_s=limit, seconds=5.0)
    try:
        monkeypatch.setattr("beam_jobs.isolation.pool.HANDOVER_TIMEOUT_S", hand_over)
        assert _run(pool, folder, "a").error_class == error
    finally:
        pool.close()


def test_a_stopped_child_is_taken_for_hanging(folder: Path) -> None:
    pool = _pool(timeout_s=4)
    try:
        _run(pool, folder, "a")
        (child,) = _children()
        outcome: list[StepOutcome] = []
        thread = threading.Thread(daemon=True, target=lambda: outcome.append(_run(pool, folder, "hang")))
        thread.start()
        time.sleep(2)  # until it has taken the item
        child.send_signal(signal.SIGSTOP)
        thread.join(timeout=120)
        assert outcome[0].error_class == "StepTimeout"
        assert _run(pool, folder, "b").error_class == ""
    finally:
        pool.close()


def test_a_step_that_cannot_start_fails_each_item_with_the_reason(folder: Path) -> None:
    pool = _pool(step="no.such.module:step")
    try:
        messages = [_run(pool, folder, f"i{number}").message for number in range(5)]
        assert all("could not start: StepNotFound" in message for message in messages)
        assert "item 'i4'" in messages[4]
        assert _children() == []
    finally:
        pool.close()


def test_closing_kills_children_in_the_middle_of_their_work(folder: Path) -> None:
    pool = _pool(size=2)
    threads = [
        threading.Thread(daemon=True, target=_run, args=(pool, folder, word))
        for word in ("hang", "hang-native")
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(_children()) >= 2, what="not both began", patience=30, every=0.05)
    children = _children()
    assert len(children) == 2
    pool.close()
    assert psutil.wait_procs(children, timeout=10)[1] == []
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_what_a_step_prints_is_not_on_our_standard_output(
    pool: StepPool, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert _run(pool, folder, "shout").error_class == ""
    out, err = capfd.readouterr()
    assert out == ""
    assert "liar" in err


def test_how_a_process_ended_is_said_in_words() -> None:
    assert describe_exit(3) == "ended itself with exit code 3"
    assert describe_exit(-signal.SIGSEGV) == "was killed by SIGSEGV (a fault in native code)"
    assert "out of memory" in describe_exit(-signal.SIGKILL)
    assert describe_exit(-200) == "was killed by signal 200"


def test_closing_waits_for_a_child_that_is_being_started(monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowStart(ChildProcess):
        def __init__(self, setup: dict[str, Any]) -> None:
            starting.set()
            time.sleep(0.2)  # close has looked at the slots by then, if it looks at once
            super().__init__(setup)

    starting = threading.Event()
    monkeypatch.setattr("beam_jobs.isolation.pool.ChildProcess", SlowStart)
    pool = _pool(size=2)
    pool.start()
    assert starting.wait(timeout=60)
    pool.close()
    assert _children() == []


def test_a_child_whose_parent_let_go_ends_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    child = ChildProcess({"steps": [[MOOD, {}]], "memory_mb": None, "share_mb": 0})
    child.wire.close()  # it has its steps, and will say that it is ready
    assert child.process.wait(timeout=300) == 0
    child.stop()
    assert capfd.readouterr().err == ""
