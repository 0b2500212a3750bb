"""What is made here is told from what is uploaded."""

from __future__ import annotations

import pytest

from beam_jobs.contract.ours import is_made_here, made_here

PLACES = made_here("gs://b/media", ["downsample", "energy"], ["gs://b/media/custom/{item}.json"])


@pytest.mark.parametrize(
    ("uri", "ours"),
    [
        ("gs://b/media/energy/f/a.json", True),
        ("gs://b/media/energy2/f/a.json", False),
        ("gs://b/media/custom/a/b.json", True),
        ("gs://b/media/custom/a.ogg", False),
        ("gs://b/media/_streams/s/state.json", True),
        ("gs://b/media/_runs/r/plan.json", True),
        ("gs://b/media/_intake/s/batches/b.jsonl", True),
        ("gs://b/media/songs/a.ogg", False),
        ("gs://b/songs/.tmp-1-a.ogg", True),
        ("gs://b/songs/a.ogg", False),
    ],
)
def test_an_object_is_ours_by_where_it_lies(uri, ours):
    assert is_made_here(uri, PLACES) is ours


def test_a_root_may_be_a_plain_path():
    assert is_made_here("file:///data/media/energy/a.json", made_here("/data/media/", ["energy"]))
