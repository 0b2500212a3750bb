"""Where a registry's jobs make what must not be taken for an upload."""

from __future__ import annotations

import pytest

from airflow_media_provider.registry import media_registry
from airflow_media_provider.registry import ours as asked
from airflow_media_provider.registry.ours import ours
from beam_jobs.contract.ours import is_made_here


def graph_of(output: str, *, step: str = "loudness", source: str = "gs://b/songs/{item}"):
    job = {"step": step, "needs": ["source"], "output": output, "team": "a"}
    return media_registry(root="gs://b/media", source=source, jobs={"loudness": job})


AMONG = {
    "a folder": ("gs://b/songs/derived/{item}.json", "derived/x.json"),
    "a suffix alone": ("gs://b/songs/{item}.loud.json", "x.loud.json"),
    "the step's suffix": ("gs://b/songs/{team}/{job}/{item}{suffix}", "a/loudness/x.json"),
}


@pytest.mark.parametrize("what", AMONG)
def test_an_artifact_among_the_sources_files_is_ours_and_a_song_beside_it_is_not(what):
    output, name = AMONG[what]
    places = ours(graph_of(output))
    assert is_made_here(f"gs://b/songs/{name}", places)
    assert not is_made_here("gs://b/songs/derived/x.ogg", places)


def test_so_is_one_in_a_bucket_whose_every_object_is_a_source():
    places = ours(graph_of("gs://b/own/{fingerprint}/{item}.json", source="gs://b/{item}"))
    (template,) = (place for place in places if "{item}" in place)
    assert is_made_here(template.replace("{item}", "x"), places)


def test_paths_of_this_machine_are_compared_as_the_uris_that_they_are():
    jobs = {"loudness": {"step": "loudness", "needs": ["source"], "output": "/data/songs/own/{item}.json"}}
    graph = media_registry(root="/data/media", source="file:///data/songs/{item}", jobs=jobs)
    assert is_made_here("file:///data/songs/own/x.json", ours(graph))


def test_what_all_teams_make_is_known_also_where_a_step_is_not_installed():
    graph = graph_of("gs://b/songs/derived/{item}.json", step="not_installed.steps:loudness")
    assert is_made_here("gs://b/media/loudness/f/x", ours(graph))


def test_no_step_is_imported_for_artifacts_that_lie_nowhere_among_the_sources_files(monkeypatch):
    """A DAG file is read again and again."""
    monkeypatch.setattr(asked, "recipe", lambda graph, name: pytest.fail(f"{name} is imported"))
    assert ours(graph_of("gs://b/own/{item}{suffix}"))
    assert ours(graph_of("{root}/own/{fingerprint}/{item}{suffix}"))
