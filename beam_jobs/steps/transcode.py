"""Any audio to another format, as loud as wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall
from beam_jobs.media.lossy_rates import MP3_RATES, OPUS_RATE, mp3_kbps


class TranscodeParams(StepParams):
    """What to make.

    :param format: of the file; ``ogg`` is Vorbis.
    :param sample_rate: frames per second; None = the input's (MP3: the next one that it has), Opus always has
        48,000.
    :param channels: 1 = mean of all, 2 = stereo, None = as the input has (Opus, MP3: at most 2).
    :param bits: per sample, of flac and wav.
    :param bit_rate_kbps: of opus (default 128) and mp3 (default 192, or the most that a low rate has).
    :param quality: of ogg, 0 to 10 as Vorbis counts; None = 4, about 128 kbit/s for stereo.
    :param normalize_lufs: integrated loudness after EBU R 128 that the whole shall have; None = as it is.
    :param max_true_peak_dbtp: to which the gain of ``normalize_lufs`` is lowered where it would pass it.
    """

    format: Literal["flac", "ogg", "opus", "mp3", "wav"] = "flac"
    sample_rate: int | None = Field(default=None, ge=1_000, le=192_000)
    channels: Literal[1, 2] | None = None
    bits: Literal[16, 24] = 16
    bit_rate_kbps: int | None = Field(default=None, ge=6, le=512)
    quality: float | None = Field(default=None, ge=0, le=10)
    normalize_lufs: float | None = Field(default=None, ge=-70, le=0)
    max_true_peak_dbtp: float = Field(default=-1.0, ge=-20, le=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.bit_rate_kbps is not None and self.format not in ("opus", "mp3"):
            raise ValueError(f"bit_rate_kbps is of opus and mp3, and format is {self.format}")
        if self.quality is not None and self.format != "ogg":
            raise ValueError(f"quality is of ogg, and format is {self.format}")
        if self.format == "opus" and self.sample_rate not in (None, OPUS_RATE):
            raise ValueError(f"opus is always at {OPUS_RATE} Hz; leave sample_rate out")
        if self.format == "mp3" and self.sample_rate not in (None, *MP3_RATES):
            said = ", ".join(map(str, MP3_RATES))
            raise ValueError(f"mp3 has no {self.sample_rate} Hz; choose a sample_rate of {said}")
        if self.format == "mp3" and self.bit_rate_kbps is not None:
            rates = MP3_RATES if self.sample_rate is None else (self.sample_rate,)
            if all(self.bit_rate_kbps not in mp3_kbps(rate) for rate in rates):
                raise ValueError(
                    f"mp3 has no {self.bit_rate_kbps} kbit/s; choose a bit_rate_kbps of {mp3_kbps(rates[-1])}"
                )
        return self


def _suffix(params: TranscodeParams) -> str:
    return f".{params.format}"


def _warm_up() -> None:
    import numpy as np

    from beam_jobs.media import decode_soundfile, encode_any, stream  # noqa: F401
    from beam_jobs.media.gain import normalizing_gain

    silence = iter([np.zeros((480, 2), np.float32)])
    normalizing_gain(silence, rate=48_000, channels=2, target_lufs=-16, max_true_peak_dbtp=-1)


@step("transcode", version="3", makes=_suffix, params=TranscodeParams, warm_up=_warm_up)
def transcode(call: StepCall, params: TranscodeParams) -> Path:
    """Decode, mix, resample and encode in blocks; tags and pictures are left out.

    The same input gives the same bytes every time, by the same versions of the codecs.

    With ``normalize_lufs`` the audio is decoded twice: once to measure, once to write with one gain for all
    of it. No limiter works on it: where the gain would take the true peak past its limit it is lowered, and
    the result is quieter than asked. Silence stays as it is. What a lossy codec adds to the peak is not
    foreseen: leave it a decibel; nor what it leaves out above its highest frequency, where noise is a few
    tenths of a decibel quieter.

    Source: loudness and true peak are those of ITU-R BS.1770-5; libsoxr resamples; libsndfile encodes flac,
    wav and ogg, FFmpeg with libopus and libmp3lame the others.
    """
    from beam_jobs.media.encode_any import channels_for, open_writer, rate_for
    from beam_jobs.media.gain import normalizing_gain
    from beam_jobs.media.resample import resampled_length
    from beam_jobs.media.stream import decoded, open_input

    gain = 1.0
    with open_input(call) as audio:
        info = audio.info
        rate = rate_for(params.format, info.rate, wanted=params.sample_rate)
        channels = channels_for(params.format, info.channels, wanted=params.channels)
        if params.normalize_lufs is not None:
            gain = normalizing_gain(
                decoded(call, audio, channels=channels, rate=rate), rate=rate, channels=channels,
                target_lufs=params.normalize_lufs, max_true_peak_dbtp=params.max_true_peak_dbtp,
            )  # fmt: skip
    with open_input(call) as audio:
        writer = open_writer(
            call.output, format=params.format, rate=rate, channels=channels, bits=params.bits,
            bit_rate_kbps=params.bit_rate_kbps, quality=params.quality,
            frames=resampled_length(info.frames or 0, info.rate, rate),
        )  # fmt: skip
        with writer:
            for block in decoded(call, audio, channels=channels, rate=rate):
                with call.stage("encode"):
                    writer.write(block if gain == 1 else block * gain)
    return call.output
