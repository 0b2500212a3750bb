"""What a stream is told of the registry."""

from __future__ import annotations

from airflow_media_provider.registry import media_registry
from airflow_media_provider.runs.layout import RUNS_FOLDER
from airflow_media_provider.runs.stream_spec import STREAMS_FOLDER, stream_spec
from beam_jobs.contract.ours import OWN_FOLDERS, is_made_here

JOBS = {
    "downsample": {"step": "downsample", "needs": ["source"]},
    "loudness": {"step": "loudness", "needs": ["downsample"], "output": "{root}/own/{item}.loud.json"},
    "others": {"step": "not_installed.steps:speech", "needs": ["source"]},
}


def test_a_stream_knows_what_every_team_makes_so_that_none_of_it_becomes_work():
    graph = media_registry(root="gs://b/media", source="gs://b/{item}", jobs=JOBS)
    ours = stream_spec(graph, "downsample", subscription="projects/p/subscriptions/s").ours
    places = ("downsample/f/a", "others/f/a", "own/a.loud.json", "_streams/s/state.json", "_runs/r/x")
    assert [place for place in places if not is_made_here(f"gs://b/media/{place}", ours)] == []
    assert not is_made_here("gs://b/media/own/a.ogg", ours)


def test_the_folders_that_are_no_uploads_are_those_that_are_written():
    from airflow_media_provider.intake.layout import INTAKE_FOLDER

    assert {INTAKE_FOLDER, RUNS_FOLDER, STREAMS_FOLDER} == set(OWN_FOLDERS)


def test_a_stream_knows_the_names_of_all_jobs_so_that_a_mistyped_one_is_none():
    graph = media_registry(root="gs://b/media", source="gs://b/{item}", jobs=JOBS)
    spec = stream_spec(graph, "downsample", subscription="projects/p/subscriptions/s")
    assert sorted(spec.jobs) == sorted(JOBS)
