"""The fingerprint's artifact, and the command that finds audio among artifacts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from beam_jobs import match
from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media.arrays import read_arrays
from beam_jobs.media.fingerprints import read_fingerprint
from tests import samples
from tests.step_calls import call_step


def make(audio, output) -> Path:
    output.parent.mkdir(parents=True, exist_ok=True)
    return call_step("fingerprint", output=output, audio=audio)[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two songs in ``audio`` and their artifacts in ``known``."""
    folder = tmp_path_factory.mktemp("fingerprints")
    for number, bpm in enumerate((97, 140)):
        song = samples.song(bpm, 20, seed=number)[0]
        audio = samples.write_audio(folder / "audio" / f"{number}.flac", song)
        make(audio, folder / "known" / "shelf" / f"{number}.npz")
    return folder


def test_the_artifact_says_what_it_holds_in_which_units(folder):
    header, arrays = read_arrays(folder / "known" / "shelf" / "0.npz")
    assert (header["step"], header["version"]) == ("fingerprint", "1")
    assert (header["rate_hz"], header["hop"]) == (8000, 256)
    assert arrays["frame"].dtype == np.uint32
    assert arrays["bin"].dtype == np.uint16
    assert len(arrays["frame"]) == len(arrays["bin"]) > 200
    assert (arrays["frame"] * 0.032).max() < 20.1


def test_a_tone_has_its_landmarks_at_its_frequency(tmp_path):
    burst = samples.tone(1000, 0.2)
    data = np.concatenate([np.zeros((44_100, 1), np.float32), burst, np.zeros((44_100, 1), np.float32)])
    landmarks = read_fingerprint(make(samples.write_audio(tmp_path / "in.wav", data), tmp_path / "out.npz"))
    near = np.abs(landmarks.bins * 7.8125 - 1000) < 8
    assert near.any()
    assert np.abs(landmarks.frames[near] * 0.032 - 1.1) == pytest.approx(0, abs=0.15)


def test_the_command_finds_an_excerpt(folder, tmp_path, capsys):
    song = samples.song(140, 20, seed=1)[0]
    excerpt = samples.write_audio(tmp_path / "excerpt.ogg", song[7 * samples.RATE : 12 * samples.RATE])
    assert match.main([str(excerpt), str(folder / "known")]) == 0
    best = json.loads(capsys.readouterr().out.splitlines()[0])
    assert best["item"] == "shelf/1"
    assert best["score"] > 0.2


def test_the_command_takes_an_artifact_and_says_when_nothing_matches(folder, tmp_path, capsys):
    known = folder / "known" / "shelf" / "0.npz"
    assert match.main([str(known), str(folder / "known")]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["score"] > 0.95
    other = samples.write_audio(tmp_path / "noise.wav", samples.noise(5, seed=3))
    assert match.main([str(other), str(folder / "known")]) == 1
    assert capsys.readouterr().out == ""


def test_the_command_says_what_it_cannot_read(folder, tmp_path, capsys):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK not really")
    assert match.main([str(broken), str(folder / "known")]) == 2
    assert "broken.npz" in capsys.readouterr().err
    with pytest.raises(UndecodableMedia, match="no array artifact"):
        read_fingerprint(broken)
