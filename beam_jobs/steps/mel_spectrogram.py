"""The mel spectrogram as an array."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from beam_jobs.contract.step import step
from beam_jobs.media.call import StepCall
from beam_jobs.media.mel_params import MelParams


class MelSpectrogramParams(MelParams):
    """As :class:`~beam_jobs.media.mel_params.MelParams`, and what is stored.

    :param scale: ``db`` (10 log10 of power, not under -100 dB) or ``power``.
    :param dtype: ``float32``, or ``float16``: half the size, levels to 0.03 dB.
    """

    scale: Literal["db", "power"] = "db"
    dtype: Literal["float16", "float32"] = Field(default="float32")

    @model_validator(mode="after")
    def _power_fits(self) -> Self:
        if (self.scale, self.dtype) == ("power", "float16"):
            raise ValueError("float16 ends at 65504, power does not: give scale 'db' or dtype 'float32'")
        return self


def _warm_up() -> None:
    from beam_jobs.media import arrays, decode_soundfile, mel, stream  # noqa: F401
    from beam_jobs.media.spectrum import ANALYSIS_RATE, mel_weights

    mel_weights(ANALYSIS_RATE, 128)


@step("mel_spectrogram", version="2", makes=".npz", params=MelSpectrogramParams, warm_up=_warm_up)
def mel_spectrogram(call: StepCall, params: MelSpectrogramParams) -> Path:
    """Make the mel spectrogram of audio of any rate; it is analysed as mono at ``sample_rate``.

    Frame ``t`` is centred on sample ``t * hop``, with zeros beyond both ends. Frames wait in a temporary file
    when they are many, so length costs no memory.

    Source: with the defaults the numbers are those of
    ``librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=22050)).T``; the bands are Slaney's
    ("Auditory Toolbox", Interval Research report 1998-010).

    :return: ``mel``, shape (frame, band): dB relative to a power of 1, or power.
    """
    from beam_jobs.media.arrays import write_arrays
    from beam_jobs.media.mel import floored, spool_mel
    from beam_jobs.media.spool import Spool
    from beam_jobs.media.stream import decoded, open_input

    power = params.scale == "power"
    with Spool(call.output.parent, params.n_mels) as spool:
        with open_input(call) as audio:
            blocks = decoded(call, audio, channels=1, rate=params.sample_rate)
            greatest = spool_mel(blocks, params, spool, power=power)
        top_db = None if power else params.top_db
        with call.stage("encode"):
            write_arrays(
                call.output,
                {"mel": spool.streamed(
                    dtype=params.dtype, finish=lambda levels: floored(levels, greatest, top_db)
                )},
                step="mel_spectrogram", version="2",
                units={"mel": "1" if power else "dB re 1"}, axes={"mel": "frame, band"},
                rate_hz=float(params.sample_rate), hop=params.hop,
                params=params.model_dump(mode="json"), compress=False,
            )  # fmt: skip
    return call.output
