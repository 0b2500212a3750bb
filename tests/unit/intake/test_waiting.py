"""Which batches of others are announced, and how often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_media_provider.intake.batches import BatchStore, mark_planned
from airflow_media_provider.intake.layout import IntakeLayout
from airflow_media_provider.intake.sorting import Sorted
from airflow_media_provider.intake.waiting import EVERY, LATE, WaitingBatches
from airflow_media_provider.storage import Stores

START = datetime(2026, 1, 2, 3, tzinfo=UTC)
A_MOMENT = timedelta(seconds=1)


@pytest.fixture
def batches(tmp_path):
    return BatchStore(IntakeLayout.of(f"file://{tmp_path}", "projects/p/subscriptions/s"), Stores())


def write(batches, when, *, item="a"):
    return batches.save(Sorted(rows=[{"item": item, "message": item}], dead=[], ignored=0), [item], when)


def uris(found):
    return [batch.batch for batch in found]


def test_at_first_whatever_has_no_plan_is_announced_however_young(batches):
    old, young = write(batches, START - timedelta(days=3), item="a"), write(batches, START, item="b")
    planned = write(batches, START - timedelta(days=1), item="c")
    mark_planned([planned.batch], "plan", Stores())
    waiting = WaitingBatches(batches=batches)
    assert uris(waiting.look(START + A_MOMENT)) == [old.batch, young.batch]


def test_a_batch_that_was_written_after_the_first_look_is_announced_when_it_is_late(batches):
    waiting = WaitingBatches(batches=batches)
    assert waiting.look(START) == []
    late = write(batches, START + A_MOMENT)
    assert waiting.look(START + EVERY) == [], "a run may be on the way to its plan"
    found = waiting.look(START + LATE + EVERY)
    assert uris(found) == [late.batch]
    for batch in found:
        waiting.tell(batch)
    assert waiting.look(START + LATE + 2 * EVERY) == []


def test_what_was_announced_is_not_announced_again_however_long_its_run_is_queued(batches):
    waiting = WaitingBatches(batches=batches)
    own, now = write(batches, START), START
    waiting.look(now)
    waiting.tell(own)
    for _ in range(30):
        now += EVERY
        assert waiting.look(now) == []
    assert len(waiting._told) == 0, "what no look can find is forgotten"


def test_a_long_pause_leaves_no_gap(batches):
    waiting = WaitingBatches(batches=batches)
    waiting.look(START)
    late = write(batches, START + A_MOMENT)
    assert uris(waiting.look(START + timedelta(days=2))) == [late.batch]
