"""Samples that are no sound are refused with their place, or counted and taken out."""

from __future__ import annotations

import numpy as np
import pytest

from beam_jobs.contract.errors import UndecodableMedia
from beam_jobs.media import share
from beam_jobs.media.audio import AudioFile
from beam_jobs.media.bad_samples import refusing_bad, without_bad
from beam_jobs.media.call import StepCall
from beam_jobs.media.fingerprints import fingerprint_of
from beam_jobs.media.stream import decoded, open_input
from tests import samples


def blocks(*values):
    return [np.array(block, np.float32) for block in values]


def call_of(path, *, keep=()):
    return StepCall(item="a", inputs={"audio": path}, output=path.with_suffix(".out"), keep=frozenset(keep))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e9, -3e38])
def test_the_first_of_them_is_placed_in_the_message(bad, order):
    some = blocks([[0, 0.5], [1, 1]], [[0, 0], [0, bad], [bad, 0]])
    came = refusing_bad((block.copy(order=order) for block in some), rate=10)
    assert next(came)[0, 1] == 0.5
    with pytest.raises(UndecodableMedia, match=r"0\.300000 s in channel 2 is .*which is no sound"):
        next(came)


def test_loud_samples_are_sound_even_when_their_squares_pass_every_number():
    (loud,) = blocks([[9e8, -9e8]] * 3)
    assert next(refusing_bad(iter([loud]), rate=10)) is loud
    assert without_bad(loud)[1] == 0


def test_they_are_counted_and_become_zero_in_a_copy():
    (block,) = blocks([[0.5, np.nan], [np.inf, -0.5], [1e30, 0.25]])
    before = block.copy()
    sound, count = without_bad(block)
    assert count == 3
    assert sound.dtype == np.float32
    np.testing.assert_array_equal(sound, [[0.5, 0], [0, -0.5], [0, 0.25]])
    np.testing.assert_array_equal(block, before)
    assert without_bad(sound)[0] is sound


@pytest.mark.parametrize("form", [{}, {"channels": 1}, {"rate": 22_050}])
def test_a_step_is_refused_them_in_every_form_unless_it_asks_for_all(tmp_path, form):
    call = call_of(samples.nan_wav(tmp_path))
    with open_input(call) as audio, pytest.raises(UndecodableMedia, match=r"0\.500000 s in channel 2 is nan"):
        list(decoded(call, audio, **form))
    assert call.current_stage == "decode"
    with open_input(call) as audio:
        assert sum(map(len, decoded(call, audio, refuse_bad=False))) == samples.RATE


def test_what_one_step_reads_with_them_is_still_refused_to_the_next(tmp_path):
    path = samples.nan_wav(tmp_path)
    share.allow(1 << 30)
    share.only("a")
    try:
        call = call_of(path, keep={"audio"})
        with open_input(call) as audio:
            assert np.isnan(np.concatenate(list(decoded(call, audio, refuse_bad=False)))).any()
        for form in ({}, {"channels": 1, "rate": 22_050}):
            with open_input(call) as audio, pytest.raises(UndecodableMedia, match="is nan"):
                list(decoded(call, audio, **form))
    finally:
        share.only("")
        share.allow(0)


def test_no_fingerprint_is_searched_for_a_file_with_them(tmp_path):
    with pytest.raises(UndecodableMedia, match="is nan"):
        fingerprint_of(samples.nan_wav(tmp_path))


def test_a_file_gives_its_samples_as_they_are(tmp_path):
    with AudioFile(samples.infinite_wav(tmp_path)) as audio:
        assert np.isinf(np.concatenate(list(audio.blocks()))).sum() == 1
