"""excerpt and split: exact to the sample, and together the whole."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from beam_jobs.contract.errors import StepError
from beam_jobs.contract.step import load_step
from beam_jobs.media.audio import AudioFile
from tests import samples
from tests.step_calls import call_step

RATE = samples.RATE


@pytest.fixture
def noise(tmp_path):
    """Ten seconds of stereo noise with a pause of a second at 3 s and one of 0.3 s at 7 s."""
    made = samples.noise(10, dbfs=-20, channels=2)
    made[3 * RATE : 4 * RATE] = 0
    made[7 * RATE : round(7.3 * RATE)] = 0
    path = samples.write_audio(tmp_path / "noise.wav", made)
    return path, soundfile.read(path)[0]


def pieces(path, **params):
    """Return (start, end) in seconds and the samples of each child."""
    index, call = call_step("split", params, audio=path)
    files = [call.output.with_name(f"{call.output.name}.{name}.flac") for name in call.children]
    assert [child["name"] for child in index["children"]] == call.children
    assert sorted(call.output.parent.iterdir()) == files
    found = [soundfile.read(file)[0] for file in files]
    assert [len(piece) for piece in found] == [child["frames"] for child in index["children"]]
    return [(child["start_s"], child["end_s"]) for child in index["children"]], found


def test_windows_that_follow_each_other_add_up_to_the_whole_bit_for_bit(noise):
    path, whole = noise
    spans, found = pieces(path, window_s=1.7)
    assert np.array_equal(np.concatenate(found), whole)
    assert spans[0] == (0.0, 1.7)
    assert len(spans) == 6


@pytest.mark.parametrize(
    ("hop", "last", "count"), [(1, True, 10), (1, False, 8), (4, True, 3), (4, False, 2)]
)
def test_windows_may_overlap_or_leave_gaps_and_a_short_last_one_can_be_left_out(noise, hop, last, count):
    path, whole = noise
    spans, found = pieces(path, window_s=3, hop_s=hop, keep_last=last)
    assert len(spans) == count
    for (start, end), piece in zip(spans, found, strict=True):
        assert np.array_equal(piece, whole[round(start * RATE) : round(end * RATE)])


@pytest.mark.parametrize(
    ("params", "cuts"),
    [
        ({}, [3.25]),
        ({"min_silence_s": 0.2}, [3.1, 7.1]),
        ({"min_silence_s": 0.2, "min_s": 5}, [7.1]),
        ({"max_s": 2, "min_s": 0.5}, [2, 3.25, 5.25, 7.25, 9.25]),
        ({"threshold_dbfs": -10}, []),
    ],
)
def test_pieces_between_silences_are_cut_inside_them_and_add_up_to_the_whole(noise, params, cuts):
    path, whole = noise
    if "threshold_dbfs" in params:  # all of it is silence: cut by length only
        params = {**params, "min_s": 60}
    spans, found = pieces(path, at="silences", **params)
    assert [start for start, _ in spans[1:]] == pytest.approx(cuts, abs=0.011)
    assert np.array_equal(np.concatenate(found), whole)


def test_a_file_shorter_than_a_window_is_one_piece_also_when_last_ones_are_left_out(noise):
    path, whole = noise
    spans, found = pieces(path, window_s=60, keep_last=False)
    assert (len(spans), np.array_equal(found[0], whole)) == (1, True)


def test_windows_that_would_be_open_by_the_hundred_are_refused():
    with pytest.raises(ValidationError, match="more than 32 times hop_s"):
        load_step("split").parse_params({"window_s": 60, "hop_s": 0.5})


@pytest.mark.parametrize(("start", "length"), [(0, 2), (1.5, 2), (9.5, 0.5), (0.00001, 0.0001)])
def test_an_excerpt_is_exact_to_the_sample(noise, start, length):
    path, whole = noise
    output, _ = call_step("excerpt", {"start_s": start, "duration_s": length}, audio=path)
    first = round(start * RATE)
    assert np.array_equal(soundfile.read(output)[0], whole[first : first + max(1, round(length * RATE))])


@pytest.mark.parametrize("suffix", ["wav", "mp3"])
def test_the_middle_is_the_middle_also_of_a_file_that_does_not_say_how_long_it_is(noise, tmp_path, suffix):
    path, _ = noise
    if suffix == "mp3":
        path, _ = call_step("transcode", {"format": "mp3"}, audio=path)
        bare, data = tmp_path / "bare.mp3", path.read_bytes()
        bare.write_bytes(data[data.index(b"\xff\xfb", 10) :])  # without the frame that tells the length
        path = bare
    whole, _ = call_step("transcode", {"format": "wav"}, audio=path)
    whole = soundfile.read(whole)[0]
    output, _ = call_step("excerpt", {"where": "middle", "duration_s": 2, "format": "wav"}, audio=path)
    first = (len(whole) - 2 * RATE) // 2
    assert np.array_equal(soundfile.read(output)[0], whole[first : first + 2 * RATE])


def test_less_than_asked_for_is_taken_or_fails_as_wanted_and_nothing_always_fails(noise):
    path, _ = noise
    output, _ = call_step("excerpt", {"start_s": 9, "duration_s": 5}, audio=path)
    assert len(soundfile.read(output)[0]) == RATE
    with pytest.raises(StepError, match=r"plays 10\.000 s, and 5 s from 9 s are wanted"):
        call_step("excerpt", {"start_s": 9, "duration_s": 5, "short": "fail"}, audio=path)
    with pytest.raises(StepError, match="choose an earlier or shorter part"):
        call_step("excerpt", {"start_s": 60}, audio=path)


@pytest.mark.parametrize("format", ["ogg", "mp3"])
def test_pieces_of_a_lossy_file_add_up_to_what_the_whole_decodes_to(noise, format):
    path, _ = call_step("transcode", {"format": format}, audio=noise[0])
    whole, _ = call_step("transcode", {"format": "flac"}, audio=path)
    _, found = pieces(path, window_s=0.77)
    assert np.array_equal(np.concatenate(found), soundfile.read(whole)[0])


@pytest.mark.parametrize(
    ("format", "rate"), [("opus", 48_000), ("mp3", 44_100), ("ogg", RATE), ("wav", RATE)]
)
def test_an_excerpt_is_as_long_as_asked_in_every_format(noise, format, rate):
    output, _ = call_step("excerpt", {"start_s": 1.2, "duration_s": 1.5, "format": format}, audio=noise[0])
    with AudioFile(output) as audio:
        length = sum(len(block) for block in audio.blocks())
        assert (audio.info.rate, length) == (rate, round(1.5 * rate))


def test_an_excerpt_of_the_middle_has_no_start():
    with pytest.raises(ValidationError, match="start_s 3 is of where start, and where is middle; leave one"):
        load_step("excerpt").parse_params({"where": "middle", "start_s": 3})
    load_step("excerpt").parse_params({"where": "middle", "start_s": 0})
