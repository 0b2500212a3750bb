import numpy as np
import pytest

from beam_jobs.media.mix import mix_weights, mixed
from tests.samples import noise


def mix(samples: np.ndarray, wanted: int) -> np.ndarray:
    return np.concatenate(list(mixed(iter([samples]), samples.shape[1], wanted)))


@pytest.mark.parametrize("channels", [2, 5, 12])
def test_mono_is_the_mean(channels):
    samples = noise(0.1, channels=channels)
    assert np.allclose(mix(samples, 1)[:, 0], samples.mean(axis=1), atol=1e-7)


def test_mono_becomes_two_equal_channels():
    samples = noise(0.1)
    assert np.array_equal(mix(samples, 2), np.repeat(samples, 2, axis=1))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("wanted", [1, 2])
def test_frames_lie_one_after_the_other_however_they_come(order, wanted):
    samples = noise(0.1, channels=2)
    (block,) = mixed(iter([samples.copy(order=order)]), 2, wanted)
    assert block.flags.c_contiguous
    assert np.array_equal(block, mix(samples, wanted))


def test_as_many_channels_as_there_are_pass_unchanged():
    samples = noise(0.1, channels=2)
    assert next(mixed(iter([samples]), 2, 2)) is samples


@pytest.mark.parametrize("channels", range(3, 15))
def test_full_scale_everywhere_does_not_clip_in_stereo(channels):
    weights = mix_weights(channels, 2)
    assert weights.shape == (channels, 2)
    assert np.allclose(weights.sum(axis=0), 1)
    assert (weights >= 0).all()


def test_five_point_one_keeps_its_sides_and_drops_its_low_channel():
    left, right = mix_weights(6, 2).T
    assert left[0] > left[2] == pytest.approx(left[0] * 0.5**0.5)
    assert left[1] == left[3] == left[5] == 0
    assert np.allclose(left[[1, 0, 2, 3, 5, 4]], right)
