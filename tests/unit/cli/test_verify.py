"""``verify`` on the command line."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from airflow_media_provider.runs.verify import registry as checks
from airflow_media_provider.runs.verify.finding import Finding


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The worker has tests of its own."""
    monkeypatch.setattr(
        checks, "check_worker", lambda graph, python: iter([Finding(what=f"worker {python}", state="ok")])
    )


def test_faults_are_told_with_what_mends_them(media):
    said = media("verify", "-o", "json")
    found = {entry["what"]: entry for entry in json.loads(said.out)}
    fault = found[f"root file://{media.folder}/artifacts/: folder".replace("file://", "")]
    assert said.code == 1
    assert (fault["state"], fault["fix"]) == (
        "missing",
        f"airflow media verify --create, or: mkdir -p {media.folder}/artifacts/",
    )
    assert "4 checks, 1 fault" in said.err
    assert f"worker {sys.executable}" in found


def test_what_was_made_is_usable_from_then_on(media):
    said = media("verify", "--create")
    assert (said.code, "created" in said.out) == (0, True)
    said = media("verify", "--python", "/some/python", "-o", "plain")
    assert (said.code, "created" in said.out) == (0, False)
    assert "worker /some/python" in said.out


def test_nothing_is_made_that_was_not_asked_for(media):
    shutil.rmtree(media.folder / "songs")
    said = media("verify")
    assert said.code == 1
    assert sorted(path.name for path in media.folder.iterdir()) == ["registry.yaml"]


def test_a_registry_with_faults_is_an_error(media):
    media.registry.write_text("version: 1\n")
    assert media("verify").code == 2


def test_a_subscription_by_its_short_name_is_refused_with_how_a_full_one_looks(media):
    said = media("verify", "--subscription", "nope")
    assert said.code == 2
    assert said.err == (
        "error: --subscription: 'nope' is no full name; write projects/PROJECT/subscriptions/SUBSCRIPTION\n"
    )
