"""Small ONNX models: some whose answers are known, and one that is trained here.

Frames are the first axis; the opset is an old one, so that any runtime takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
IR_VERSION = 8
Weights = npt.NDArray[np.float32]


def write_model(
    path: Path,
    nodes: Sequence[Any],
    *,
    takes: Sequence[int | str],
    gives: Sequence[int | str],
    constants: dict[str, npt.NDArray[Any]] | None = None,
    dtype: int = TensorProto.FLOAT,
    more_inputs: Sequence[str] = (),
) -> Path:
    """Write a model from ``frames`` to ``answers``.

    :param takes: shape of the input, with names for axes of any length.
    :param gives: shape of the output.
    :param more_inputs: names of inputs beside the frames.
    """
    inputs = [helper.make_tensor_value_info("frames", dtype, list(takes))]
    inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in more_inputs]
    output = helper.make_tensor_value_info("answers", TensorProto.FLOAT, list(gives))
    kept = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "model", inputs, [output], initializer=kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def write_linear(
    path: Path, weights: Weights, bias: Weights, *, frame: Sequence[int], batch: int | str = "N"
) -> Path:
    """Write ``flatten(frame) @ weights + bias``.

    :param weights: of shape (values of a frame, labels).
    :param frame: shape of one frame.
    :param batch: frames at a time; a name for any number.
    """
    nodes = [
        helper.make_node("Flatten", ["frames"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["answers"]),
    ]
    return write_model(
        path, nodes, takes=[batch, *frame], gives=[batch, weights.shape[1]],
        constants={"weights": weights.astype(np.float32), "bias": bias.astype(np.float32)},
    )  # fmt: skip


def write_loudness(path: Path, *, batch: int | str | None = "N", length: int | str = "T") -> Path:
    """Write a model of samples: the mean square and the greatest sample of each frame.

    :param batch: None = the model takes one frame, and no axis of frames.
    """
    start = [] if batch is None else [batch]
    nodes = [
        helper.make_node("Mul", ["frames", "frames"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["power"], axes=[-1], keepdims=1),
        helper.make_node("ReduceMax", ["frames"], ["peak"], axes=[-1], keepdims=1),
        helper.make_node("Concat", ["power", "peak"], ["answers"], axis=-1),
    ]
    return write_model(path, nodes, takes=[*start, length], gives=[*start, 2])


def write_mean_colour(
    path: Path,
    *,
    channels: int = 3,
    last: bool = False,
    dtype: int = TensorProto.FLOAT,
    size: Sequence[int | str] = ("H", "W"),
) -> Path:
    """Write a model of pictures: the mean of each channel.

    :param last: channels are the last axis of the input, not the second.
    """
    takes = ["N", *size, channels] if last else ["N", channels, *size]
    nodes = [
        helper.make_node("Cast", ["frames"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbers"], ["answers"], axes=[1, 2] if last else [2, 3], keepdims=0),
    ]
    return write_model(path, nodes, takes=takes, gives=["N", channels], dtype=dtype)


def write_logarithm(path: Path) -> Path:
    """Write a model of samples that answers NaN when a frame's mean is below 0."""
    nodes = [
        helper.make_node("ReduceMean", ["frames"], ["mean"], axes=[-1], keepdims=1),
        helper.make_node("Log", ["mean"], ["answers"]),
    ]
    return write_model(path, nodes, takes=["N", "T"], gives=["N", 1])


def write_whole_frame(path: Path) -> Path:
    """Write a model of samples that gives every frame back."""
    return write_model(
        path, [helper.make_node("Identity", ["frames"], ["answers"])], takes=["N", "T"], gives=["N", "T"]
    )


def train_softmax(
    frames: npt.NDArray[Any], classes: npt.NDArray[np.int64], *, rounds: int = 300, rate: float = 0.5
) -> tuple[Weights, Weights]:
    """Fit multinomial logistic regression by gradient descent and return weights and bias.

    :param frames: one row per example, each value of mean 0 and deviation 1 or so.
    """
    targets = np.eye(classes.max() + 1)[classes]
    weights, bias = np.zeros((frames.shape[1], targets.shape[1])), np.zeros(targets.shape[1])
    for _ in range(rounds):
        scores = frames @ weights + bias
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        error = (likely / likely.sum(axis=1, keepdims=True) - targets) / len(frames)
        weights -= rate * (frames.T @ error + 1e-3 * weights)
        bias -= rate * error.sum(axis=0)
    return weights.astype(np.float32), bias.astype(np.float32)
