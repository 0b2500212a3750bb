from __future__ import annotations

import re

import pytest

from airflow_media_provider.errors import LaunchError
from airflow_media_provider.registry.model import Job, RunnerConfig
from airflow_media_provider.runners import RUNNERS, is_remote, pipeline_options
from airflow_media_provider.runners.job_name import label, remote_job_name

CLOUD = {"project": "p", "region": "europe-west1", "temp_location": "gs://b/tmp"}


def job(runner: str, **options: object) -> Job:
    return Job(
        name="beat_tracking",
        step="beat_tracking",
        needs=("source",),
        team="Team A!",
        runner=RunnerConfig(name=runner, options=options),
    )


def test_a_retry_of_the_same_job_in_the_same_run_has_the_same_name():
    first = pipeline_options(job("dataflow", **CLOUD), "scheduled__2026-01-01T00:00:00+00:00")
    again = pipeline_options(job("dataflow", **CLOUD), "scheduled__2026-01-01T00:00:00+00:00")
    other = pipeline_options(job("dataflow", **CLOUD), "scheduled__2026-01-02T00:00:00+00:00")
    assert first["job_name"] == again["job_name"] != other["job_name"]


@pytest.mark.parametrize("run_id", ["a", "RUN:1+2", "ü" * 300, "-", "x" * 300, "9"])
@pytest.mark.parametrize("name", ["downsample", "_x", "J" * 200])
def test_a_remote_job_name_is_one_that_dataflow_takes(name, run_id):
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", remote_job_name(name, run_id))


def test_run_ids_that_look_alike_once_cleaned_have_different_names():
    assert remote_job_name("j", "a:b") != remote_job_name("j", "a-b")


def test_dataflow_says_every_option_that_is_missing_and_where_to_write_it():
    with pytest.raises(LaunchError, match=r"'beat_tracking'.*region, temp_location.*runner\.options"):
        pipeline_options(job("dataflow", project="p"), "r")


@pytest.mark.parametrize("labels", [{"cost": "x"}, ["cost=x"], "cost=x"])
def test_own_labels_are_kept_beside_those_of_job_run_and_team(labels):
    made = pipeline_options(job("dataflow", labels=labels, **CLOUD), "run:1")["labels"]
    assert made == ["cost=x", "media-job=beat_tracking", "media-run=run-1", "media-team=team-a"]


@pytest.mark.parametrize("text", ["Team A!", "é" * 100, "x" * 100])
def test_a_label_is_one_that_google_cloud_takes(text):
    assert re.fullmatch(r"[-_a-z0-9]{0,63}", label(text))


def test_only_the_direct_runner_is_not_remote():
    assert [name for name in RUNNERS if not is_remote(job(name))] == ["direct"]


def test_the_portable_runner_needs_a_job_service():
    with pytest.raises(LaunchError, match="job_endpoint"):
        pipeline_options(job("portable"), "r")


def test_options_of_the_registry_win():
    assert pipeline_options(job("flink", parallelism=4), "r")["parallelism"] == 4
    assert pipeline_options(job("dataflow", job_name="mine", **CLOUD), "r")["job_name"] == "mine"
