"""What jobs on other machines are told: options, images, servers."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from airflow_media_provider.runs.verify.image import Image, check_image
from airflow_media_provider.runs.verify.registry import _runners
from airflow_media_provider.runs.verify.runner import check_server
from tests.peers.images import DIGEST, image_registry

LOGIN = ("oauth2accesstoken", "secret")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("gcr.io/p/worker", "https://gcr.io/v2/p/worker/manifests/latest"),
        ("europe-docker.pkg.dev/p/r/w:2", "https://europe-docker.pkg.dev/v2/p/r/w/manifests/2"),
        ("host:5000/w@sha256:00", "https://host:5000/v2/w/manifests/sha256:00"),
        ("host:5000/w:1@sha256:00", "https://host:5000/v2/w/manifests/sha256:00"),
        ("localhost/w:1", "http://localhost/v2/w/manifests/1"),
        ("apache/beam_python3.11_sdk:2.77.0",
         "https://registry-1.docker.io/v2/apache/beam_python3.11_sdk/manifests/2.77.0"),
        ("python:3.11", "https://registry-1.docker.io/v2/library/python/manifests/3.11"),
    ],
)  # fmt: skip
def test_a_name_leads_to_its_manifest(name, url):
    assert Image.parse(name).url == url


@pytest.mark.parametrize("basic", [False, True], ids=["token", "password"])
@pytest.mark.parametrize("login", [None, LOGIN], ids=["open", "closed"])
def test_an_image_that_is_there_is_found(nobody, login, basic):
    with image_registry("team/worker:1", login=login, basic=basic) as host:
        peers = replace(nobody, image_login=lambda asked: LOGIN if asked == host else None)
        found = check_image("sdk_container_image", f"{host}/team/worker:1", peers)
    assert (found.state, found.detail) == ("ok", DIGEST)


def test_an_image_that_was_not_pushed_is_told(nobody):
    with image_registry("team/worker:1") as host:
        fault = check_image("sdk_container_image", f"{host}/team/worker:2", nobody)
    assert fault.state == "missing"
    assert fault.fix.startswith(f"push it: docker push {host}/team/worker:2")


@pytest.mark.parametrize("basic", [False, True], ids=["token", "password"])
def test_an_image_that_may_not_be_read_is_told(nobody, basic):
    with image_registry("team/worker:1", login=LOGIN, basic=basic) as host:
        fault = check_image("sdk_container_image", f"{host}/team/worker:1", nobody)
    assert fault.state == "denied"
    assert f"docker login {host}" in fault.fix


def test_a_registry_that_does_not_answer_is_told(nobody):
    fault = check_image("sdk_container_image", "127.0.0.1:9/team/worker:1", nobody)
    assert (fault.state, fault.detail.partition(" (")[0]) == ("unreachable", "127.0.0.1:9 does not answer")


def runner(graph, name="dataflow", root="gs://b/art", source="gs://b/songs/{item}.ogg", **options):
    return graph(root, source, {"runner": {"name": name, "options": options}})


def test_what_dataflow_lacks_is_told(graph, nobody):
    found = list(_runners(runner(graph, region="r"), nobody))
    assert found[0].state == "missing"
    assert "needs project, temp_location" in found[0].detail
    assert found[1].fix == "write sdk_container_image (or requirements_file) under runner.options"


def test_a_place_that_its_workers_cannot_see_is_told(graph, nobody):
    told = {"project": "p", "region": "r", "temp_location": "gs://b/tmp", "requirements_file": "r.txt"}
    found = list(_runners(runner(graph, root="/data", source="/songs/{item}.ogg", **told), nobody))
    assert [f.fix for f in found if not f.usable] == ["put the root on gs://", "put the source on gs://"]


def test_an_image_of_many_jobs_is_asked_for_once(graph, nobody):
    with image_registry("w:1") as host:
        told = {"project": "p", "region": "r", "temp_location": "gs://b/tmp"}
        jobs = runner(graph, **told, sdk_container_image=f"{host}/w:1")
        other = replace(jobs.jobs["downsample"], name="other")
        jobs = replace(jobs, jobs={**jobs.jobs, "other": other})
        found = list(_runners(jobs, nobody))
    assert all(f.usable for f in found)
    assert len([f for f in found if f.what.startswith("sdk_container_image")]) == 1


def test_a_job_server_is_called(graph, nobody):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert all(f.usable for f in _runners(runner(graph, "portable", job_endpoint=address), nobody))
    fault = list(_runners(runner(graph, "portable", job_endpoint=address), nobody))[-1]
    assert (fault.what, fault.state) == (f"job_endpoint {address}", "unreachable")
    assert not list(_runners(runner(graph, "flink", flink_master="[local]"), nobody))[1:]
    assert check_server("flink_master", "nowhere").state == "wrong"
