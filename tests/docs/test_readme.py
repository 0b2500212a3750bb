"""What the README shows works as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_media_provider.registry.load import load_registry
from airflow_media_provider.registry.validate import validate_registry
from tests.integration.songs import make_songs

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
AIRFLOW = Path(sys.executable).with_name("airflow")


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, "" for those that name none."""
    fenced = page.read_text().split("```")[1::2]
    return [text for head, _, text in (block.partition("\n") for block in fenced) if head == language]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The README's files, with folders of this test for its ``/data``."""
    readme = PROJECT / "README.md"
    (registry,) = blocks(readme, "yaml")
    (tmp_path / "dags").mkdir()
    moved = registry.replace("/data/", f"{tmp_path}/data/")
    (tmp_path / "dags" / "media_jobs.yaml").write_text(moved)
    step = next(code for code in blocks(readme, "python") if "# my_team/steps.py" in code)
    (tmp_path / "my_team").mkdir()
    (tmp_path / "my_team" / "__init__.py").touch()
    (tmp_path / "my_team" / "steps.py").write_text(step)
    make_songs(tmp_path / "data" / "songs", ["rock/a", "rock/b"])
    return tmp_path


def run(workspace: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(workspace), "COLUMNS": "200", **more}
    return subprocess.run(
        command, cwd=workspace, env=env, capture_output=True, text=True, check=False, timeout=300
    )


def test_every_command_of_the_readme_ends_well(workspace):
    text = "\n".join(blocks(PROJECT / "README.md", ""))
    commands = re.findall(r"^airflow media .*$", text, re.MULTILINE)
    assert len(commands) >= 5
    for line in commands:
        words = shlex.split(line.partition("#")[0])
        done = run(workspace, str(AIRFLOW), *words[1:])
        assert done.returncode == 0, (line, done.stdout, done.stderr)


def test_the_step_of_the_readme_runs_beside_the_built_in_ones(workspace):
    request = ("--target", "speech", "--items", "rock/a", "--output", "json")
    done = run(workspace, str(AIRFLOW), "media", "run", "--registry", "dags/media_jobs.yaml", *request)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["jobs"]["speech"]["done"] == 1
    assert json.loads((workspace / "data/artifacts/custom/rock/a.json").read_text()) == {"speech": False}


def test_the_readme_names_the_two_commands_that_the_makefile_has():
    first = blocks(PROJECT / "README.md", "")[1]
    targets = re.findall(r"^make (\w+)", first, re.MULTILINE)
    assert targets == ["demo", "test"]
    makefile = (PROJECT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_registry_shown_has_no_faults(page, workspace, monkeypatch):
    monkeypatch.syspath_prepend(str(workspace))
    shown = [text for text in blocks(page, "yaml") if text.startswith("version:")]
    for number, text in enumerate(shown):
        path = workspace / f"shown{number}.yaml"
        path.write_text(text)
        assert validate_registry(path) == []
        overlays = ["cloud"] if "overlays:" in text else []
        for overlay in overlays:
            assert load_registry(str(path), overlay=overlay).root.startswith("gs://")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_example_can_be_compiled(page):
    for code in blocks(page, "python"):
        compile(code, page.name, "exec")


@pytest.mark.parametrize("page", [*PAGES, PROJECT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
