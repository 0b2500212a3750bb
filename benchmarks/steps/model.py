"""``run_model`` on mel frames of songs, and the script that one would write instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

MEL = {"sample_rate": 16_000, "n_fft": 512, "hop": 160, "n_mels": 64}
FRAME, HOP, BATCH, LABELS = 96, 48, 32, 50


def model(folder: Path) -> Path:
    """Write a model of a layer: what it takes by itself is next to nothing, so the rest is measured."""
    import numpy as np

    from tests.onnx_models import write_linear

    weights = np.random.default_rng(0).normal(0, 0.01, (FRAME * MEL["n_mels"], LABELS))
    path = folder / "model.onnx"
    return write_linear(path, weights, np.zeros(LABELS), frame=[FRAME, MEL["n_mels"]])


def own(folder: Path) -> Callable[[Path], Any]:
    """Return what a worker does with a file, from end to end but for Beam."""
    from beam_jobs.contract.step import load_step
    from beam_jobs.isolation.result import store_result
    from beam_jobs.media.call import StepCall
    from beam_jobs.media.model_input import frame_blocks
    from beam_jobs.media.model_params import ModelParams
    from beam_jobs.models.answers import Gathered
    from beam_jobs.models.artifact import as_result
    from beam_jobs.models.handler import FrameBlock, FrameHandler

    step = load_step("run_model")
    params = ModelParams.model_validate(
        {"model": str(model(folder)), "kind": "audio", "mel": MEL, "frame": FRAME, "hop": HOP}
    )
    handler = FrameHandler(params)
    loaded = handler.load_model()

    def run(path: Path) -> None:
        call = StepCall(item="song", inputs={"media": path}, output=folder / "rows.npy", child_suffix="")
        step.run(call, params)  # type: ignore[misc]
        gathered = Gathered(params)
        for number, frames in enumerate(frame_blocks(call.output, params)):
            for answer in handler.run_inference(
                [FrameBlock(number=number, last=False, frames=frames)], loaded
            ):
                gathered.add(answer)
        result = as_result(gathered, params, duration_s=call.media_seconds)
        store_result(result, folder / "artifact.json", item="song")

    return run


def instead(path: Path, folder: Path) -> Any:
    """Do the same by librosa and onnxruntime."""
    import librosa
    import numpy as np
    import onnxruntime

    samples, rate = librosa.load(path, sr=MEL["sample_rate"])
    power = librosa.feature.melspectrogram(
        y=samples, sr=rate, n_fft=MEL["n_fft"], hop_length=MEL["hop"], n_mels=MEL["n_mels"]
    )
    rows = librosa.power_to_db(power).T.astype(np.float32)
    frames = np.stack([rows[start : start + FRAME] for start in range(0, len(rows) - FRAME, HOP)])
    session = onnxruntime.InferenceSession(str(model(folder)))
    answers = [
        session.run(None, {"frames": frames[first : first + BATCH]})[0]
        for first in range(0, len(frames), BATCH)
    ]
    return np.concatenate(answers).mean(axis=0)
