"""An ONNX model, loaded and checked, and what it says of frames."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from beam_jobs.contract.errors import ModelFailed, ModelUnusable
from beam_jobs.media.model_input import Frames, frame_shape
from beam_jobs.media.model_params import ModelParams
from beam_jobs.storage.refusal import explain
from beam_jobs.storage.retry import with_retries
from beam_jobs.storage.store import Scratch, store_for

Answers = npt.NDArray[np.float32]
"""One row per frame."""

INSTALL: Final = "pip install 'airflow-media-provider[model]' where the worker runs"

_ATTEMPTS: Final = 3
_TYPES: Final[Mapping[str, Any]] = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(int16)": np.int16, "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}  # fmt: skip
_PROVIDERS: Final = ("CUDAExecutionProvider", "CPUExecutionProvider")
_MOST_MESSAGE: Final = 500


def check_model(params: ModelParams, *, here: bool) -> None:
    """Look whether the model can be had, before anything is started.

    :param here: this process will run it, so it must have what runs it.
    :raises ModelUnusable: says what is missing.
    """
    if here:
        _runtime(params.model)
    try:
        found = with_retries(lambda: store_for(params.model).look(params.model), attempts=_ATTEMPTS)
    except Exception as error:
        raise ModelUnusable(f"model {params.model} cannot be read: {_sentence(error)}") from error
    if found is None:
        raise ModelUnusable(
            f"model {params.model} is not there; put the ONNX file there, or mend params.model"
        )


_ready: dict[str, OnnxModel] = {}


def make_ready(params: ModelParams) -> None:
    """Load the model now, for the next :func:`load_model` in this process: what is wrong is told at once."""
    _ready[params.model_dump_json()] = load_model(params)


def load_model(params: ModelParams) -> OnnxModel:
    """Fetch the model and load it.

    :raises ModelUnusable: when it is not there, is no ONNX model, is another one than ``model_sha256`` says,
        or takes or gives what frames cannot be or answers cannot be.
    """
    if (ready := _ready.pop(params.model_dump_json(), None)) is not None:
        return ready
    runtime = _runtime(params.model)
    check_model(params, here=True)
    with Scratch() as scratch:
        try:
            path = with_retries(
                lambda: store_for(params.model).fetch(params.model, scratch), attempts=_ATTEMPTS
            )
            _check_sum(path, params)
            return OnnxModel(open_session(runtime, path), params)
        except ModelUnusable:
            raise
        except Exception as error:  # the runtime's errors have no root of their own
            raise ModelUnusable(
                f"model {params.model} cannot be loaded: {_sentence(error)}; is it a whole ONNX file?"
            ) from error


def open_session(runtime: Any, path: Path) -> Any:
    """Return an onnxruntime session."""
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    # Its threads would spin between two blocks on the cores that decode the next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    here = runtime.get_available_providers()
    providers = [name for name in _PROVIDERS if name in here]
    return runtime.InferenceSession(str(path), sess_options=options, providers=providers)


class OnnxModel:
    """A loaded model; several threads may ask it at a time.

    :param session: of onnxruntime.
    :raises ModelUnusable: when its inputs and outputs do not go with ``params``.
    """

    def __init__(self, session: Any, params: ModelParams) -> None:
        self._session, self._uri = session, params.model
        self._input = self._find_input(params.input)
        self._output = self._find_output(params.output)
        self._type = _TYPES[self._input.type]
        self._single = "N" not in params.axes
        self._axes = params.axes
        shape = frame_shape(params)
        if shape is not None and (fault := self._misfit(shape)):
            raise ModelUnusable(f"model {self._uri}: {fault}; set {_what_to_set(params)} to what it takes")

    @property
    def at_a_time(self) -> int | None:
        """How many frames it takes at a time; None for any number."""
        if self._single:
            return 1
        first = self._input.shape[self._axes.index("N")] if self._input.shape else None
        return first if isinstance(first, int) else None

    def ask(self, frames: Frames) -> Answers:
        """Return the model's answers.

        :param frames: the frames are the first axis, the others as in the layout.
        :raises ModelFailed: when they do not fit, or when it fails on them.
        """
        if fault := self._misfit(frames.shape[1:]):
            raise ModelFailed(fault)
        size = self.at_a_time or len(frames)
        parts = [self._ask_once(frames[first : first + size], size) for first in range(0, len(frames), size)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _ask_once(self, frames: Frames, size: int) -> Answers:
        """Ask for ``size`` frames at most; where the model wants so many, zeros stand for those missing."""
        count = len(frames)
        if count < size:
            frames = np.concatenate([frames, np.zeros((size - count, *frames.shape[1:]), np.float32)])
        given = frames[0] if self._single else np.moveaxis(frames, 0, self._axes.index("N"))
        if np.issubdtype(self._type, np.integer):
            given = np.rint(given)
        try:
            (answer,) = self._session.run(
                [self._output.name], {self._input.name: np.ascontiguousarray(given, self._type)}
            )
        except Exception as error:
            raise ModelFailed(
                f"the model failed on {self._shown(frames.shape[1:], count)}: {_sentence(error)}"
            ) from error
        answers = np.asarray(answer, np.float32)
        if self._single:
            return answers[None]
        if answers.ndim == 0 or len(answers) != size:
            raise ModelFailed(
                f"the model's output {self._output.name!r} has the shape {list(answers.shape)} for {size} "
                "frames; its first axis must be the frames (or leave N out of layout)"
            )
        return answers[:count]

    def _find_input(self, name: str | None) -> Any:
        inputs = {given.name: given for given in self._session.get_inputs()}
        found = self._named("input", inputs, name or next(iter(inputs), ""))
        others = [other for other in inputs if other != found.name]
        if others:
            raise ModelUnusable(
                f"model {self._uri} wants the inputs {', '.join(inputs)}; one that takes frames alone can be "
                "run: make the others constants of the model"
            )
        if found.type not in _TYPES:
            raise ModelUnusable(
                f"model {self._uri}: input {found.name!r} takes {found.type}; frames are numbers"
            )
        return found

    def _find_output(self, name: str | None) -> Any:
        outputs = {made.name: made for made in self._session.get_outputs()}
        found = self._named("output", outputs, name or next(iter(outputs), ""))
        if found.type not in _TYPES and found.type != "tensor(bool)":
            raise ModelUnusable(
                f"model {self._uri}: output {found.name!r} gives {found.type}; "
                f"name one of numbers in params.output: {', '.join(outputs)}"
            )
        return found

    def _named(self, what: str, known: Mapping[str, Any], name: str) -> Any:
        if name not in known:
            raise ModelUnusable(f"model {self._uri} has no {what} {name!r}; it has: {', '.join(known)}")
        return known[name]

    def _misfit(self, shape: Sequence[int]) -> str:
        """Say in which way frames of that shape do not fit, or ""."""
        expected = self._input.shape
        if not expected:  # of some models nobody knows it; others take one number
            return ""
        given: list[int | None] = list(shape)
        if not self._single:
            given.insert(self._axes.index("N"), None)
        fits = len(given) == len(expected) and all(
            mine is None or not isinstance(wanted, int) or mine == wanted
            for mine, wanted in zip(given, expected, strict=True)
        )
        if fits:
            return ""
        return f"{self._takes()} and is given {self._shown(shape, None)}"

    def _takes(self) -> str:
        return f"input {self._input.name!r} takes {self._input.type} of shape {_listed(self._input.shape)}"

    def _shown(self, shape: Sequence[int], count: int | None) -> str:
        given: list[Any] = list(shape)
        if not self._single:
            given.insert(self._axes.index("N"), "N" if count is None else count)
        return f"{_listed(given)} ({self._axes})"


def _listed(shape: Sequence[Any]) -> str:
    return f"[{', '.join('?' if axis is None else str(axis) for axis in shape)}]"


def _what_to_set(params: ModelParams) -> str:
    if params.shows == "pixels":
        return "width_px, height_px, channels and layout"
    return "frame, mel and layout" if params.mel else "frame and layout"


def _runtime(model: str) -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it tells its maker of every session otherwise
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelUnusable(f"model {model} cannot be run: onnxruntime is not there; {INSTALL}") from error
    return onnxruntime


def _check_sum(path: Path, params: ModelParams) -> None:
    if params.model_sha256 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != params.model_sha256:
        raise ModelUnusable(
            f"model {params.model} is another one: its SHA-256 is {found}, and model_sha256 says "
            f"{params.model_sha256}; set that, which makes all artifacts anew, or put the right file there"
        )


def _sentence(error: BaseException) -> str:
    text = explain(error) if isinstance(error, OSError) else str(error)
    return " ".join((text or type(error).__name__).split())[:_MOST_MESSAGE]
