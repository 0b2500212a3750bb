"""Items out of the source's own files."""

from __future__ import annotations

import fnmatch

import pytest

from airflow_media_provider.catalog.glob import literal_part
from airflow_media_provider.errors import SelectionError

from .conftest import graph_of

SONGS = [
    "a",
    "b c",
    "jazz/1",
    "jazz/live/2",
    "rock/1",
    "rock/10",
    "rock/2",
    "rock/live/1",
    "rock/[x]",
    "rockabilly",
]


@pytest.fixture(autouse=True)
def songs(store):
    for song in SONGS:
        store.write(f"memory://songs/{song}.ogg", b"")
    store.write("memory://songs/rock/cover.jpg", b"")
    store.write("memory://songs/rock/.ogg", b"")
    store.write("memory://songs/.ogg", b"")
    store.write("memory://elsewhere/rock/9.ogg", b"")


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        ("rock/", ["rock/.ogg", "rock/1", "rock/10", "rock/2", "rock/[x]", "rock/live/1"]),
        ("rock/1", ["rock/1", "rock/10"]),
        ("rock", ["rock/.ogg", "rock/1", "rock/10", "rock/2", "rock/[x]", "rock/live/1", "rockabilly"]),
        ("b ", ["b c"]),
        ("  jazz/ ", ["jazz/1", "jazz/live/2"]),
        ("memory://songs/jazz", ["jazz/1", "jazz/live/2"]),
        ("memory://songs/jazz/1.ogg", ["jazz/1"]),
        ("*", ["a", "b c", "rockabilly"]),
        ("rock/?", ["rock/1", "rock/2"]),
        ("rock/*", ["rock/1", "rock/10", "rock/2", "rock/[x]"]),
        ("rock/*.ogg", ["rock/1", "rock/10", "rock/2", "rock/[x]"]),
        ("rock/**", ["rock/1", "rock/10", "rock/2", "rock/[x]", "rock/live/1"]),
        ("**/1", ["jazz/1", "rock/1", "rock/live/1"]),
        ("**/live/*", ["jazz/live/2", "rock/live/1"]),
        ("rock/[12]", ["rock/1", "rock/2"]),
        ("rock/[0-1]*", ["rock/1", "rock/10"]),
        ("rock/[!1]", ["rock/2"]),
        ("rock/[[]*", ["rock/[x]"]),
        ("*/*", ["jazz/1", "rock/1", "rock/10", "rock/2", "rock/[x]"]),
        ("memory://songs/*/1.ogg", ["jazz/1", "rock/1"]),
        ("memory://**/1.ogg", ["jazz/1", "rock/1", "rock/live/1"]),
        ("memory://songs/rock/*", ["rock/1", "rock/10", "rock/2", "rock/[x]"]),
    ],
)
def test_a_prefix_or_glob_selects(read, prefix, wanted):
    wanted = [name for name in wanted if name != "rock/.ogg"]
    assert [i for i in read(prefix=prefix).items.to_pylist() if i != "rock/"] == wanted


@pytest.mark.parametrize("prefix", ["memory://songs/", "memory://songs", "memory://", "**"])
def test_a_prefix_around_the_source_selects_all_of_it(read, prefix):
    selection = read(prefix=prefix)
    assert selection.items.to_pylist() == sorted(SONGS)
    assert [r.where for r in selection.rejected] == ["memory://songs/rock/.ogg"]


def test_the_limit_keeps_the_first(read):
    assert read(prefix="rock/1", limit=1).items.to_pylist() == ["rock/1"]


def test_a_file_whose_name_is_no_id_is_rejected_with_its_uri(read, store):
    store.write("memory://songs/rock/a\nb.ogg", b"")
    selection = read(prefix="rock/")
    assert ("rock/a\nb", "memory://songs/rock/a\nb.ogg") in [(r.value, r.where) for r in selection.rejected]


@pytest.mark.parametrize("prefix", ["memory://elsewhere/", "/songs/", "gs://b/*", "memory://elsewhere/*.ogg"])
def test_a_prefix_outside_the_source_is_an_error(read, prefix):
    with pytest.raises(SelectionError, match=r"lies outside the source 'memory://songs/\{item\}\.ogg'"):
        read(prefix=prefix)


def test_a_prefix_that_fits_no_file_is_an_error_that_counts_the_others(read):
    with pytest.raises(SelectionError, match=r"prefix none: no file of the source .* fits$"):
        read(prefix="none")
    with pytest.raises(SelectionError, match="fits; 1 other files are there"):
        read(prefix="rock/cover")


@pytest.mark.parametrize("source", ["file://{}/songs/{{item}}.wav", "{}/songs/{{item}}.wav"])
def test_local_files_may_be_named_as_paths_or_uris(read, tmp_path, source):
    for name in ("a/1", "a/2", "b/1"):
        (tmp_path / "songs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "songs" / f"{name}.wav").touch()
    graph = graph_of(source.format(tmp_path))
    for prefix in ("a/", f"{tmp_path}/songs/a", f"file://{tmp_path}/songs/a/", f"{tmp_path}/songs/a/*.wav"):
        assert read(graph, prefix=prefix).items.to_pylist() == ["a/1", "a/2"], prefix
    assert len(read(graph, prefix=str(tmp_path)).items) == 3


def test_characters_with_a_meaning_in_patterns_are_themselves(read, store):
    names = ["a+b (1) #2 & ~x$", "a+b (1) #2 & ~x$/é^|{2}", "aab"]
    for name in names:
        store.write(f"memory://songs.d/{name}.o.g", b"")
    graph = graph_of("memory://songs.d/{item}.o.g")
    assert read(graph, prefix="a+b (1) #2 & ~x$*").items.to_pylist() == names[:1]
    assert read(graph, prefix="a+b (1) #2 & ~x$/é^|{2*").items.to_pylist() == names[1:2]


@pytest.mark.parametrize("glob", ["a[", "a]", "a[]", "a[!", "plain"])
def test_a_bracket_that_opens_no_set_is_itself(glob):
    assert literal_part(glob) == glob


def test_sets_agree_with_the_shells(read, store):
    for code in range(0x20, 0x7F):
        if chr(code) not in "/.":
            store.write(f"memory://songs/set/{chr(code)}.ogg", b"")
    for glob in ("[a-c]", "[!a-c]", "[]x]", "[!]x]", "[a-]", "[*?]", "[z-a]x", "[\\]", "[^a]", "[+--]"):
        names = [chr(code) for code in range(0x20, 0x7F) if chr(code) not in "/."]
        wanted = sorted(name for name in names if fnmatch.fnmatchcase(name, glob))
        if wanted:
            found = [i.removeprefix("set/") for i in read(prefix=f"set/{glob}").items.to_pylist()]
            assert found == wanted, glob
        else:
            with pytest.raises(SelectionError):
                read(prefix=f"set/{glob}")
