import librosa
import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_jobs.media.resample import resampled, resampled_length
from tests.resampling_measures import measure, sweep_error_db
from tests.samples import noise, tone

RATES = st.sampled_from([8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 44_101])


def stream(samples: np.ndarray, rate: int, wanted: int, block: int = 65_536) -> np.ndarray:
    blocks = (samples[start : start + block] for start in range(0, len(samples), block))
    return np.concatenate(list(resampled(blocks, rate, wanted)))


def level_db(samples: np.ndarray) -> float:
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4]
    return 10 * np.log10(2 * np.mean(middle.astype(np.float64) ** 2) + 1e-20)


@settings(max_examples=60)
@given(frames=st.integers(1, 70_000), rate=RATES, wanted=RATES, block=st.sampled_from([777, 4096, 65_536]))
def test_the_length_is_exact_to_the_sample(frames, rate, wanted, block):
    samples = np.ones((frames, 1), np.float32)
    expected = frames if rate == wanted else max(1, round(frames * wanted / rate))
    assert len(stream(samples, rate, wanted, block)) == expected == resampled_length(frames, rate, wanted)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [48_000, 44_100, 16_000])
def test_blocks_give_what_the_whole_gives(rate, channels):
    samples = noise(5, rate=rate, dbfs=-12, channels=channels)
    whole = soxr.resample(samples, rate, 22_050, quality="HQ").reshape(-1, channels)
    for block in (1000, 65_536):
        assert (
            np.abs(
                stream(samples, rate, 22_050, block) - whole[: resampled_length(len(samples), rate, 22_050)]
            ).max()
            < 1e-6
        )


def test_blocks_come_out_as_blocks_go_in():
    taken = 0

    def blocks():
        nonlocal taken
        for _ in range(50):
            taken += 1
            yield np.zeros((65_536, 1), np.float32)

    next(resampled(blocks(), 44_100, 22_050))
    assert taken <= 2


@pytest.mark.parametrize("hertz", [20, 1_000, 5_000, 9_000, 10_000])
def test_what_is_heard_keeps_its_level(hertz):
    assert level_db(stream(tone(hertz, 4, dbfs=-6), 44_100, 22_050)) == pytest.approx(-6, abs=0.01)


@pytest.mark.parametrize("hertz", [12_000, 14_000, 17_000, 21_000])
def test_what_the_new_rate_cannot_hold_is_gone_and_not_folded_back(hertz):
    assert level_db(stream(tone(hertz, 4, dbfs=-6), 44_100, 22_050)) < -110


def test_nothing_moves_in_time():
    samples = np.zeros((44_100, 1), np.float32)
    samples[22_050] = 1
    assert int(np.abs(stream(samples, 44_100, 22_050)[:, 0]).argmax()) == 11_025


@pytest.mark.parametrize(("rate", "wanted"), [(44_100, 22_050), (48_000, 16_000), (44_100, 48_000)])
def test_it_is_flat_clean_and_not_late_as_librosas_default_is(rate, wanted):
    def ours(samples, rate, wanted):
        return stream(samples[:, None], rate, wanted)[:, 0]

    def librosas(samples, rate, wanted):
        return librosa.resample(samples, orig_sr=rate, target_sr=wanted)

    told, default = measure(ours, rate, wanted), measure(librosas, rate, wanted)
    assert told.ripple_db < 0.01
    assert told.rejection_db > 125
    assert told.clean_db > 125
    assert told.delay < 1e-3
    assert told.ripple_db <= default.ripple_db + 1e-4
    assert told.rejection_db >= default.rejection_db - 0.5
    assert told.clean_db >= default.clean_db - 0.5


def test_a_sweep_comes_out_as_it_would_be_at_the_new_rate_and_vanishes_past_its_half():
    inside, beyond = sweep_error_db(
        lambda samples, rate, wanted: stream(samples[:, None], rate, wanted)[:, 0], 44_100, 22_050
    )
    assert inside < -110
    assert beyond < -120
