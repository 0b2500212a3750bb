"""Answers gathered block by block: what they add up to, and what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from beam_jobs.media.answer_params import AnswerParams
from beam_jobs.models.answers import Gathered
from beam_jobs.models.handler import BlockAnswer

ROWS = np.random.default_rng(3).normal(0, 3, (20, 4)).astype(np.float32)


def gathered(*blocks, numbers=None, **params) -> Gathered:
    """Gather blocks of answers, or of (class, message)."""
    found = Gathered(AnswerParams.model_validate(params))
    for place, block in enumerate(blocks):
        of = {"error": block} if isinstance(block, tuple) else {"answers": np.asarray(block, np.float32)}
        number = place if numbers is None else numbers[place]
        found.add(BlockAnswer(number=number, last=place == len(blocks) - 1, seconds=0.5, **of))
    return found


@pytest.mark.parametrize("activation", ["none", "softmax", "sigmoid"])
@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_blocks_add_up_to_the_whole(activation, aggregate):
    exact = ROWS.astype(float)
    if activation == "softmax":
        exact = np.exp(exact) / np.exp(exact).sum(axis=1, keepdims=True)
    elif activation == "sigmoid":
        exact = 1 / (1 + np.exp(-exact))
    expected = exact.mean(axis=0) if aggregate == "mean" else exact.max(axis=0)
    found = gathered(ROWS[:7], ROWS[7:8], ROWS[8:], activation=activation, aggregate=aggregate)
    assert found.is_complete
    assert found.fault is None
    assert (found.frames, found.seconds) == (20, 1.5)
    np.testing.assert_allclose(found.scores(), expected, rtol=1e-6)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_numbers_of_any_size_are_activated_without_overflow(activation):
    with np.errstate(over="raise", invalid="raise"):
        found = gathered([[-1e4, 1e4], [1e4, -1e4]], activation=activation)
    np.testing.assert_allclose(found.scores(), [0.5, 0.5])


def test_one_number_per_frame_is_one_label():
    assert gathered([1.0, 3.0]).scores().tolist() == [2.0]
    assert gathered([[[1.0]], [[3.0]]]).scores().tolist() == [2.0]


@pytest.mark.parametrize(
    ("blocks", "params", "words"),
    [
        (([[1, np.nan]],), {}, "NaN or infinity"),
        (([[1, np.inf]],), {"activation": "softmax"}, "NaN or infinity"),
        (([1.0],), {"activation": "softmax"}, "softmax is over several numbers"),
        (([[1.0, 2]], [[1.0, 2, 3]]), {}, "shape [2] for some frames and [3] for others"),
        (([[1.0, 2]], [[1.0, 2, 3]]), {"aggregate": "none"}, "shape [2] for some frames and [3] for others"),
        ((np.zeros((2, 3, 4)),), {}, "the shape [3, 4], and labels have one number each"),
        (([[1.0]], ("ModelFailed", "no way")), {}, "no way"),
        ((np.zeros((300_000, 4)),), {"aggregate": "none", "max_answers_mb": 1}, "than max_answers_mb (1)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_block_is_wrong_with_the_item(blocks, params, words):
    found = gathered(*blocks, **params)
    assert found.is_complete
    assert found.fault is not None
    assert words in found.fault[1]


def test_a_block_that_never_came_is_noticed():
    found = gathered(ROWS[:2], ROWS[4:], numbers=[0, 2])
    assert found.fault == ("StepError", "block 1 of its frames was lost on the way; run it again")


def test_the_first_fault_is_told():
    found = gathered(("ModelFailed", "first"), ("ModelFailed", "second"))
    assert found.fault == ("ModelFailed", "first")
