"""Any audio to another format, as loud as wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from beam_jobs.contract.step import StepParams, step
from beam_jobs.media.call import StepCall

if TYPE_CHECKING:
    from beam_jobs.media.audio import AudioInfo

_OPUS_RATE_HZ = 48_000
_MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


class TranscodeParams(StepParams):
    """What to make.

    :param format: of the file; ``ogg`` is Vorbis.
    :param sample_rate: frames per second; None = the input's (MP3: the next one that it has), Opus always has
        48,000.
    :param channels: 1 = mean of all, 2 = stereo, None = as the input has (Opus, MP3: at most 2).
    :param bits: per sample, of flac and wav.
    :param bit_rate_kbps: of opus (default 128) and mp3 (default 192).
    :param normalize_lufs: integrated loudness after EBU R 128 that the whole shall have; None = as it is.
    :param max_true_peak_dbtp: to which the gain of ``normalize_lufs`` is lowered where it would pass it.
    """

    format: Literal["flac", "ogg", "opus", "mp3", "wav"] = "flac"
    sample_rate: int | None = Field(default=None, ge=1_000, le=192_000)
    channels: Literal[1, 2] | None = None
    bits: Literal[16, 24] = 16
    bit_rate_kbps: int | None = Field(default=None, ge=8, le=512)
    normalize_lufs: float | None = Field(default=None, ge=-70, le=0)
    max_true_peak_dbtp: float = Field(default=-1.0, ge=-20, le=0)


def _suffix(params: TranscodeParams) -> str:
    return f".{params.format}"


def _warm_up() -> None:
    from beam_jobs.media import decode_soundfile, encode_any, gain, stream  # noqa: F401


@step("transcode", version="1", makes=_suffix, params=TranscodeParams, warm_up=_warm_up)
def transcode(call: StepCall, params: TranscodeParams) -> Path:
    """Decode, mix, resample and encode in blocks; tags and pictures are left out.

    With ``normalize_lufs`` the audio is decoded twice: once to measure, once to write with one gain for all
    of it. No limiter works on it: where the gain would take the true peak past its limit it is lowered, and
    the result is quieter than asked. Silence stays as it is.
    """
    from beam_jobs.media.encode_any import open_writer
    from beam_jobs.media.gain import normalizing_gain
    from beam_jobs.media.resample import resampled_length
    from beam_jobs.media.stream import decoded, open_input

    gain = 1.0
    with open_input(call) as audio:
        info = audio.info
        rate, channels = _rate(params, info), _channels(params, info)
        if params.normalize_lufs is not None:
            gain = normalizing_gain(
                decoded(call, audio, channels=channels, rate=rate), rate=rate, channels=channels,
                target_lufs=params.normalize_lufs, max_true_peak_dbtp=params.max_true_peak_dbtp,
            )  # fmt: skip
    with open_input(call) as audio:
        writer = open_writer(
            call.output, format=params.format, rate=rate, channels=channels, bits=params.bits,
            bit_rate_kbps=params.bit_rate_kbps, frames=resampled_length(info.frames or 0, info.rate, rate),
        )  # fmt: skip
        with writer:
            for block in decoded(call, audio, channels=channels, rate=rate):
                with call.stage("encode"):
                    writer.write(block if gain == 1 else block * gain)
    return call.output


def _rate(params: TranscodeParams, info: AudioInfo) -> int:
    if params.format == "opus":
        return _OPUS_RATE_HZ
    if params.sample_rate is not None:
        return params.sample_rate
    if params.format == "mp3":
        return next((rate for rate in _MP3_RATES_HZ if rate >= info.rate), _MP3_RATES_HZ[-1])
    return info.rate


def _channels(params: TranscodeParams, info: AudioInfo) -> int:
    most = 2 if params.format in ("opus", "mp3") else info.channels
    return params.channels or min(info.channels, most)
