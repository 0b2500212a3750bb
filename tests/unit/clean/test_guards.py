"""What cleaning never touches, and how it ends when storage fails."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_media_provider.errors import StorageError
from airflow_media_provider.registry import media_registry
from airflow_media_provider.registry.recipe import recipe
from airflow_media_provider.runs.clean import delete_all, delete_found, find_old, find_old_runs, old_layouts
from airflow_media_provider.storage import Stores
from airflow_media_provider.storage.local import LocalStore
from airflow_media_provider.storage.memory import MemoryStore

OLD = "0123456789ab"
JOB = {"step": "loudness", "needs": ["source"]}


def graph(root: str, **outputs: str | None):
    jobs = {name: JOB | ({"output": output} if output else {}) for name, output in outputs.items()}
    return media_registry(root=root, source="/songs/{item}.ogg", jobs=jobs)


def array(*items: str) -> pa.LargeStringArray:
    return pa.array(sorted(items), pa.large_string())


def uris(found) -> list[str]:
    return [uri for old in found for uri in old.each()]


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("{root}/{job}/{item}.json", "has no {fingerprint}"),
        ("{root}/{job}/{item}-{fingerprint}.json", "in a folder before {item}"),
        ("{root}/{job}/{fingerprint}-{item}.json", "in a folder before {item}"),
        ("{root}/{fingerprint}/{fingerprint}/{item}.json", "in a folder before {item}"),
        ("/elsewhere/{job}/{fingerprint}/{item}.json", "lies outside the root"),
        ("{root}/../{job}/{fingerprint}/{item}.json", "lies outside the root"),
        ("{root}-two/{job}/{fingerprint}/{item}.json", "lies outside the root"),
        ("{root}/_intake/{fingerprint}/{item}.json", "among the root's own folders"),
    ],
)
def test_a_job_is_left_alone_whose_old_artifacts_cannot_be_told(output, why):
    layouts, refused = old_layouts(graph("/root", one=output), ["one"])
    assert not layouts
    assert why in refused["one"]


def test_two_jobs_in_the_same_folders_are_left_alone():
    same = "{root}/both/{fingerprint}/{item}"
    layouts, refused = old_layouts(graph("/root", one=same + ".json", two=same + ".txt"), ["one"])
    assert not layouts
    assert "shares its folders with 'two'" in refused["one"]


def test_a_job_named_like_another_s_folder_is_not_taken_for_it():
    store = MemoryStore()
    store.write(f"memory://r/a_{OLD}/{OLD}/x.json", b"")
    store.write(f"memory://r/a/{OLD}/x.json", b"")
    jobs = graph("memory://r", a=None, b="{root}/a_{fingerprint}/{item}{suffix}")
    layouts, _ = old_layouts(jobs, jobs.order)
    found = find_old(jobs, layouts, array("x"), Stores({"memory": lambda: store}))
    assert uris(found) == [f"memory://r/a/{OLD}/x.json"]


def test_what_is_current_for_another_job_stays():
    store = MemoryStore()
    jobs = graph("memory://r", a=None, b=f"{{root}}/a/{OLD}/{{fingerprint}}/{{item}}.json")
    current = recipe(jobs, "b").address
    folder = current.prefix.removesuffix("/").rpartition("/")[2]
    store.write(current.of("x"), b"")
    store.write(f"memory://r/a/{OLD}/{folder}/y.txt", b"")
    layouts, _ = old_layouts(jobs, ["a"])
    chosen = array("x", f"{folder}/x", f"{folder}/y")
    found = find_old(jobs, layouts, chosen, Stores({"memory": lambda: store}))
    assert uris(found) == [f"memory://r/a/{OLD}/{folder}/y.txt"]


def test_the_source_s_own_files_stay():
    store = MemoryStore()
    source = f"memory://r/a/{OLD}/{{item}}.ogg"
    jobs = media_registry(root="memory://r", source=source, jobs={"a": JOB})
    store.write(f"memory://r/a/{OLD}/x.ogg", b"")
    layouts, _ = old_layouts(jobs, ["a"])
    assert not find_old(jobs, layouts, array("x"), Stores({"memory": lambda: store}))


@pytest.mark.parametrize("link", ["job", "fingerprint", "below"])
def test_a_link_never_leads_outside_of_the_root(tmp_path: Path, link: str):
    outside = tmp_path / "outside"
    real = outside / {"job": f"{OLD}/rock", "fingerprint": "rock", "below": "."}[link]
    real.mkdir(parents=True)
    (outside / "empty" / "folder").mkdir(parents=True)
    (real / "x.json").touch()
    at = tmp_path / "root" / {"job": "a", "fingerprint": f"a/{OLD}", "below": f"a/{OLD}/rock"}[link]
    at.parent.mkdir(parents=True)
    at.symlink_to(outside)
    jobs = graph(str(tmp_path / "root"), a=None)
    layouts, _ = old_layouts(jobs, ["a"])
    found = find_old(jobs, layouts, array("rock/x"), Stores())
    assert not uris(found)
    assert sum(old.behind_links for old in found) == 1
    delete_found(found, Stores())
    assert (real / "x.json").exists()
    assert (outside / "empty" / "folder").exists()


def test_empty_folders_of_an_old_fingerprint_go_and_no_other(tmp_path: Path):
    jobs = graph(str(tmp_path), a=None)
    for name in (f"a/{OLD}/rock/x.json", f"a/{OLD}/pop/y.json"):
        LocalStore().write(f"{tmp_path}/{name}", b"")
    (tmp_path / "a" / "fedcba987654").mkdir()
    layouts, _ = old_layouts(jobs, ["a"])
    delete_found(find_old(jobs, layouts, array("rock/x"), Stores()), Stores())
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ["a", f"a/{OLD}", f"a/{OLD}/pop", f"a/{OLD}/pop/y.json", "a/fedcba987654"]


def test_only_artifacts_older_than_an_instant_are_found(tmp_path: Path):
    jobs = graph(str(tmp_path), a=None)
    for name, age in (("x", 10.0), ("y", 1000.0)):
        LocalStore().write(f"{tmp_path}/a/{OLD}/{name}.json", b"")
        os.utime(tmp_path / "a" / OLD / f"{name}.json", (age, age))
    layouts, _ = old_layouts(jobs, ["a"])
    found = find_old(jobs, layouts, array("x", "y"), Stores(), before=1000.0)
    assert uris(found) == [f"{tmp_path}/a/{OLD}/x.json"]


class Failing(MemoryStore):
    """Fails as a storage does that is away for a moment, or for good.

    :param times: how often each object cannot be deleted.
    """

    def __init__(self, times: int, cause: Exception) -> None:
        super().__init__()
        self.times = times
        self.cause = cause
        self.tries: dict[str, int] = {}

    def delete(self, uri: str) -> None:
        self.tries[uri] = self.tries.get(uri, 0) + 1
        if self.tries[uri] <= self.times:
            raise StorageError(f"{uri}: refused") from self.cause
        super().delete(uri)

    def list_objects(self, prefix: str, *, start: str = "", end: str = ""):
        yield from super().list_objects(prefix, start=start, end=end)
        if "fedcba" in prefix:
            raise StorageError(f"{prefix}: cut off")


def test_a_removal_that_fails_for_a_moment_is_tried_again():
    store = Failing(2, ConnectionError())
    store.write("memory://r/x", b"")
    assert delete_all(["memory://r/x"], store).count == 1
    assert not store.exists("memory://r/x")


def test_a_removal_that_is_denied_is_told_and_not_tried_again():
    store = Failing(9, PermissionError())
    done = delete_all(["memory://r/x"], store)
    assert (done.count, done.failed, done.errors) == (0, 1, ["memory://r/x: refused"])
    assert store.tries == {"memory://r/x": 1}


def test_a_storage_that_refuses_everything_is_not_asked_for_millions():
    store = Failing(9, PermissionError())
    done = delete_all((f"memory://r/{n}" for n in range(5000)), store)
    assert done.stopped
    assert len(store.tries) < 2000


def test_nothing_is_known_when_a_listing_breaks_off():
    store = Failing(0, OSError())
    for fingerprint in (OLD, "fedcba987654"):
        store.write(f"memory://r/a/{fingerprint}/x.json", b"")
    jobs = graph("memory://r", a=None)
    layouts, _ = old_layouts(jobs, ["a"])
    with pytest.raises(StorageError, match="cut off"):
        find_old(jobs, layouts, array("x"), Stores({"memory": lambda: store}))
    assert not store.tries


def test_a_run_is_old_when_nothing_was_written_in_it_lately(tmp_path: Path):
    for name, age in (
        ("_runs/old/plan.json", 10),
        ("_runs/old/jobs/a/report/part-0.jsonl", 20),
        ("_runs/goes_on/plan.json", 10),
        ("_runs/goes_on/jobs/a/report/part-0.jsonl", 2000),
        ("_runs/loose.json", 10),
        ("_runs2/other/plan.json", 10),
        ("a/0123456789ab/x.json", 10),
    ):
        LocalStore().write(f"{tmp_path}/{name}", b"12")
        os.utime(tmp_path / name, (age, age))
    (run,) = find_old_runs(str(tmp_path), Stores(), before=1000)
    assert (run.run, run.bytes, len(run.uris)) == ("old", 4, 2)
    assert delete_found([run], Stores()).count == 2
    assert not (tmp_path / "_runs" / "old").exists()
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 5
