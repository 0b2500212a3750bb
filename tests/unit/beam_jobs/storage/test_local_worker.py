"""Artifacts on a local disk: whole or not there, and nobody's is overwritten."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from google.api_core.exceptions import Forbidden, RetryError, ServiceUnavailable

from beam_jobs.contract.errors import StorageError
from beam_jobs.storage import local
from beam_jobs.storage.local import LocalStore
from beam_jobs.storage.refusal import explain
from beam_jobs.storage.retry import is_transient, with_retries
from beam_jobs.storage.store import Scratch, store_for


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    monkeypatch.setattr(local, "_swept", set())
    return LocalStore()


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _publish(store: LocalStore, path: Path, content: str, *, replace: bool = False) -> bool:
    with store.draft(str(path), path.suffix) as draft:
        draft.write_text(content)
        return store.publish(draft, f"file://{path}", replace=replace)


def test_what_is_published_is_there_and_its_draft_is_gone(store: LocalStore, tmp_path: Path) -> None:
    path = tmp_path / "a/b/c.json"
    assert store.look(str(path)) is None
    assert _publish(store, path, "one")
    found = store.look(f"file://{path}")
    assert found is not None
    assert found.size == 3
    assert [entry.name for entry in path.parent.iterdir()] == ["c.json"]


def test_an_object_that_exists_is_kept_unless_it_shall_be_replaced(store: LocalStore, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert _publish(store, path, "one")
    assert not _publish(store, path, "two")
    assert path.read_text() == "one"
    assert _publish(store, path, "three", replace=True)
    assert path.read_text() == "three"


def test_what_is_removed_is_gone_and_what_is_not_there_is_no_error(store: LocalStore, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    _publish(store, path, "one")
    for uri in (f"file://{path}", str(path), str(path / "below"), str(tmp_path / "no" / "such")):
        store.remove(uri)
        assert store.look(str(path)) is None


@pytest.mark.parametrize("links", [True, False])
def test_of_many_writers_at_once_one_wins_and_the_object_is_whole(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def refuse(*_: object) -> None:
            raise OSError(errno.EPERM, "no hard links here")

        monkeypatch.setattr(os, "link", refuse)
    path, barrier, won = tmp_path / "a.json", threading.Barrier(8), []

    def write(number: int) -> None:
        barrier.wait()
        if _publish(store, path, str(number) * 1000):
            won.append(str(number) * 1000)

    threads = [threading.Thread(daemon=True, target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in won
    assert _names(tmp_path) == {"a.json"}
    if links:
        assert len(won) == 1


def test_an_error_leaves_nothing(store: LocalStore, tmp_path: Path) -> None:
    def work() -> None:
        with store.draft(str(tmp_path / "a.json"), ".json") as draft:
            draft.write_text("half")
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        work()
    assert _names(tmp_path) == set()


def test_drafts_of_the_dead_are_swept_and_those_of_the_living_are_not(
    store: LocalStore, tmp_path: Path
) -> None:
    script = (
        "import sys, time\nfrom beam_jobs.storage.local import LocalStore\n"
        "context = LocalStore().draft(sys.argv[1], '.json')\ncontext.__enter__().write_text('half')\n"
        "print(flush=True)\nsys.stdin.read()\n"
    )

    def start(name: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / name)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        return process

    alive, dead = start("alive"), start("dead")
    dead.kill()
    dead.communicate()
    theirs = tmp_path / ".tmp-another-machine-1-0.json"
    forgotten = tmp_path / ".tmp-feedbeef-1-0.json"
    for path, days in ((theirs, 0.5), (forgotten, 3)):
        path.touch()
        os.utime(path, (time.time() - days * 86400,) * 2)
    assert len(_names(tmp_path)) == 4
    _publish(store, tmp_path / "mine.json", "x")
    left = _names(tmp_path)
    assert {"mine.json", theirs.name} < left
    assert len(left) == 3
    assert any(f"-{alive.pid}-" in name for name in left)
    alive.communicate(input="")


def test_a_folder_or_a_file_in_the_way_is_named(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="folder"):
        store.look(str(tmp_path / "folder"))
    assert store.look(str(tmp_path / "file" / "below")) is None
    with pytest.raises(OSError, match="file") as caught, store.draft(str(tmp_path / "file/below"), ".x"):
        pass
    assert caught.value.errno in (errno.EEXIST, errno.ENOTDIR)


def test_scratch_goes_with_all_that_is_in_it() -> None:
    with Scratch() as scratch:
        path = scratch.new_file(".ogg")
        path.write_text("x")
        assert path.suffix == ".ogg"
        assert scratch.new_file(".ogg") != path
    assert not path.parent.exists()


def test_each_scheme_has_its_store() -> None:
    assert type(store_for("/a")).__name__ == type(store_for("file:///a")).__name__ == "LocalStore"
    assert type(store_for("gs://b/a")).__name__ == "GcsStore"


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectionResetError(), True), (TimeoutError(), True), (OSError(errno.EIO, "io"), True),
        (OSError(errno.ENOSPC, "full"), False), (PermissionError(), False), (FileNotFoundError(), False),
        (ValueError(), False), (RetryError("for minutes", ServiceUnavailable("away")), True),
        (RetryError("for minutes", Forbidden("no")), False),
    ],
)  # fmt: skip
def test_only_what_may_pass_is_tried_again(error: Exception, again: bool) -> None:
    assert is_transient(error) is again
    calls = []

    def action() -> str:
        calls.append(1)
        if len(calls) == 1:
            raise error
        return "done"

    if again:
        assert with_retries(action, attempts=2) == "done"
    else:
        with pytest.raises(type(error)):
            with_retries(action, attempts=2)
        assert len(calls) == 1


def test_the_last_error_comes_out_when_nothing_helps() -> None:
    calls = []

    def action() -> None:
        calls.append(1)
        raise ConnectionResetError(f"time {len(calls)}")

    with pytest.raises(ConnectionResetError, match="time 2"):
        with_retries(action, attempts=2)


def test_a_refusal_says_what_to_do() -> None:
    assert "free space and run again" in explain(OSError(errno.ENOSPC, "No space left on device", "/a"))
    assert explain(OSError(errno.EIO, "odd")) == str(OSError(errno.EIO, "odd"))
