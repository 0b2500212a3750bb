"""Steps that go wrong in every way that a step can, each chosen by what the input file says."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.contract.step import StepInput, StepParams, step

TEXT = StepInput(name="text")


class MoodParams(StepParams):
    """How long the ordinary item takes."""

    seconds: float = 0.0


@step("mood", version="1", makes=".json", takes=(TEXT,), params=MoodParams)
def mood(call: Any, params: MoodParams) -> Any:
    """Behave as the input says."""
    word = call.path("text").read_text().strip()
    call.media_seconds = 2.0
    action = _MOODS.get(word)
    if action is not None:
        return action(call)
    time.sleep(params.seconds)
    return {"word": word, "item": call.item}


@step("calm", version="1", makes=".json", takes=(TEXT,))
def calm(call: Any, params: StepParams) -> Any:
    """Count letters, whatever the input says."""
    return {"letters": len(call.path("text").read_text())}


class DiaryParams(MoodParams):
    """And where to write down what was done."""

    diary: str


@step("diary", version="1", makes=".json", takes=(TEXT,), params=DiaryParams)
def diary(call: Any, params: DiaryParams) -> Any:
    """Write down that the item was begun, take a while, and leave a half file meanwhile."""
    with Path(params.diary).open("a") as file:
        file.write(f"{call.item}\n")
    call.output.write_bytes(b"half")
    time.sleep(params.seconds)
    return {"item": call.item}


class WitnessParams(StepParams):
    """Where the calls are written down."""

    diary: str


@step("witness", version="1", makes=".json", params=WitnessParams)
def witness(call: Any, params: WitnessParams) -> Any:
    """Read a song, and leave one line per call in a diary, so that a test need not believe reports."""
    import soundfile

    frames = soundfile.info(call.path()).frames
    number = os.open(params.diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(number, f"{call.item}\n".encode())  # one write to the file's end: lines never mix
    finally:
        os.close(number)
    return {"frames": frames}


def _raise(call: Any) -> None:
    raise ValueError("the step does not like this one")


def _undecodable(call: Any) -> None:
    with call.stage("decode"):
        raise UndecodableMedia(f"item {call.item!r}: not media")


def _hang(call: Any) -> None:
    while True:
        time.sleep(1)


def _hang_native(call: Any) -> None:
    import re

    re.match(r"(a+)+$", "a" * 64 + "b")  # one C call that holds the GIL for years


def _segfault(call: Any) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hog(call: Any) -> Any:
    return {"size": len(bytearray(1 << 33))}


def _empty_file(call: Any) -> Path:
    call.output.touch()
    return call.output


def _half_file(call: Any) -> None:
    call.output.write_bytes(b"half")
    os._exit(3)


def _shout(call: Any) -> Any:
    print('MEDIA_EVENT {"event": "finished", "job": "liar"}')
    os.write(1, b"noise without an end of line")
    return {"word": "shout"}


def _array(call: Any) -> Any:
    import numpy as np

    return np.arange(6, dtype=np.float32).reshape(2, 3)


def _own_file(call: Any) -> Path:
    call.output.write_bytes(b"own")
    return call.output


_MOODS = {
    "raise": _raise,
    "undecodable": _undecodable,
    "none": lambda call: None,
    "garbage": lambda call: object(),
    "nan": lambda call: {"x": float("nan")},
    "text": lambda call: "text",
    "elsewhere": lambda call: Path("/elsewhere"),
    "unwritten": lambda call: call.output,
    "hang": _hang,
    "hang-native": _hang_native,
    "exit": lambda call: os._exit(7),
    "sys-exit": lambda call: sys.exit(0),
    "segfault": _segfault,
    "hog": _hog,
    "empty": lambda call: b"",
    "empty-file": _empty_file,
    "half-file": _half_file,
    "shout": _shout,
    "bytes": lambda call: b"raw",
    "list": lambda call: [2, 1],
    "array": _array,
    "own-file": _own_file,
}
