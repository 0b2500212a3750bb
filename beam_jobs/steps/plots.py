"""A picture of audio."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall

_MELS = 96


class PlotsParams(StepParams):
    """What to draw.

    :param panels: from top to bottom, each once.
    :param width_px: of the picture.
    :param height_px: of one panel.
    """

    panels: tuple[Literal["waveform", "mel_spectrogram"], ...] = Field(
        default=("waveform", "mel_spectrogram"), min_length=1
    )
    width_px: int = Field(default=1200, ge=200, le=4000)
    height_px: int = Field(default=260, ge=80, le=2000)

    @field_validator("panels")
    @classmethod
    def _each_once(cls, panels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(panels)) != len(panels):
            raise ValueError(f"panels {list(panels)} repeat; name each once")
        return panels


def _warm_up() -> None:
    """Draw a small picture: loads fonts, colours and filter banks once per process."""
    import io

    from matplotlib.figure import Figure

    from beam_jobs.media import decode_soundfile, picture, stream  # noqa: F401
    from beam_jobs.media.spectrum import ANALYSIS_RATE, mel_weights

    mel_weights(ANALYSIS_RATE, _MELS)
    figure = Figure(figsize=(1, 1))
    figure.subplots().set_xlabel("time (s)")
    figure.savefig(io.BytesIO(), format="png")


@step("plots", version="2", makes=".png", params=PlotsParams, warm_up=_warm_up)
def plots(call: StepCall, params: PlotsParams) -> bytes:
    """Draw audio of any rate and length as one PNG; it is analysed as mono at 22,050 Hz.

    Several spectra share a column once there are more of them than pixels: the picture of three hours
    takes no more memory than that of a song.

    Source: the waveform is the least and the greatest sample of each column; the bands are Slaney's
    ("Auditory Toolbox", 1998) as ``librosa.filters.mel`` gives them, 80 dB of their power up to the loudest.
    """
    from librosa import mel_frequencies

    from beam_jobs.media import picture
    from beam_jobs.media.condense import Condensed, Extremes
    from beam_jobs.media.spectrum import ANALYSIS_RATE, mel_weights, power_frames
    from beam_jobs.media.stream import decoded, open_input

    extremes, mel = Extremes(), Condensed(params.width_px)
    with open_input(call) as audio:
        blocks = extremes.watch(decoded(call, audio, channels=1, rate=ANALYSIS_RATE))
        if "mel_spectrogram" in params.panels:
            weights = mel_weights(ANALYSIS_RATE, _MELS)
            for power in power_frames(blocks):
                mel.add(power @ weights)
        else:
            for _ in blocks:
                pass
    seconds = call.media_seconds
    centres = mel_frequencies(n_mels=_MELS + 2, fmax=ANALYSIS_RATE / 2)[1:-1]
    drawn = {
        "waveform": lambda: picture.waveform(extremes.result(params.width_px), seconds),
        "mel_spectrogram": lambda: picture.mel_spectrogram(mel.result(), centres, seconds),
    }
    with call.stage("encode"):
        return picture.draw(
            [drawn[name]() for name in params.panels],
            width_px=params.width_px, height_px=params.height_px, seconds=seconds,
        )  # fmt: skip
