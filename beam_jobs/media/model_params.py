"""What a job says of its model: where it is, what it is shown, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from beam_jobs.contract.step import Step
from beam_jobs.media.answer_params import AnswerParams
from beam_jobs.media.mel_params import MelParams

CANONICAL: Final = {"samples": "NTC", "mel": "NTFC", "pixels": "NHWC"}
"""Axes of frames as they are read: frame, time, band, height, width, channel."""

_LAYOUTS: Final = {"samples": "NT", "mel": "NTF", "pixels": "NCHW"}
_BATCH: Final = {"audio": 32, "image": 1, "video": 32}


class ModelParams(AnswerParams):
    """A model, what it is shown, and as :class:`~beam_jobs.media.answer_params.AnswerParams` says.

    :param model: absolute path or URI of the ONNX file.
    :param model_version: change it when another model takes the file's place: it is in the fingerprint, the
        file's bytes are not.
    :param model_sha256: of the file, in hexadecimal; a job whose model is another one does not start.
    :param input: name of the model's input that takes the frames; null = its only one.
    :param output: name of the output that is kept; null = the first.
    :param kind: what the items are. Of an image the first frame is shown, of a video's frames those that
        ``every_s`` says.
    :param sample_rate: Hz, of audio, which is mixed to one channel.
    :param mel: show mel spectra made with these parameters instead of samples; its own ``sample_rate`` holds.
    :param frame: length of a frame: samples, or rows of ``mel``. What is left at the end is filled up with
        silence.
    :param hop: from one frame to the next, as ``frame``; null = ``frame``.
    :param width_px: of a picture; null, together with ``height_px`` = as it is.
    :param height_px: of a picture.
    :param how: ``fill`` = cut off what sticks out, ``exact`` = stretch.
    :param channels: of a picture.
    :param every_s: seconds from one frame of a video to the next.
    :param max_frames: a video with more is refused.
    :param max_pixels: a picture that claims more is refused.
    :param layout: axes of the model's input, of N (frames), C (channels), H, W or T (time), F (mel bands).
        Without N the model gets one frame at a time. null = NCHW, NT, or NTF with ``mel``.
    :param scale: the model is shown ``(value * scale - mean) / std``; null = 1/255 for pixels, else 1.
    :param mean: one number, or one for each channel.
    :param std: as ``mean``.
    :param batch: frames that go through the model at a time; null = 32 of one audio or video item, and
        images one by one. More than one image at a time are of several items, and their scores may differ in
        the last digits from run to run.
    """

    model: str = Field(min_length=1)
    model_version: str = Field(default="1", min_length=1)
    model_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    input: str | None = None
    output: str | None = None
    kind: Literal["audio", "image", "video"]
    sample_rate: int = Field(default=16_000, ge=1_000, le=192_000)
    mel: MelParams | None = None
    frame: int = Field(default=16_000, ge=1, le=16_000 * 60)
    hop: int | None = Field(default=None, ge=1)
    width_px: int | None = Field(default=224, ge=1, le=8192)
    height_px: int | None = Field(default=224, ge=1, le=8192)
    how: Literal["fill", "exact"] = "fill"
    channels: Literal["rgb", "bgr", "grey"] = "rgb"
    every_s: float = Field(default=1.0, ge=0.01)
    max_frames: int = Field(default=20_000, ge=1)
    max_pixels: int = Field(default=7680 * 4320, ge=1, le=1_000_000_000)
    layout: str | None = None
    scale: float | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    batch: int | None = Field(default=None, ge=1, le=4096)

    @property
    def shows(self) -> Literal["samples", "mel", "pixels"]:
        """What the numbers of a frame are."""
        if self.kind != "audio":
            return "pixels"
        return "samples" if self.mel is None else "mel"

    @property
    def canonical(self) -> str:
        """Axes of frames as they are read."""
        return CANONICAL[self.shows]

    @property
    def axes(self) -> str:
        """Axes of the model's input."""
        return self.layout or _LAYOUTS[self.shows]

    @property
    def frame_rows(self) -> int:
        """Rows of a frame: samples, mel spectra, or one picture."""
        return self.frame if self.kind == "audio" else 1

    @property
    def hop_rows(self) -> int:
        """Rows from one frame to the next."""
        return (self.hop or self.frame) if self.kind == "audio" else 1

    @property
    def rate(self) -> int:
        """Samples of audio per second."""
        return self.sample_rate if self.mel is None else self.mel.sample_rate

    @property
    def hop_s(self) -> float:
        """Seconds from the beginning of one frame to that of the next; 0 for an image."""
        if self.kind == "audio":
            return self.hop_rows * (self.mel.hop if self.mel else 1) / self.rate
        return self.every_s if self.kind == "video" else 0.0

    @property
    def at_a_time(self) -> int:
        """Frames that go through the model together."""
        return self.batch or _BATCH[self.kind]

    @property
    def depth(self) -> int:
        """Channels of a frame."""
        return 3 if self.shows == "pixels" and self.channels != "grey" else 1

    @field_validator("model")
    @classmethod
    def _is_found_from_everywhere(cls, value: str) -> str:
        if "://" not in value and not value.startswith("/"):
            raise ValueError(f"{value!r} is relative; give an absolute path or a URI")
        return value

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.hop_rows > self.frame_rows:
            raise ValueError(f"hop {self.hop_rows} leaves parts out: give at most frame, {self.frame_rows}")
        if self.mel is not None and self.kind != "audio":
            raise ValueError(f"mel is of audio, and kind is {self.kind!r}")
        if (self.width_px is None) != (self.height_px is None):
            raise ValueError("give both width_px and height_px, or null for both")
        if 0 in self.std:
            raise ValueError("std is divided by and cannot be 0")
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, self.depth):
                raise ValueError(f"{name} has one number, or one for each of {self.depth} channels")
        self._check_layout()
        return self

    def _check_layout(self) -> None:
        known, given = self.canonical, self.axes
        optional = {"N"} | ({"C"} if self.depth == 1 else set())
        if len(set(given)) < len(given) or not set(known) - optional <= set(given) <= set(known):
            wanted = "".join(axis for axis in known if axis not in optional)
            may = " and ".join(sorted(optional))
            raise ValueError(
                f"layout {given!r}: give each of {wanted} once, in any order; {may} may be there"
            )


def model_params(step: Step, params: Mapping[str, Any]) -> ModelParams:
    """Return the parameters of an inference.

    :raises TypeError: when the step's own parameters are no :class:`ModelParams`.
    """
    parsed = step.parse_params(params)
    if not isinstance(parsed, ModelParams):
        raise TypeError(f"step {step.name!r} is an inference, so its params must be a class of ModelParams")
    return parsed
