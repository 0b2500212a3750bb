"""Any ONNX model over audio, images or videos."""

from __future__ import annotations

from pathlib import Path

from beam_jobs.contract.quantity import StepResult, quantity
from beam_jobs.contract.step import AUDIO_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES, StepInput, step
from beam_jobs.media.answer_params import answer_suffix
from beam_jobs.media.call import StepCall
from beam_jobs.media.model_params import ModelParams

MEDIA = StepInput(name="media", suffixes=tuple(sorted({*AUDIO_SUFFIXES, *IMAGE_SUFFIXES, *VIDEO_SUFFIXES})))


class RunModelResult(StepResult):
    """A model's answers, aggregated over an item's frames."""

    labels: list[str] = quantity("text", "What the scores are of.", shape="(labels,)")
    scores: list[float] = quantity("1", "What the model gives, six digits of it.", shape="(labels,)")
    best: str = quantity("text", "The label with the greatest score.")
    frames: int = quantity("1", "Frames that the model was shown.")
    hop_s: float = quantity("s", "From the beginning of a frame to that of the next; 0 of an image.")
    duration_s: float = quantity("s", "Playing time of the item; 0 of an image.")


def _warm_up() -> None:
    import beam_jobs.media.model_frames
    import beam_jobs.media.stream  # noqa: F401


@step(
    "run_model",
    version="2",
    makes=answer_suffix,
    takes=(MEDIA,),
    params=ModelParams,
    warm_up=_warm_up,
    result=RunModelResult,
    inference=True,
)
def run_model(call: StepCall, params: ModelParams) -> Path:
    """Show a media file to an ONNX model, frame by frame, and keep what it answers.

    The file is decoded and cut into frames in the children, with every limit that other steps have; the
    frames then go through Beam's ``RunInference``, with one load of the model per worker process. What is
    wrong with one file costs that file alone, what is wrong with the model ends the job before it begins.

    Source: the answers are the model's, by ONNX Runtime in Apache Beam's ``RunInference``.

    :param params: ``model`` and ``kind`` have no default.
    :return: ``labels`` and ``scores`` ((labels,), float), the mean or maximum over the frames; with
        ``aggregate: none`` an ``.npz`` with ``answers`` (frames, ...) in float32.
    :raises UndecodableMedia: when the file is no such media.
    :raises ModelFailed: when the model cannot take the file's frames, or answers with NaN or infinity.
    """
    from beam_jobs.media.model_frames import write_rows

    write_rows(call, params)
    return call.output
