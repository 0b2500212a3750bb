"""``stream``: how one is, and what ends it; the one that serves is in tests/airflow."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("action", ["status", "drain", "stop"])
def test_only_a_start_needs_a_subscription(media, action):
    said = media("stream", action, "energy")
    assert (said.code, said.err) == (0, "")
    assert "absent" in said.out


def test_a_start_without_a_subscription_says_how_to_name_one(media):
    said = media("stream", "start", "energy")
    assert said.code == 2
    assert said.err.startswith("error: stream of 'energy': no subscription; give one")
