"""Addresses and ids: an id becomes a path as it stands, and comes back from it."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from beam_jobs.contract.address import Address, local_path, with_scheme
from beam_jobs.contract.errors import InvalidItemId, InvalidTemplate
from beam_jobs.contract.fingerprint import fingerprint
from beam_jobs.contract.item import check_item_id, item_id_fault

ADDRESS = Address.parse("{root}/{job}/{item}.json", root="file:///data", job="beats")


@given(st.text())
def test_an_id_that_is_accepted_names_one_file_below_the_root_and_comes_back(item: str) -> None:
    assume(item_id_fault(item) is None)
    uri = ADDRESS.of(item)
    path = local_path(uri)
    assert path is not None
    assert posixpath.normpath(path) == path
    assert path.startswith("/data/beats/")
    assert ADDRESS.item_of(uri) == item


@pytest.mark.parametrize(
    "item", ["a", "a b", "ä/音", "100%2Fone", "..a", "a..", "a/.b", "x" * 200, "'\"`$(x)"]
)
def test_odd_ids_are_ids(item: str) -> None:
    assert check_item_id(item) == item


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("", "is empty"), ("..", "'..'"), ("a/../b", "'..'"), ("./a", "'.'"), ("/a", "''"), ("a/", "''"),
        ("a//b", "''"), ("a\nb", "control character"), ("a\0b", "control character"),
        ("a\x85b", "control character"), ("\ud800", "not valid Unicode"), ("x" * 201, "segment longer"),
        ("/".join(["x" * 100] * 10), "bytes long"), ("音" * 67, "segment longer"),
    ],
)  # fmt: skip
def test_what_no_file_can_be_called_is_refused_with_the_reason(item: str, why: str) -> None:
    with pytest.raises(InvalidItemId, match=why):
        ADDRESS.of(item)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{root}/a.json", "exactly once"),
        ("{item}/{item}", "exactly once"),
        ("{root}/{itm}.json", r"unknown field \{itm\}; use \{item\}, \{root\}"),
        ("{item}/a.json", "last path segment"),
    ],
)
def test_a_template_that_names_no_file_per_item_is_refused(template: str, why: str) -> None:
    with pytest.raises(InvalidTemplate, match=why):
        Address.parse(template, root="/r")


def test_a_value_with_braces_is_not_filled_again() -> None:
    assert Address.parse("{root}/{item}.x", root="/r").template == "/r/{item}.x"


@pytest.mark.parametrize(
    "uri", ["file:///data/beats/.json", "file:///data/other/a.json", "file:///data/beats/a.x"]
)
def test_what_is_no_artifact_of_the_job_has_no_item(uri: str) -> None:
    assert ADDRESS.item_of(uri) is None


def test_uris_are_literal_paths() -> None:
    assert local_path("file:///a%20b/c") == "/a%20b/c"
    assert local_path("/a/b") == "/a/b"
    assert local_path("gs://bucket/a") is None
    assert with_scheme("/a") == "file:///a"
    assert with_scheme("gs://a/b") == "gs://a/b"


def test_the_fingerprint_changes_with_all_that_makes_the_artifact_and_with_nothing_else() -> None:
    def of(**changes: object) -> str:
        recipe = {"step": "s", "version": "1", "params": {"a": 1, "b": [2]}, "needs": {"audio": ""}}
        return fingerprint(**{**recipe, **changes})  # type: ignore[arg-type]

    first = of()
    assert len(first) == 12
    assert of(params={"b": [2], "a": 1}) == first
    changed = [
        of(step="t"), of(version="2"), of(params={"a": 2, "b": [2]}), of(params={"a": "1", "b": [2]}),
        of(needs={"audio": "x"}), of(needs={"sound": ""}),
    ]  # fmt: skip
    assert len({first, *changed}) == 7
