"""What only a file system can do to a store."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import pytest

from airflow_media_provider.errors import StorageError
from airflow_media_provider.storage import Stores, local_listing
from airflow_media_provider.storage.local import LocalStore


def listed(prefix: object) -> list[str]:
    return sorted(uri for batch in LocalStore().list_uris(str(prefix)) for uri in batch)


def test_a_folder_that_vanishes_during_a_listing_is_left_out(tmp_path, monkeypatch):
    for name in ("gone", "kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("x")
    scandir = os.scandir

    def vanish(path: str):
        gone = tmp_path / "gone"
        if path == f"{gone}/":
            (gone / "a").unlink()
            gone.rmdir()
        return scandir(path)

    monkeypatch.setattr(local_listing.os, "scandir", vanish)
    assert listed(f"{tmp_path}/") == [f"{tmp_path}/kept/a"]


def test_a_file_that_vanishes_during_a_listing_is_left_out_of_sizes(tmp_path, monkeypatch):
    (tmp_path / "gone").write_text("x")
    (tmp_path / "kept").write_text("xy")
    walk = local_listing.walk

    def vanish(*args: str):
        for found in walk(*args):
            (tmp_path / "gone").unlink()
            yield found

    monkeypatch.setattr("airflow_media_provider.storage.local.walk", vanish)
    infos = [info for batch in LocalStore().list_objects(f"{tmp_path}/") for info in batch]
    assert [(info.uri, info.size) for info in infos] == [(f"{tmp_path}/kept", 2)]


def test_links_are_followed_and_circles_of_links_end(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (real / "a").write_text("x")
    base = tmp_path / "base"
    base.mkdir()
    (base / "link").symlink_to(real)
    (base / "file").symlink_to(real / "a")
    (base / "broken").symlink_to(tmp_path / "nowhere")
    (base / "self").symlink_to(base)
    (base / "up").symlink_to(tmp_path)
    (real / "back").symlink_to(base)
    assert listed(f"{base}/") == [f"{base}/file", f"{base}/link/a"]


def test_two_links_that_lead_to_each_other_end(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "c").write_text("x")
    assert listed(f"{tmp_path}/") == [f"{tmp_path}/c"]


def test_only_files_are_listed(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty folder").mkdir()
    (tmp_path / "a").write_text("x")
    assert listed(f"{tmp_path}/") == [f"{tmp_path}/a"]


def test_a_name_that_is_not_utf8_is_left_out_with_a_warning(tmp_path, caplog):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.ogg")).write_text("x")
    (tmp_path / "a.ogg").write_text("x")
    with caplog.at_level(logging.WARNING):
        assert listed(f"{tmp_path}/") == [f"{tmp_path}/a.ogg"]
    assert "\\xff.ogg" in caplog.text


def test_folders_outside_the_bounds_are_not_read(tmp_path, monkeypatch):
    for number in range(20):
        (tmp_path / f"{number:02d}").mkdir()
        (tmp_path / f"{number:02d}" / "a").write_text("x")
    read: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(local_listing.os, "scandir", lambda path: read.append(path) or scandir(path))
    batches = LocalStore().list_uris(f"{tmp_path}/", start=f"{tmp_path}/07", end=f"{tmp_path}/09/z")
    assert {uri for batch in batches for uri in batch} == {f"{tmp_path}/{n}/a" for n in ("07", "08", "09")}
    assert len(read) == 4


def test_more_files_than_a_batch_come_in_several(tmp_path, monkeypatch):
    monkeypatch.setattr(local_listing, "BATCH", 10)
    monkeypatch.setattr("airflow_media_provider.storage.local.BATCH", 10)
    for number in range(35):
        (tmp_path / f"{number}").touch()
    batches = list(LocalStore().list_uris(f"{tmp_path}/"))
    assert max(map(len, batches)) < 20
    assert len(batches) > 1
    found = [uri for batch in batches for uri in batch]
    assert sorted(found) == sorted(f"{tmp_path}/{n}" for n in range(35))


def test_a_relative_prefix_is_listed_from_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "a").touch()
    assert listed("songs/") == ["songs/a"]
    assert listed("son") == ["songs/a"]


def test_a_failed_write_leaves_neither_object_nor_temporary_file(tmp_path):
    class Broken:
        def read(self, _size: int = -1) -> bytes:
            raise OSError(errno.ENOSPC, "No space left on device")

    for method in (LocalStore().write, LocalStore().create):
        with pytest.raises(StorageError, match=r"a\.bin: No space left on device"):
            method(str(tmp_path / "a.bin"), Broken())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_is_an_error_and_not_an_object(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(StorageError, match="/a: "):
        LocalStore().create(str(tmp_path / "a"), b"x")
    with pytest.raises(StorageError, match="/a: "):
        LocalStore().write(str(tmp_path / "a"), b"x")
    with pytest.raises(StorageError, match="/a: "):
        LocalStore().read(str(tmp_path / "a"))


def test_a_file_where_a_folder_should_be_is_an_error(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(StorageError, match="/a/b: "):
        LocalStore().write(str(tmp_path / "a" / "b"), b"x")
    assert listed(tmp_path / "a/") == [str(tmp_path / "a")]
    assert not LocalStore().exists(str(tmp_path / "a" / "b"))


def test_a_read_only_root_refuses_with_the_objects_name():
    # /proc refuses writes to everyone, root included, as a read-only mount does.
    with pytest.raises(StorageError, match="/proc/songs/a: "):
        LocalStore().write("/proc/songs/a", b"x")
    with pytest.raises(StorageError, match="/proc/songs/a: "):
        LocalStore().create("file:///proc/songs/a", b"x")


def test_a_folder_that_may_not_be_read_is_an_error_and_not_an_empty_listing(tmp_path, monkeypatch):
    def refuse(path: str):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(local_listing.os, "scandir", refuse)
    with pytest.raises(StorageError, match="Permission denied"):
        listed(f"{tmp_path}/")


@pytest.mark.parametrize("uri", ["file://songs/a", "file://localhost/songs/a"])
def test_a_file_uri_with_too_few_slashes_is_an_error(uri):
    with pytest.raises(StorageError, match="file://"):
        LocalStore().exists(uri)


def test_a_name_too_long_for_the_file_system_does_not_exist_and_cannot_be_written(tmp_path):
    assert not LocalStore().exists(f"{tmp_path}/{'x' * 300}")
    with pytest.raises(StorageError, match="too long"):
        LocalStore().write(f"{tmp_path}/{'x' * 300}", b"x")


def test_a_nul_in_a_name_is_a_storage_error():
    with pytest.raises(StorageError, match="NUL"):
        LocalStore().exists("/a\0b")


def test_stores_gives_each_scheme_its_store_and_names_the_known_ones():
    stores = Stores()
    assert stores.for_uri("/a") is stores.for_uri("file:///b")
    assert stores.for_uri("memory://a/b") is stores.for_uri("memory://c")
    with pytest.raises(StorageError, match=r"x9://bucket/a: no store serves x9://; .*file://, gs://.*s3://"):
        stores.for_uri("x9://bucket/a")


def test_stores_takes_a_callers_own_store():
    mine = LocalStore()
    assert Stores({"gs": lambda: mine}).for_uri("gs://bucket/a") is mine
