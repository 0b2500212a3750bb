"""From a step's input to the blocks it works on, with the time of each part accounted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from beam_jobs.media.audio import AudioFile, Block
from beam_jobs.media.bad_samples import refusing_bad
from beam_jobs.media.call import StepCall
from beam_jobs.media.mix import mixed
from beam_jobs.media.resample import resampled
from beam_jobs.media.share import SharedAudio, open_audio

if TYPE_CHECKING:
    from beam_jobs.media.spectrum import Frames


@contextmanager
def open_input(call: StepCall, name: str = "audio") -> Iterator[AudioFile | SharedAudio]:
    """Open an audio input of ``call``; at the end tell the call how much was heard."""
    with call.stage("decode"):
        audio = open_audio(call.path(name), keep=name in call.keep)
    with audio:
        try:
            yield audio
        finally:
            call.media_seconds = audio.seconds_read


def decoded(
    call: StepCall,
    audio: AudioFile | SharedAudio,
    *,
    channels: int | None = None,
    rate: int | None = None,
    refuse_bad: bool = True,
) -> Iterator[Block]:
    """Yield ``audio`` with ``channels`` (None = its own) at ``rate`` Hz (None = its own).

    Channels are mixed before resampling, which is cheaper and gives the same.

    :param refuse_bad: raise UndecodableMedia at the first sample that is not a number or infinite; who does
        not want that takes care of them by :func:`beam_jobs.media.bad_samples.without_bad`.
    """
    own = audio.info
    channels, rate = channels or own.channels, rate or own.rate

    def make() -> Iterator[Block]:
        blocks = audio.blocks()
        blocks = _in_stage(call, "decode", refusing_bad(blocks, own.rate) if refuse_bad else blocks)
        return resampled(mixed(blocks, own.channels, channels), own.rate, rate)

    if isinstance(audio, AudioFile) or (channels, rate) == (own.channels, own.rate):
        return make()
    return audio.form(channels, rate, make)


def spectra(
    call: StepCall, audio: AudioFile | SharedAudio, *, n_fft: int | None = None, hop: int | None = None
) -> Iterator[Frames]:
    """Yield the power spectra of ``audio`` as mono at the rate of analysis, for reading only.

    They are those of :func:`beam_jobs.media.spectrum.power_frames`, whose default frames are the default.
    """
    from beam_jobs.media.spectrum import ANALYSIS_RATE, HOP, N_FFT, power_frames

    n_fft, hop = n_fft or N_FFT, hop or HOP

    def make() -> Iterator[Frames]:
        return power_frames(decoded(call, audio, channels=1, rate=ANALYSIS_RATE), n_fft, hop)

    return make() if isinstance(audio, AudioFile) else audio.spectra(ANALYSIS_RATE, n_fft, hop, make)


def _in_stage(call: StepCall, stage: str, blocks: Iterator[Block]) -> Iterator[Block]:
    while True:
        with call.stage(stage):
            block = next(blocks, None)
        if block is None:
            return
        yield block
