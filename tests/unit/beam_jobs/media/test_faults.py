"""Faults are found wherever blocks begin and end: held against a plain search in the whole."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_jobs.media.faults import FaultFinder
from beam_jobs.media.runs import RunFinder, Tally

RATE = 1000


def finder(**params):
    wanted = {
        "rate": RATE, "channels": 2, "silence_dbfs": -60, "clip_dbfs": -0.01, "clip_run": 3,
        "dropout_s": 0.002, "mono_db": -60, "places": 5,
    }  # fmt: skip
    return FaultFinder(**{**wanted, **params})


def found(samples, blocks, **params):
    told = finder(channels=samples.shape[1], **params)
    at = 0
    while at < len(samples):
        size = blocks.pop() if blocks else len(samples)
        told.add(samples[at : at + size])
        at += size
    return told.result()


def plain_runs(holds, shortest):
    at, runs = 0, []
    for value, group in groupby(holds):
        length = len(list(group))
        if value and length >= shortest:
            runs.append((at, at + length))
        at += length
    return runs


def places(told):
    return [
        (round(place["start_s"] * RATE), round((place["start_s"] + place["duration_s"]) * RATE))
        for place in told
    ]


@given(
    values=st.lists(st.sampled_from([0.0, 0.0, 0.0001, 0.5, 1.0, 1.0, -1.0]), min_size=1, max_size=60),
    blocks=st.lists(st.integers(1, 12), max_size=20),
)
def test_runs_are_those_of_a_plain_search_however_the_stream_is_cut(values, blocks):
    left = np.array(values, np.float32)
    samples = np.stack([left, np.where(np.abs(left) == 1, 0.1, left)], axis=1).astype(np.float32)
    told = found(samples, blocks, places=100)

    clipped = plain_runs(np.abs(left) >= 0.9999, 3)
    assert places(told["clipped_at"]) == clipped
    assert told["clipped_samples"] == sum(end - start for start, end in clipped)
    heard = np.flatnonzero(np.abs(samples).max(axis=1) >= 0.001)
    zeros = [
        (start, end)
        for start, end in plain_runs(left == 0, 2)
        if len(heard) and heard[0] < start and end <= heard[-1]
    ]
    assert places(told["dropouts_at"]) == zeros
    assert told["dropouts"] == len(zeros)
    assert told["silent"] == (not len(heard))
    head, tail = (heard[0], len(left) - 1 - heard[-1]) if len(heard) else (len(left), 0)
    assert (round(told["silence_head_s"] * RATE), round(told["silence_tail_s"] * RATE)) == (head, tail)


def test_zeros_in_what_is_silent_before_and_behind_the_sound_are_no_dropouts():
    hiss = np.full((50, 1), 1e-4, np.float32)
    gap = np.zeros((10, 1), np.float32)
    sound = np.full((50, 1), 0.5, np.float32)
    told = found(np.concatenate([hiss, gap, hiss, sound, gap, hiss, sound, gap, hiss]), [])
    assert told["dropouts_at"] == [{"start_s": 0.16, "duration_s": 0.01}]


@pytest.mark.parametrize(
    ("right", "mono", "correlation"),
    [
        (lambda left, other: left, True, 1.0),
        (lambda left, other: left + 1e-5 * other, True, 1.0),
        (lambda left, other: 0.5 * left, False, 1.0),
        (lambda left, other: -left, False, -1.0),
        (lambda left, other: other, False, 0.0),
        (lambda left, other: left * 0, False, None),
    ],
)
def test_channels_are_compared(right, mono, correlation):
    left, other = 0.1 * np.random.default_rng(0).standard_normal((2, 200_000)).astype(np.float32)
    told = found(np.stack([left, right(left, other)], axis=1).astype(np.float32), [70_000] * 2)
    assert told["mono_as_stereo"] is mono
    expected = None if correlation is None else pytest.approx(correlation, abs=0.01)
    assert told["correlation"] == expected


def test_a_tally_keeps_the_first_places_and_counts_all():
    runs = RunFinder(shortest=1).add(np.tile([True, False], 100))
    tally, later = Tally(places=3), Tally(places=3)
    tally.add(runs[:2])
    later.add(runs[2:])
    tally.join(later)
    assert (tally.count, tally.frames, tally.first) == (100, 100, [(0, 1), (2, 3), (4, 5)])
