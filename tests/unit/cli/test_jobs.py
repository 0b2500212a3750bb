"""``jobs`` and ``validate``: the registry for people and for programs."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import yaml


def test_jobs_are_listed_parents_first(media):
    said = media("jobs", "-o", "json")
    rows = json.loads(said.out)
    assert [row["job"] for row in rows] == ["downsample", "loudness", "beat_tracking", "energy"]
    assert rows[-1] == {
        "job": "energy",
        "step": "energy",
        "needs": ["downsample", "beat_tracking"],
        "team": "a",
        "runner": "direct",
        "max_failed": 0.01,
    }
    assert yaml.safe_load(media("jobs", "-o", "yaml").out) == rows


@pytest.mark.parametrize("output", ["table", "plain"])
def test_jobs_are_listed_for_people(media, output):
    lines = media("jobs", "-o", output).out.splitlines()
    assert any("energy" in line and "downsample, beat_tracking" in line for line in lines)


def test_the_graph_as_text_shows_each_job_under_each_parent(media):
    assert media("jobs", "--graph", "text").out.splitlines() == [
        "source",
        "├─ downsample",
        "│  ├─ beat_tracking",
        "│  │  └─ energy",
        "│  └─ energy",
        "└─ loudness",
    ]


def test_the_graph_as_dot_has_every_arrow(media):
    text = media("jobs", "--graph", "dot").out
    assert text.startswith('digraph "registry" {')
    assert '"beat_tracking" -> "energy";' in text
    assert text.count("->") == 5
    if dot := shutil.which("dot"):
        subprocess.run([dot, "-Tsvg"], input=text.encode(), check=True, capture_output=True)


def test_a_sound_registry_is_valid(media):
    said = media("validate")
    assert (said.code, said.out) == (0, f"{media.registry}: no faults\n")
    assert json.loads(media("validate", "-o", "json").out) == []


def test_every_fault_is_told_with_file_and_line(media):
    text = media.registry.read_text()
    text = text.replace("step: loudness", "step: loudnes").replace("[downsample]", "[downsampel]")
    media.registry.write_text(text)
    said = media("validate", "-o", "json")
    assert said.code == 2
    assert [(row["file"], row["line"]) for row in json.loads(said.out)] == [
        (str(media.registry), 6),
        (str(media.registry), 8),
    ]
    lines = media("validate").out.splitlines()
    assert [line.startswith(f"{media.registry}:{n}: ") for n, line in zip((6, 8), lines, strict=True)]


def test_a_step_beside_the_registry_is_found(media, write_steps):
    write_steps("")
    assert media("validate").code == 0
