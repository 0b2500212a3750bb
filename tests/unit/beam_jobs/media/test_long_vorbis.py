"""Vorbis of more than a megabyte is decoded by FFmpeg, and nobody can tell."""

import io
import random

import numpy as np
import pytest
import soundfile

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media import audio
from beam_jobs.media.audio import AudioFile
from beam_jobs.media.decode_av import AvDecoder
from beam_jobs.media.decode_soundfile import SoundfileDecoder
from tests.samples import noise

FRAMES = 44_100 * 45 + 1_234


def vorbis(channels: int) -> bytes:
    file = io.BytesIO()
    samples = noise(46, channels=channels)[:FRAMES]
    with soundfile.SoundFile(
        file, "w", 44_100, channels, format="OGG", subtype="VORBIS", compression_level=0.0
    ) as out:
        for first in range(0, len(samples), 4096):
            out.write(samples[first : first + 4096])
    return file.getvalue()


@pytest.fixture(scope="module", params=[1, 2, 3], ids=["mono", "stereo", "three channels"])
def content(request):
    made = vorbis(request.param)
    assert len(made) > audio._LONG_VORBIS
    return made


@pytest.fixture(scope="module")
def stereo():
    return vorbis(2)


def read(path):
    with AudioFile(path) as file:
        return file.info, np.concatenate([block.copy() for block in file.blocks()])


def test_it_gives_what_libsndfile_gives(tmp_path, content):
    path = tmp_path / "a.ogg"
    path.write_bytes(content)
    assert type(audio._open(path, 0)) is AvDecoder
    info, mine = read(path)
    theirs, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    assert (info.frames, info.rate, info.channels, info.codec) == (FRAMES, rate, theirs.shape[1], "VORBIS")
    assert mine.shape == theirs.shape == (FRAMES, info.channels)
    assert info.duration_s == FRAMES / rate
    if info.channels > 2:  # Vorbis orders them in its own way, and so does libsndfile
        mine, theirs = np.sort(mine, axis=1), np.sort(theirs, axis=1)
    assert np.abs(mine - theirs).max() < 1e-6


def test_what_is_cut_off_is_missed(tmp_path, stereo):
    path = tmp_path / "a.ogg"
    path.write_bytes(stereo[: len(stereo) * 3 // 4])
    with pytest.raises(UndecodableMedia, match="truncated"):
        read(path)


def test_damage_is_refused_or_heard(tmp_path, stereo):
    dice, path = random.Random(3), tmp_path / "a.ogg"
    for _ in range(12):
        damaged = bytearray(stereo)
        for _ in range(8):
            damaged[dice.randrange(4_000, len(damaged))] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        try:
            _, samples = read(path)
        except UndecodableMedia:
            continue
        assert np.isfinite(samples).all()


def test_a_header_that_ffmpeg_refuses_is_tried_by_libsndfile(tmp_path, monkeypatch, stereo):
    def refuse(*_args):
        raise UndecodableMedia("not decodable as ogg-vorbis: Invalid data found")

    monkeypatch.setattr(audio, "_av_decoder", refuse)
    path = tmp_path / "a.ogg"
    path.write_bytes(stereo)
    assert type(audio._open(path, 0)) is SoundfileDecoder
    assert len(read(path)[1]) == FRAMES
