"""The artifact that is made of a model's answers for one item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from beam_jobs.contract.errors import ModelFailed
from beam_jobs.media.answer_params import AnswerParams
from beam_jobs.media.arrays import write_arrays
from beam_jobs.media.model_params import ModelParams
from beam_jobs.models.answers import Gathered


def as_result(gathered: Gathered, params: ModelParams, *, duration_s: float) -> dict[str, Any]:
    """Return the JSON artifact of aggregated answers.

    :raises ModelFailed: when there are more or fewer labels than numbers.
    """
    scores = gathered.scores()
    labels = _labels(params, len(scores))
    order = list(range(len(scores)))
    if params.top is not None:
        order = sorted(order, key=lambda place: (-scores[place], place))[: params.top]
    return {
        "labels": [labels[place] for place in order],
        "scores": [_rounded(scores[place]) for place in order],
        "best": labels[int(np.argmax(scores))],
        "frames": gathered.frames,
        "hop_s": round(params.hop_s, 6),
        "duration_s": round(duration_s, 6),
    }


def write_all(path: Path, gathered: Gathered, params: ModelParams, *, step: str, version: str) -> None:
    """Write the answers for all frames.

    :raises ModelFailed: when there are more or fewer labels than numbers.
    """
    answers = gathered.all()
    arrays: dict[str, npt.NDArray[Any]] = {"answers": answers}
    axes = "frame" + ", number" * (answers.ndim - 1)
    if params.labels is not None:
        arrays["labels"] = np.array(_labels(params, answers.shape[-1] if answers.ndim > 1 else 1))
    write_arrays(
        path, arrays, step=step, version=version, units=dict.fromkeys(arrays, "1"),
        axes={"answers": axes, "labels": "number"}, compress=False, **_clock(params),
    )  # fmt: skip


def _clock(params: ModelParams) -> dict[str, Any]:
    if params.kind == "audio":
        return {"rate_hz": float(params.rate), "hop": round(params.hop_s * params.rate)}
    if params.kind == "video":
        return {"rate_hz": 1 / params.every_s, "hop": 1}
    return {"rate_hz": 0.0, "hop": None}


def _labels(params: AnswerParams, count: int) -> list[str]:
    if params.labels is None:
        return [str(number) for number in range(count)]
    if len(params.labels) != count:
        raise ModelFailed(
            f"the model gives {count} numbers for a frame, and there are {len(params.labels)} labels"
        )
    return list(params.labels)


def _rounded(score: float) -> float:
    """Return six digits: the last ones of float32 differ from processor to processor."""
    return float(f"{score:.6g}")
