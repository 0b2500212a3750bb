"""Signals to a command that serves without end."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest

from airflow_media_provider.cli.ending import ended_by_signals
from tests.waiting import wait_until


def wait_for(asked: list[Any], count: int) -> None:
    wait_until(lambda: len(asked) >= count, what=f"not asked {count} times", patience=30, every=0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_drains_the_second_stops_and_the_third_interrupts(number):
    before = signal.getsignal(number)
    asked: list[bool] = []
    with pytest.raises(KeyboardInterrupt), ended_by_signals(asked.append):  # noqa: PT012 - each signal counts
        os.kill(os.getpid(), number)
        wait_for(asked, 1)
        assert asked == [False]
        os.kill(os.getpid(), number)
        wait_for(asked, 2)
        assert asked == [False, True]
        os.kill(os.getpid(), number)
        time.sleep(30)
    assert signal.getsignal(number) is before


def test_asking_happens_in_another_thread_than_the_one_that_is_interrupted():
    threads: list[threading.Thread] = []
    with ended_by_signals(lambda at_once: threads.append(threading.current_thread())):
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(threads, 1)
    assert threads
    assert threads[0] is not threading.current_thread()
