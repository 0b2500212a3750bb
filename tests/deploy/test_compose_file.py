"""The production-like stack: no engine runs in the tests, so its file and its commands are checked."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.airflow_env import COMPONENTS, INIT_COMMAND

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "docker-compose.airflow.yml"


def compose_command() -> list[str] | None:
    """Return the Compose that is on this machine: the plugin, else the older program of its own."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, "version"], capture_output=True, check=False)
            if done.returncode == 0:
                return command
    return None


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text())


def test_compose_itself_accepts_the_file() -> None:
    command = compose_command()
    if command is None:
        pytest.skip("neither 'docker compose' nor 'docker-compose' is on this machine")
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [*command, "-f", str(FILE), "config"], capture_output=True, text=True, check=False, env=known
    )
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) >= set(COMPONENTS)


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_starts_with_the_command_that_the_tests_run(stack: dict[str, Any], name: str) -> None:
    assert tuple(stack["services"][name]["command"]) == COMPONENTS[name]


def test_the_database_is_prepared_with_the_command_that_the_tests_run(stack: dict[str, Any]) -> None:
    assert tuple(stack["services"]["init"]["command"]) == INIT_COMMAND


def test_every_service_that_keeps_running_says_how_it_feels(stack: dict[str, Any]) -> None:
    silent = [name for name, service in stack["services"].items() if "healthcheck" not in service]
    assert silent == ["init"]


def test_every_component_waits_for_the_database_to_be_ready(stack: dict[str, Any]) -> None:
    services = stack["services"]
    assert services["init"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in COMPONENTS:
        assert services[name]["depends_on"]["init"]["condition"] == "service_completed_successfully"


def test_nothing_is_published_beyond_this_machine(stack: dict[str, Any]) -> None:
    published = [port for service in stack["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_is_mounted_and_copied_exists() -> None:
    copied = [line.split()[1:-1] for line in dockerfile_lines() if line.startswith("COPY ")]
    for source in (source for sources in copied for source in sources):
        assert (PROJECT / source).exists(), source


def test_the_image_lets_in_all_that_it_copies() -> None:
    allowed = {
        line[1:]
        for line in (PROJECT / "docker/Dockerfile.dockerignore").read_text().split("\n")
        if line[:1] == "!"
    }
    copied = {
        source
        for line in dockerfile_lines()
        if line.startswith("COPY ")
        for source in shlex.split(line)[1:-1]
    }
    assert copied == allowed


def dockerfile_lines() -> list[str]:
    return (PROJECT / "docker/Dockerfile").read_text().splitlines()
