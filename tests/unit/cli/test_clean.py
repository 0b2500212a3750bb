"""``clean`` on the command line."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import pytest

OLD = "0123456789ab"


@pytest.fixture
def old(media):
    """Put an artifact of another recipe where a job would have."""

    def old(name: str, *, days: float = 0, size: int = 3) -> Path:
        path = media.folder / "artifacts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        when = path.stat().st_mtime - days * 86400
        os.utime(path, (when, when))
        return path

    return old


def test_what_would_go_is_shown_and_stays(media, old):
    path = old(f"downsample/{OLD}/rock/a.wav")
    said = media("clean", "-p", "rock/", "-o", "json")
    assert said.code == 0
    assert json.loads(said.out) == {
        "dry_run": True,
        "selected": 2,
        "refused": {},
        "old": [{"job": "downsample", "fingerprint": OLD, "artifacts": 1, "bytes": 3}],
        "removed": 0,
        "failed": 0,
    }
    assert "nothing was removed" in said.err
    assert path.exists()


def test_yes_removes_it_and_keeps_what_is_current(media, old):
    media.make("downsample", "rock/a")
    path, other = old(f"downsample/{OLD}/rock/a.flac"), old(f"downsample/{OLD}/rock/b.flac")
    said = media("clean", "-i", "rock/a", "--yes")
    assert (said.code, path.exists(), other.exists()) == (0, False, True)
    assert "1 objects removed" in said.err
    status = json.loads(media("status", "-i", "rock/a", "-o", "json").out)
    assert status["jobs"]["downsample"]["present"] == 1


def test_only_the_jobs_that_are_named_are_cleaned(media, old):
    one, two = old(f"downsample/{OLD}/rock/a.flac"), old(f"loudness/{OLD}/rock/a.json")
    media("clean", "-p", "rock/", "--job", "loudness", "--yes")
    assert (one.exists(), two.exists()) == (True, False)


def test_artifacts_of_jobs_that_are_no_more_stay(media, old):
    path = old(f"speechiness/{OLD}/rock/a.json")
    assert media("clean", "-p", "rock/", "--yes").code == 0
    assert path.exists()


def test_young_artifacts_stay_when_only_old_ones_are_to_go(media, old):
    young, aged = old(f"downsample/{OLD}/rock/a.flac", days=2), old(f"loudness/{OLD}/rock/a.json", days=40)
    media("clean", "-p", "rock/", "--older-than-days", "30", "--yes")
    assert (young.exists(), aged.exists()) == (True, False)


def test_a_job_with_an_address_of_its_own_is_named_and_left_alone(media, old):
    text = media.registry.read_text()
    own = '{step: loudness, needs: [source], output: "{root}/l/{item}.json"}'
    media.registry.write_text(text.replace("{step: loudness, needs: [source]}", own))
    said = media("clean", "-p", "rock/")
    assert said.code == 0
    assert "not cleaned: job 'loudness': its output" in said.err
    said = media("clean", "-p", "rock/", "-j", "loudness")
    assert said.code == 2
    assert said.err.startswith("error: job 'loudness' cannot be cleaned: its output")


def test_what_another_overlay_uses_stays(media, old):
    media.make("downsample", "rock/a")
    stereo = "overlays:\n  stereo: {jobs: {downsample: {params: {channels: 2}}}}\n"
    broken = "  cloud: {root: '${NO_SUCH_VARIABLE}'}\n"
    media.registry.write_text(media.registry.read_text() + stereo + broken)
    path = old(f"downsample/{OLD}/rock/a.flac")
    said = media("clean", "-p", "rock/", "--overlay", "stereo", "--yes", "-o", "json")
    assert json.loads(said.out)["removed"] == 1
    assert not path.exists()
    assert "overlay 'cloud' cannot be read, so what it uses is not spared" in said.err
    status = json.loads(media("status", "-i", "rock/a", "-o", "json").out)
    assert status["jobs"]["downsample"]["present"] == 1


def test_old_runs_go_when_asked_for(media, old):
    media("run", "-p", "rock/", "--dry-run")
    aged = old("_runs/long-ago/plan.json", days=100)
    said = media("clean", "--runs", "--older-than-days", "90", "-o", "json")
    assert json.loads(said.out)["runs"] == [{"run": "long-ago", "files": 1, "bytes": 3}]
    assert aged.exists()
    assert media("clean", "--runs", "--older-than-days", "90", "--yes").code == 0
    assert not aged.exists()
    assert len(list((media.folder / "artifacts" / "_runs").iterdir())) == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--runs",), "--runs needs --older-than-days"),
        (("--runs", "--older-than-days", "1", "-p", "rock/"), "leave out --prefix"),
        ((), "give exactly one of items, items_uri, prefix"),
        (("-p", "", "--yes"), "--prefix '': is empty; give '**' for every file of the source"),
        (("-p", "rock/", "-j", "loudnes"), "did you mean 'loudness'?"),
    ],
)
def test_what_makes_no_sense_is_refused(media, words, why):
    said = media("clean", *words)
    assert said.code == 2
    assert why in said.err


def test_items_whose_sources_are_gone_are_cleaned_by_name_and_a_prefix_says_so(media, old):
    path = old(f"downsample/{OLD}/jazz/gone.flac")
    said = media("clean", "-p", "jazz/", "--yes")
    assert (said.code, path.exists()) == (2, True)
    assert "name those whose files are gone with --items or --items-uri" in said.err
    assert media("clean", "-i", "jazz/gone", "--yes").code == 0
    assert not path.exists()


def test_the_command_lines_of_the_docs_do_what_they_say(media, old, monkeypatch):
    page = Path(__file__).resolve().parents[3] / "docs" / "verify_and_clean.md"
    lines = re.findall(r"^airflow media (clean .*)$", page.read_text(), re.MULTILINE)
    assert len(lines) >= 4
    monkeypatch.chdir(media.folder)
    Path("songs.txt").write_text("rock/a\n")
    media.registry.rename("media_jobs.yaml")
    path = old(f"loudness/{OLD}/rock/b.json", days=100)
    for line in lines:
        said = media(*shlex.split(line, comments=True), registry="")
        assert said.code == 0, (line, said.err)
    assert not path.exists()


def test_a_storage_that_will_not_let_go_ends_with_a_code_of_its_own(media, old, monkeypatch):
    from airflow_media_provider.errors import StorageError
    from airflow_media_provider.storage.local import LocalStore

    def refuse(self, uri):
        raise StorageError(f"{uri}: Permission denied") from PermissionError()

    monkeypatch.setattr(LocalStore, "delete", refuse)
    old(f"downsample/{OLD}/rock/a.flac")
    said = media("clean", "-p", "rock/", "--yes")
    assert said.code == 1
    assert "rock/a.flac: Permission denied" in said.err
