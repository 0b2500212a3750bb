"""``publish`` on the command line, as far as that goes without a topic."""

from __future__ import annotations


def test_a_topic_by_its_short_name_is_refused_with_how_a_full_one_looks(media):
    said = media("publish", "rock/a", "--topic", "nope")
    assert said.code == 2
    assert said.err == "error: --topic: 'nope' is no full name; write projects/PROJECT/topics/TOPIC\n"


def test_without_a_topic_it_is_said_where_one_is_written(media):
    said = media("publish", "rock/a")
    assert said.code == 2
    assert "no topic; give --topic projects/PROJECT/topics/TOPIC" in said.err
