"""Items given with the request, and what holds for every source alike."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_media_provider.errors import SelectionError

from .conftest import graph_of, rejected


def test_items_come_sorted_by_code_point_and_once(read):
    selection = read(items=["b", "a", "é", "B", "日", "b", "🎵", "a/1", "a", "a"])
    assert selection.items.to_pylist() == ["B", "a", "a/1", "b", "é", "日", "🎵"]
    assert selection.items.type == pa.large_string()
    assert selection.duplicates == 3
    assert selection.rejected == ()


def test_space_around_items_and_blank_items_are_dropped(read):
    assert read(items=["  a b \n", "", " \t", "c\r\n"]).items.to_pylist() == ["a b", "c"]


def test_odd_but_sound_ids_are_items(read):
    odd = [
        "100%2F200",
        "a b",
        "Björk/Jóga",
        "..a",
        "a..",
        "...",
        ".hidden",
        "a.b/c.d",
        "x" * 200,
        "[1]",
        "#1",
        "a:b",
    ]
    selection = read(items=odd)
    assert selection.items.to_pylist() == sorted(odd)
    assert selection.rejected == ()


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("../up", "path segment '..'"),
        ("a/../b", "path segment '..'"),
        ("./a", "path segment '.'"),
        ("a//b", "path segment ''"),
        ("a/", "path segment ''"),
        ("a\nb", "control character '\\n'"),
        ("a\tb", "control character '\\t'"),
        ("a\x00b", "control character '\\x00'"),
        ("a\x85b", "control character '\\x85'"),
        ("x" * 201, "longer than 200 bytes"),
        ("é" * 101, "longer than 200 bytes"),
        ("/".join(["x" * 100] * 10), "1009 bytes long"),
    ],
)
def test_an_id_that_cannot_be_a_path_is_rejected_and_the_others_stay(read, bad, why):
    selection = read(items=["good", bad, "fine"])
    assert selection.items.to_pylist() == ["fine", "good"]
    ((found,),) = [selection.rejected]
    assert found.value == bad[:1000] + ("…" if len(bad) > 1000 else "")
    assert found.where == "item 2 of the list"
    assert why in found.why


def test_what_is_no_text_or_no_unicode_is_rejected_and_can_be_stored(read):
    selection = read(items=["a", 5, None, "half \ud83c", "b"])
    assert selection.items.to_pylist() == ["a", "b"]
    assert [r.where for r in selection.rejected] == [f"item {n} of the list" for n in (2, 3, 4)]
    assert "".join(r.value for r in selection.rejected).encode()


class TestFilesOfTheSource:
    def test_uris_of_the_source_are_cut_down_to_ids(self, read):
        selection = read(items=["memory://songs/rock/a.ogg", "memory://songs/b c.ogg", "rock/a"])
        assert selection.items.to_pylist() == ["b c", "rock/a"]
        assert selection.duplicates == 1

    @pytest.mark.parametrize("source", ["file:///data/songs/{item}.ogg", "/data/songs/{item}.ogg"])
    def test_a_local_file_may_be_a_path_or_a_uri_whatever_the_registry_has(self, read, source):
        selection = read(graph_of(source), items=["/data/songs/a.ogg", "file:///data/songs/b/c.ogg", "d"])
        assert selection.items.to_pylist() == ["a", "b/c", "d"]

    def test_a_source_without_suffix_keeps_whole_names(self, read):
        assert read(graph_of("gs://b/{item}"), items=["gs://b/a.ogg"]).items.to_pylist() == ["a.ogg"]

    def test_characters_with_a_meaning_in_patterns_are_themselves(self, read):
        graph = graph_of("gs://b/so+ngs (1)/x-{item}.o[g]g")
        selection = read(graph, items=["gs://b/so+ngs (1)/x-a.o[g]g", "gs://b/soongs (1)/x-a.o[g]g"])
        assert selection.items.to_pylist() == ["a"]
        assert len(selection.rejected) == 1

    @pytest.mark.parametrize(
        "uri",
        [
            "memory://other/a.ogg",
            "memory://songs/a.mp3",
            "/songs/a.ogg",
            "memory://songs/.ogg",
            "s3://x",
            "://",
        ],
    )
    def test_another_file_is_rejected_with_the_template(self, read, uri):
        ((value, why),) = rejected(read(items=[uri, "good"]))
        assert value == uri
        assert "'memory://songs/{item}.ogg'" in why

    def test_a_file_of_the_source_whose_id_is_unsound_is_rejected(self, read):
        ((value, why),) = rejected(read(items=["memory://songs/../a.ogg"]))
        assert value == "memory://songs/../a.ogg"
        assert "'..'" in why


class TestWhatIsAsked:
    def test_nothing_named_is_an_error(self, read):
        names = "items, items_uri, prefix, items_query"
        with pytest.raises(SelectionError, match=f"{names}; given: none of them"):
            read()

    def test_two_things_named_are_an_error(self, read):
        with pytest.raises(SelectionError, match="given: items and prefix"):
            read(items=["a"], prefix="b")

    @pytest.mark.parametrize("items", [[], [""], [" ", "\n"]])
    def test_an_empty_list_is_an_error(self, read, items):
        with pytest.raises(SelectionError, match="there is not one item"):
            read(items=items)

    def test_a_list_of_which_all_is_rejected_is_no_error(self, read):
        selection = read(items=["..", "../x"])
        assert len(selection.items) == 0
        assert len(selection.rejected) == 2

    def test_the_limit_keeps_the_first_items_and_counts_the_rest(self, read):
        selection = read(items=["c", "b", "a", "a", ".."], limit=2)
        assert selection.items.to_pylist() == ["a", "b"]
        assert (selection.left_out, selection.duplicates, len(selection.rejected)) == (1, 1, 1)
        assert read(items=["a"], limit=5).left_out == 0

    def test_a_limit_below_one_is_an_error(self, read):
        with pytest.raises(SelectionError, match="limit 0"):
            read(items=["a"], limit=0)


def test_more_wrong_rows_than_a_real_list_has_are_an_error_with_the_first(read, monkeypatch):
    monkeypatch.setattr("airflow_media_provider.catalog.collect.MAX_REJECTED", 3)
    with pytest.raises(
        SelectionError, match=r"more than 3 rows cannot be items; the first, '\.\.' at item 2"
    ):
        read(items=["a"] + [".."] * 4)
    assert len(read(items=["a"] + [".."] * 3).rejected) == 3
