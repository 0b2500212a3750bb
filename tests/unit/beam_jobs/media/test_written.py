"""What is kept of a FLAC file while it is written is what decoding it gives, to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from beam_jobs.contract.step import load_step
from beam_jobs.media import share
from beam_jobs.media.audio import AudioFile
from beam_jobs.media.call import StepCall
from beam_jobs.media.encode import AudioWriter
from beam_jobs.media.written import Written


@pytest.fixture(autouse=True)
def _room():
    share.allow(32 << 20)
    share.only("item")
    yield
    share.allow(0)
    share.only("another")


def samples(channels: int) -> np.ndarray:
    noise = np.random.default_rng(5).uniform(-1.2, 1.2, (100_000, channels)).astype(np.float32)
    halves = (np.arange(-40_000, 40_000) + 0.5) / 32768
    noise[: len(halves), 0] = halves
    noise[-6:, 0] = [1, -1, 1 - 2**-16, -1 + 2**-16, 0, 2**-17]
    return noise


def hear(path: Path) -> np.ndarray:
    with share.open_audio(path, keep=False) as audio:
        return np.concatenate(list(audio.blocks()))


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("channels", [1, 2])
def test_it_is_what_decoding_gives(tmp_path, monkeypatch, bits, channels):
    path, written = tmp_path / "a.flac", Written(bits)
    with AudioWriter(path, format="flac", rate=22050, channels=channels, bits=bits) as writer:
        for block in np.array_split(samples(channels), 7):
            writer.write(block)
            written.note(block)
    with AudioFile(path) as audio:
        decoded = np.concatenate(list(audio.blocks()))
    written.keep(path)
    monkeypatch.setattr(share, "AudioFile", None)  # whoever decodes it fails
    np.testing.assert_array_equal(hear(path), decoded)


def test_the_step_before_spares_the_next_one_decoding(tmp_path, monkeypatch):
    source, made = tmp_path / "a.wav", tmp_path / "made.flac"
    with AudioWriter(source, format="wav", rate=44_100, channels=2) as writer:
        writer.write(samples(2))
    step = load_step("downsample")
    call = StepCall(item="item", inputs={"audio": source}, output=made, output_is_read=True)
    step.run(call, step.parse_params({}))
    with AudioFile(made) as audio:
        decoded = np.concatenate(list(audio.blocks()))
    monkeypatch.setattr(share, "AudioFile", None)
    np.testing.assert_array_equal(hear(made), decoded)


def test_what_does_not_fit_is_let_go(tmp_path):
    path, written = tmp_path / "a.flac", Written(16)
    share.allow(1000)
    with AudioWriter(path, format="flac", rate=22050, channels=1) as writer:
        for block in np.array_split(samples(1), 3):
            writer.write(block)
            written.note(block)
    written.keep(path)
    assert not share._shelf.kept
