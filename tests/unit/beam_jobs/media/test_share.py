"""What one step decodes serves the next one of the same item, and nobody can spoil it for another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from beam_jobs.media import share
from beam_jobs.media.call import StepCall
from beam_jobs.media.spectrum import power_frames
from beam_jobs.media.stream import decoded, open_input, spectra

RATE = 22050


@pytest.fixture
def song(tmp_path: Path) -> Path:
    noise = np.random.default_rng(1).normal(0, 0.1, (3 * RATE, 1))
    soundfile.write(tmp_path / "song.wav", noise, RATE)
    share.allow(64 << 20)
    share.only(str(tmp_path))
    yield tmp_path / "song.wav"
    share.allow(0)
    share.only("another")


def call_on(song: Path, *, keep: bool) -> StepCall:
    kept = frozenset({"audio"}) if keep else frozenset()
    return StepCall(
        item="song", inputs={"audio": song}, output=song.with_suffix(".x"), child_suffix="", keep=kept
    )


def hear(song: Path, *, keep: bool) -> np.ndarray:
    call = call_on(song, keep=keep)
    with open_input(call) as audio:
        found = np.concatenate(list(spectra(call, audio)))
    assert call.media_seconds == 3
    return found


def test_spectra_are_made_once_and_are_the_same(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = soundfile.read(song, dtype="float32", always_2d=True)[0]
    expected = np.concatenate(list(power_frames(iter([samples]))))

    first = hear(song, keep=True)
    monkeypatch.setattr(share, "AudioFile", None)  # whoever opens it again fails
    second = hear(song, keep=False)

    np.testing.assert_allclose(first, expected, rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(second, first)


def test_samples_that_were_heard_as_spectra_need_no_decoding(
    song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear(song, keep=True)
    monkeypatch.setattr(share, "AudioFile", None)
    call = call_on(song, keep=False)
    with open_input(call) as audio:
        samples = np.concatenate(list(decoded(call, audio)))
    np.testing.assert_array_equal(samples, soundfile.read(song, dtype="float32", always_2d=True)[0])


def test_other_frames_are_other_spectra(song: Path) -> None:
    hear(song, keep=True)
    call = call_on(song, keep=True)
    with open_input(call) as audio:
        longer = np.concatenate(list(spectra(call, audio, n_fft=4096, hop=1024)))
    assert longer.shape == (1 + 3 * RATE // 1024, 2049)


def test_nobody_changes_what_others_read(song: Path) -> None:
    first = hear(song, keep=True)
    call = call_on(song, keep=True)
    with open_input(call) as audio:
        for power in spectra(call, audio):
            with pytest.raises(ValueError, match="read-only"):
                power[:] = 0
        for block in decoded(call, audio):
            block[:] = 0
        samples = np.concatenate(list(decoded(call, audio)))
    assert samples.any()
    np.testing.assert_array_equal(hear(song, keep=True), first)


def test_what_does_not_fit_is_decoded_again(song: Path) -> None:
    share.allow(300_000)  # the samples fit, the spectra do not
    first = hear(song, keep=True)
    assert {len(key) for key in share._shelf.kept} == {6}
    np.testing.assert_array_equal(hear(song, keep=True), first)


def test_all_that_is_kept_at_a_time_fits_into_what_is_allowed(song: Path) -> None:
    most = 0

    def watched(call: StepCall) -> None:
        nonlocal most
        with open_input(call) as audio:
            for _ in spectra(call, audio):
                most = max(most, share._shelf.used)

    samples, frames = 3 * RATE * 4, (1 + 3 * RATE // 512) * 1025 * 4
    for allowed in (samples // 2, samples + 1, frames + 1, samples + frames):
        share.allow(allowed)
        share.only(f"with {allowed}")
        watched(call_on(song, keep=True))
        kept = sum(block.nbytes for one in share._shelf.kept.values() for block in one.blocks)
        assert kept == share._shelf.used <= allowed
        assert most <= allowed
    assert kept == samples + frames


def test_what_broke_off_leaves_its_room_to_others(song: Path) -> None:
    call = call_on(song, keep=True)
    with open_input(call) as audio:
        blocks = spectra(call, audio)
        next(blocks)
        assert share._shelf.used
        blocks.close()
    assert share._shelf.used == 0


def test_what_is_let_go_late_takes_no_room_from_the_next_item(song: Path) -> None:
    call = call_on(song, keep=True)
    with open_input(call) as audio:
        blocks = spectra(call, audio)
        next(blocks)
        share.only("another")
        hear(song, keep=True)
        used = share._shelf.used
        blocks.close()
    assert share._shelf.used == used


def test_another_item_begins_with_nothing(song: Path) -> None:
    hear(song, keep=True)
    share.only("another")
    assert not share._shelf.kept
    assert share._shelf.used == 0
