"""A step that will not end, or not alone: what a decoder does when someone else has taken it over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from beam_jobs.contract.step import StepInput, StepParams, step


@step("stubborn", version="1", makes=".json", takes=(StepInput(name="text"),))
def stubborn(call: Any, params: StepParams) -> Any:
    """Do what the input's lines say, one after the other."""
    text = call.path("text")
    told = {}
    for line in text.read_text().split():
        told |= _DEEDS[line](call, text) or {}
    return told or {"word": "done"}


def _note(text: Path, pid: int) -> None:
    text.with_suffix(".pid").write_text(str(pid))


def _ignore_signals(call: Any, text: Path) -> None:
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)


def _hang(call: Any, text: Path) -> None:
    while True:
        time.sleep(1)


def _start_another(call: Any, text: Path) -> None:
    _note(text, subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)


def _start_in_a_session_of_its_own(call: Any, text: Path) -> None:
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    _note(text, subprocess.Popen(argv, start_new_session=True).pid)


def _daemonise(call: Any, text: Path) -> None:
    if os.fork():
        os.wait()
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    _note(text, os.getpid())
    time.sleep(600)
    os._exit(0)


def _fork(call: Any, text: Path) -> None:
    """Go on twice."""
    os.fork()


def _litter(call: Any, text: Path) -> dict[str, str]:
    folder = tempfile.mkdtemp()
    Path(folder, "half").write_bytes(bytes(100_000))
    text.with_suffix(".place").write_text(folder)
    call.output.write_bytes(bytes(100_000))
    return {"place": folder}


def _fill(call: Any, text: Path) -> None:
    """Write temporary files until the disk is full."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        while True:
            file.write(bytes(1 << 20))


def _use_temporary_file(call: Any, text: Path) -> dict[str, int]:
    with tempfile.NamedTemporaryFile() as file:
        return {"size": file.write(bytes(1 << 20))}


def _babble(call: Any, text: Path) -> None:
    """Write to everything that is open, the line to the parent among it."""
    for number in range(64):
        try:
            os.write(number, b'{"seconds": "all mine"}\nnoise')
        except OSError:
            continue


def _close_all(call: Any, text: Path) -> None:
    os.closerange(0, 64)


def _forge(call: Any, text: Path) -> None:
    """Answer in the step's name, with what an answer does not hold."""
    for number in range(3, 64):
        try:
            os.write(number, b'{"error_class": "", "more": 1}\n')
        except OSError:
            continue


def _eat(call: Any, text: Path) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(64 << 20))


def _eat_natively(call: Any, text: Path) -> dict[str, int]:
    import numpy as np

    return {"size": len(np.ones(1 << 31, np.float64))}


def _recurse(call: Any, text: Path) -> None:
    """Use up the stack in native code."""
    sys.setrecursionlimit(10**9)
    nested: list[Any] = []
    for _ in range(200_000):
        nested = [nested]
    repr(nested)


_DEEDS = {
    "ignore-signals": _ignore_signals, "hang": _hang, "start": _start_another, "daemonise": _daemonise,
    "start-session": _start_in_a_session_of_its_own, "fork": _fork, "litter": _litter, "fill": _fill,
    "use-file": _use_temporary_file, "babble": _babble,
    "close-all": _close_all, "forge": _forge, "eat": _eat, "eat-natively": _eat_natively,
    "recurse": _recurse, "segfault": lambda call, text: os.kill(os.getpid(), signal.SIGSEGV),
    "read-input": lambda call, text: {"read": sys.stdin.read() if sys.stdin else ""},
    "good": lambda call, text: {"word": "good"},
}  # fmt: skip
