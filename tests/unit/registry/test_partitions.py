"""Which partitions there are, what a range of them names, and what is in each."""

# ruff: noqa: E501 - a table reads best with one case a line
from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_media_provider.errors import PlanError
from airflow_media_provider.registry.partitions import (
    MAX_KEY,
    Partitions,
    key_fault,
    parse_range,
    run_name,
    shard_of,
)
from airflow_media_provider.registry.snapshot import dump_graph, load_graph

from .conftest import HEAD

JOBS = "jobs: {a: {step: s, needs: [source]}}\n"
LETTERS = tuple("abcdef")
NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)

ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
keys = ids.filter(lambda text: key_fault(text) is None)


@pytest.mark.parametrize(
    ("partitions", "expected"),
    [
        (Partitions(by="hash", count=3), ("shard-000", "shard-001", "shard-002")),
        (Partitions(by="prefix", keys=("rock", "jazz")), ("rock", "jazz")),
        (Partitions(by="prefix"), None),
        (Partitions(by="date", start=date(2026, 2, 27)), ("2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02")),
        (Partitions(by="date", start=date(2025, 12, 15), step="month"), ("2025-12", "2026-01", "2026-02", "2026-03")),
        (Partitions(by="date", start=date(2026, 3, 3)), ()),
    ],
    ids=["hash", "named", "on storage", "days", "months", "none yet"],
)  # fmt: skip
def test_the_keys_follow_from_the_registry_and_the_day(partitions, expected):
    assert partitions.known_keys(NOW) == expected


def test_the_shards_of_a_big_count_sort_as_their_numbers():
    found = Partitions(by="hash", count=10_001).known_keys()
    assert found[-1] == "shard-10000"
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c", "c"), ("a..c", "abc"), ("e..", "ef"), ("..b", "ab"), ("..", "abcdef"), ("all", "abcdef"),
        ("a,c", "ac"), ("e..f, a", "aef"), ("a..c,b..d", "abcd"), (" a .. b ", "ab"), ("a..a", "a"),
    ],
)  # fmt: skip
def test_a_range_names_what_stands_between_its_ends(text, expected):
    assert "".join(parse_range(text, LETTERS)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("g", "no partition 'g' in the registry; there are 6: a to f"),
        ("c..a", "'c' comes after 'a'; write a..c"),
        ("", "names none"),
        (" , ", "names none"),
        ("a..x", "no partition 'x'"),
        ("x" * 251, "a key has 1 to 250 characters, this one 251"),
    ],
)
def test_a_range_that_names_nothing_says_why(text, message):
    with pytest.raises(PlanError, match=re.escape(message)):
        parse_range(text, LETTERS)


@pytest.mark.parametrize(
    ("step", "text", "message"),
    [
        ("day", "2025-12-30..", "no partition '2025-12-30' in the registry; partitions go from 2026-01-01 to {last}"),
        ("day", "2999-01-01", "no partition '2999-01-01' in the registry; partitions go from 2026-01-01 to {last}"),
        ("day", "2026-02-30", "no partition '2026-02-30' in the registry; it is no day; partitions go from"),
        ("day", "2026-01-13..2026-1-31", "no partition '2026-1-31' in the registry; it is no day; partitions go"),
        ("month", "2026-01-13", "no partition '2026-01-13' in the registry; it is no month; partitions go from 2026-01"),
    ],
)  # fmt: skip
def test_of_a_date_that_is_no_partition_it_is_told_from_when_to_when_they_go(step, text, message):
    keys = Partitions(by="date", step=step, start=date(2026, 1, 1)).known_keys(NOW)
    with pytest.raises(PlanError, match=re.escape(message.format(last=keys[-1]))):
        parse_range(text, keys)


def test_an_unknown_partition_names_the_nearest():
    with pytest.raises(PlanError, match="did you mean 'rock'"):
        parse_range("rokc", ("jazz", "rock"))
    with pytest.raises(PlanError, match="did you mean '2026-01-31'"):
        parse_range("2026-01-30", ("2026-01-01", "2026-01-31", "2026-02-02"))


def test_a_partition_called_all_is_that_partition():
    assert parse_range("all", ("a", "all")) == ("all",)


@pytest.mark.parametrize(
    ("partitions", "key", "expected"),
    [
        (Partitions(by="prefix", select="{partition}/"), "rock", {"prefix": "rock/"}),
        (Partitions(by="prefix", select="{partition}"), "a", {"prefix": "a"}),
        (Partitions(by="prefix", select="{partition}*/live/**"), "a*", {"prefix": "a[*]*/live/**"}),
        (Partitions(by="prefix", select="{partition}/"), "What?[1]", {"prefix": "What[?][[]1]/**"}),
        (Partitions(by="date", select="{partition:%Y/%m/%d}/"), "2026-01-31", {"prefix": "2026/01/31/"}),
        (Partitions(by="date", step="month", select="{partition:%Y}/{partition}/"), "2026-01", {"prefix": "2026/2026-01/"}),
        (Partitions(by="list", select_uri="gs://b/{partition}.txt"), "a*", {"items_uri": "gs://b/a*.txt"}),
        (Partitions(by="hash", count=2), "shard-001", {"prefix": "**"}),
    ],
)  # fmt: skip
def test_a_key_selects(partitions, key, expected):
    assert partitions.selection(key) == expected


def test_a_shard_is_the_same_everywhere_and_always():
    # Runs and reports of years are named after these numbers.
    assert {item: shard_of(item, 64) for item in ("a", "rock/b", "deep/b ü", "日本/曲")} == SHARDS
    code = "from airflow_media_provider.registry.partitions import shard_of; print(shard_of('日本/曲', 64))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == SHARDS["日本/曲"]


SHARDS = {"a": 47, "rock/b": 7, "deep/b ü": 32, "日本/曲": 37}


@given(item=ids, count=st.integers(1, 300))
def test_every_item_is_in_exactly_one_shard(item, count):
    partitions = Partitions(by="hash", count=count)
    assert sum(partitions.test(key)(item) for key in partitions.known_keys()) == 1


def test_shards_are_about_equal():
    counts = [0] * 16
    for number in range(16_000):
        counts[shard_of(f"rock/{number:08}", 16)] += 1
    assert min(counts) > 850
    assert max(counts) < 1150


@given(names=st.lists(keys, min_size=1, max_size=20, unique=True), data=st.data())
def test_any_key_can_be_named_alone_and_as_the_end_of_a_range(names, data):
    first = data.draw(st.integers(0, len(names) - 1))
    last = data.draw(st.integers(first, len(names) - 1))
    assert parse_range(f"{names[first]}..{names[last]}", names) == tuple(names[first : last + 1])
    assert parse_range(names[first], names) == (names[first],)


@given(one=keys, other=keys)
def test_a_run_is_named_after_its_key_and_after_no_other(one, other):
    name = run_name(one)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", name)
    assert ".." not in name
    assert (name == run_name(other)) == (one == other)


@pytest.mark.parametrize(
    "key", ["", " a", "a ", "a,b", "a..b", "/a", "gs://b", "a\nb", "a\x00", "x" * (MAX_KEY + 1)]
)
def test_what_cannot_be_a_key(key):
    assert key_fault(key)


FAULTS = {
    "{count: 4}": "key 'by' is missing",
    "{by: hash}": "by hash needs 'count'",
    "{by: hash, count: 0}": "count",
    "{by: hash, count: 4, keys: [a]}": "by hash takes count, not keys",
    "{by: hush, count: 4}": "'hush' is not known; write 'hash', 'prefix', 'date' or 'list'",
    "{by: date}": "by date needs 'start'",
    "{by: date, start: soon}": "start",
    "{by: date, start: 2026-01-01, step: week}": "'week' is not known",
    "{by: date, start: 2026-01-01, select: x/}": "'x/' names no slice; write {partition} where the key stands",
    "{by: prefix, select: '{partition:%Y}/'}": "only partitions by date have one",
    "{by: prefix, select: '{partition}/{item}'}": "has '{item}'; only {partition} is filled in",
    "{by: prefix, keys: [a, a]}": "key 'a' stands twice",
    "{by: prefix, keys: ['a..b']}": "a key has neither",
    "{by: prefix, keys: [a], keys_uri: k.txt}": "keys and keys_uri say the same thing twice",
    "{by: list}": "by list needs 'select_uri'",
    "{by: hash, cuont: 4}": "key 'cuont' is not known; did you mean 'count'?",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_is_told_at_its_line(faults, text):
    (fault,) = faults(HEAD + f"partitions: {text}\n" + JOBS)
    assert fault.startswith("4: ")
    assert FAULTS[text] in fault


def test_what_a_registry_leaves_out_is_filled_in_and_survives_a_plan(load):
    graph = load(HEAD + "partitions: {by: date, start: 2026-01-01, step: month}\n" + JOBS)
    assert graph.partitions == Partitions(
        by="date", start=date(2026, 1, 1), step="month", select="{partition:%Y/%m}/"
    )
    assert load_graph(dump_graph(graph)).partitions == graph.partitions


def test_a_relative_list_starts_at_the_registry(load, tmp_path):
    graph = load(HEAD + "partitions: {by: list, select_uri: 'lists/{partition}.txt'}\n" + JOBS)
    assert graph.partitions.select_uri == f"{tmp_path}/lists/{{partition}}.txt"
