"""What every store must do alike."""

from __future__ import annotations

import io
import threading
import time

import pytest

from airflow_media_provider.errors import ObjectNotFound, StorageError

ODD_NAMES = [
    "a b/c d.txt",
    "100%2F200.txt",
    "Björk/Jóga.flac",
    "日本/東京 🎵.ogg",
    "e\u0301 and \u00e9.wav",
    "plus+and&amp;?query#hash.mp3",
    "[live] {take} *2*.ogg",
    "back\\slash.wav",
    "quote'\"s.wav",
    "-dash",
    ".hidden",
    "dots...inside..txt",
]


def test_what_was_written_is_read_back(place):
    place.store.write(place / "a/b.bin", b"\x00\xff")
    assert place.store.read(place / "a/b.bin") == b"\x00\xff"
    with place.store.open(place / "a/b.bin") as file:
        assert file.read(1) == b"\x00"
        file.seek(0)
        assert file.read() == b"\x00\xff"


def test_an_empty_object_is_an_object(place):
    place.store.write(place / "empty", b"")
    assert place.store.exists(place / "empty")
    assert place.store.read(place / "empty") == b""
    assert place.names() == ["empty"]


def test_content_may_come_from_a_stream_or_a_file(place, tmp_path_factory):
    content = b"song" * 100_000
    file = tmp_path_factory.mktemp("content") / "local"
    file.write_bytes(content)
    place.store.write(place / "stream", io.BytesIO(content))
    place.store.write(place / "file", file)
    assert place.store.create(place / "created", io.BytesIO(content))
    assert place.store.create(place / "created too", file)
    for name in ("stream", "file", "created", "created too"):
        assert place.store.read(place / name) == content


def test_write_replaces_what_was_there(place):
    place.store.write(place / "a", b"a long old content")
    place.store.write(place / "a", b"new")
    assert place.store.read(place / "a") == b"new"


def test_create_leaves_alone_what_was_there(place):
    assert place.store.create(place / "a", b"first") is True
    assert place.store.create(place / "a", b"second") is False
    assert place.store.read(place / "a") == b"first"


def test_one_of_many_who_create_the_same_object_wins(place):
    start = threading.Barrier(8)
    won: list[int] = []

    def race(number: int) -> None:
        start.wait()
        if place.store.create(place / "prize", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(daemon=True, target=race, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert place.store.read(place / "prize") == str(won[0]).encode()
    assert place.names() == ["prize"]


def test_a_reader_never_sees_a_part_of_a_replaced_object(place):
    old, new = b"o" * 300_000, b"n" * 300_000
    place.store.write(place / "a", old)
    stop = threading.Event()
    torn: list[bytes] = []

    def read() -> None:
        while not stop.is_set():
            seen = place.store.read(place / "a")
            if seen not in (old, new):
                torn.append(seen)

    reader = threading.Thread(daemon=True, target=read)
    reader.start()
    for _ in range(15):
        place.store.write(place / "a", new)
        place.store.write(place / "a", old)
    stop.set()
    reader.join()
    assert torn == []


def test_a_deleted_object_is_gone_and_deleting_it_again_is_no_error(place):
    place.put("a", "b")
    place.store.delete(place / "a")
    place.store.delete(place / "a")
    assert not place.store.exists(place / "a")
    assert place.names() == ["b"]


@pytest.mark.parametrize("method", ["read", "open"])
def test_a_missing_object_is_an_error_that_names_it(place, method):
    with pytest.raises(ObjectNotFound) as error:
        getattr(place.store, method)(place / "no/such")
    assert place / "no/such" in str(error.value)
    assert isinstance(error.value, StorageError)


def test_a_folder_is_no_object(place):
    place.put("folder/a")
    assert not place.store.exists(place / "folder")
    assert not place.store.exists(place / "folder/")


def test_nothing_under_a_prefix_is_an_empty_listing(place):
    place.put("a")
    assert place.names("no/such/") == []
    assert place.names("a/b") == []
    assert list(place.store.list_objects(place / "zzz")) == []


def test_a_prefix_need_not_end_at_a_folder(place):
    place.put("song", "songs/1", "songs/2/3", "son", "sonata/x", "tune")
    assert place.names("song") == ["song", "songs/1", "songs/2/3"]
    assert place.names("songs/") == ["songs/1", "songs/2/3"]
    assert place.names("songs/2") == ["songs/2/3"]
    assert place.names("son") == ["son", "sonata/x", "song", "songs/1", "songs/2/3"]


def test_bounds_are_included_and_compared_by_code_point(place):
    names = ["A", "a-", "a/1", "a/2/deep/x", "a/2/deep/y", "a0", "b/1", "é", "日", "🎵"]
    place.put(*names)
    ordered = sorted(names)
    assert ordered == sorted(names, key=str.encode), "code points order like their UTF-8 bytes"
    for start in ["", *ordered, "a/", "a/2", "a/2/deep/", "a/2/deep/x0", "a/3"]:
        for end in ["", *ordered, "a/2", "a/2/deep", "a/2/deep/x0", "ab"]:
            wanted = [n for n in ordered if n >= start and (not end or n <= end)]
            assert place.names("", start, end) == wanted, (start, end)


def test_bounds_may_lie_outside_the_prefix(place):
    place.put("a/1", "b/1", "b/2", "c/1")
    assert place.names("b/", start="a/0", end="z") == ["b/1", "b/2"]
    assert place.names("b/", start="a", end="a/9") == []
    assert place.names("b/", start="c") == []
    assert place.names("b/", start="b/2", end="c") == ["b/2"]


def test_odd_names_are_kept_to_the_letter(place):
    names = ODD_NAMES
    if place.base.startswith("abfs://"):  # that service would take it for a slash
        names = [name for name in names if "\\" not in name]
        with pytest.raises(StorageError, match="backslash"):
            place.store.write(place / "back\\slash.wav", b"x")
    for name in names:
        place.store.write(place / name, name.encode())
    assert place.names() == sorted(names)
    for name in names:
        assert place.store.exists(place / name), name
        assert place.store.read(place / name) == name.encode()
        assert place.names(name) == [name]
    assert not place.store.exists(place / "100/200.txt")


def test_a_listing_with_sizes_shows_the_same_objects(place):
    before = time.time() - 5
    place.store.write(place / "a/1", b"12345")
    place.store.write(place / "b", b"")
    place.store.write(place / "a/.tmp-9", b"x")
    infos = {info.uri: info for batch in place.store.list_objects(place.base) for info in batch}
    assert set(infos) == {place / "a/1", place / "b"}
    assert infos[place / "a/1"].size == 5
    assert infos[place / "b"].size == 0
    assert before < infos[place / "b"].updated < time.time() + 5
    bounded = [i.uri for batch in place.store.list_objects(place.base, start=place / "b") for i in batch]
    assert bounded == [place / "b"]


def test_listings_leave_out_objects_that_are_being_written(place):
    place.put("a/.tmp-123", ".tmp-abc", "a/.tmpfile", "a/tmp-1", ".tmp-folder/x")
    assert place.names() == [".tmp-folder/x", "a/.tmpfile", "a/tmp-1"]
    assert place.names(".tmp-a") == []


def test_a_listing_in_several_batches_has_everything_once(place, monkeypatch):
    for module in ("store", "local", "local_listing"):
        monkeypatch.setattr(f"airflow_media_provider.storage.{module}.BATCH", 20)
    names = [f"{n % 7}/{n:05d}" for n in range(70)]
    place.put(*names)
    assert len(list(place.store.list_objects(place.base))) > 1
    assert place.names() == sorted(names)
