"""What a registry file means."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_media_provider.errors import RegistryError
from airflow_media_provider.registry import load_registry
from airflow_media_provider.registry.model import RunnerConfig
from beam_jobs.contract.launch import Limits

from .conftest import HEAD

REFERENCE = Path(__file__).parents[2] / "data" / "registry.yaml"


def test_the_reference_graph_is_read():
    graph = load_registry(REFERENCE)
    assert graph.name == "registry"
    assert (graph.root, graph.source) == ("file:///data/artifacts", "file:///data/songs/{item}.ogg")
    assert set(graph.jobs) == {"downsample", "loudness", "beat_tracking", "energy", "spectral", "plots"}
    energy = graph.jobs["energy"]
    assert energy.needs == ("downsample", "beat_tracking")
    assert (energy.team, energy.max_failed, energy.step) == ("a", 0.01, "energy")
    assert graph.jobs["downsample"].params == {"sample_rate": 22050, "channels": 1, "format": "flac"}
    assert graph.jobs["spectral"].output == "{root}/custom/{item}.json"
    assert (energy.file, energy.line) == (str(REFERENCE), 8)


def test_everything_that_a_job_may_say_is_read(load):
    graph = load(
        HEAD
        + """
name: songs-2
jobs:
  full:
    step: "my_team.steps:speech"
    needs: {audio: source, beats: other}
    params: {deep: {list: [1, null]}, on: 1}
    team: a
    runner: {name: dataflow, options: {region: europe-west1}}
    resources: {timeout_s: 60, memory_mb: 512, concurrency: 3, attempts: 5}
    max_failed: 7
    output: "{root}/{team}/{job}/{item}{suffix}"
    force: true
    ping: true
    doc: What it is for.
  other: {step: beat_tracking, needs: [source], runner: flink}
"""
    )
    full = graph.jobs["full"]
    assert graph.name == "songs-2"
    assert full.needs == ("source", "other")
    assert full.inputs == {"audio": "source", "beats": "other"}
    assert full.params == {"deep": {"list": [1, None]}, "on": 1}
    assert full.runner == RunnerConfig(name="dataflow", options={"region": "europe-west1"})
    assert full.limits == Limits(timeout_s=60, memory_mb=512, attempts=5)
    assert full.concurrency == 3
    assert (full.max_failed, full.force, full.ping, full.doc) == (7, True, True, "What it is for.")
    assert graph.jobs["other"].runner.name == "flink"
    assert graph.jobs["other"].inputs is None


def test_defaults_hold_for_jobs_that_do_not_say_otherwise(load):
    graph = load(
        HEAD
        + """
defaults:
  team: platform
  max_failed: 0.1
  resources: {timeout_s: 60, attempts: 2}
  runner: {name: dataflow, options: {region: a, zone: z}}
jobs:
  plain: {step: s, needs: [source]}
  own: {step: s, needs: [source], team: b, max_failed: 0, resources: {timeout_s: 9}, runner: direct}
  more: {step: s, needs: [source], runner: {options: {region: b}}}
"""
    )
    plain, own, more = graph.jobs.values()
    assert (plain.team, plain.max_failed, plain.limits) == ("platform", 0.1, Limits(timeout_s=60, attempts=2))
    assert plain.runner == RunnerConfig(name="dataflow", options={"region": "a", "zone": "z"})
    assert (own.team, own.max_failed, own.limits) == ("b", 0, Limits(timeout_s=9, attempts=2))
    assert own.runner == RunnerConfig(name="direct"), "another runner has no use for these options"
    assert more.runner == RunnerConfig(name="dataflow", options={"region": "b", "zone": "z"})


def test_a_key_without_a_value_is_one_not_given(load):
    graph = load(HEAD + "defaults:\njobs:\n  a:\n    step: s\n    needs: [source]\n    params:\n    team:\n")
    assert graph.jobs["a"].params == {}


def test_words_that_yaml_takes_for_booleans_are_good_job_names(load):
    assert list(load(HEAD + "jobs: {on: {step: s, needs: [source]}, no: {step: s, needs: ['on']}}").jobs) == [
        "on",
        "no",
    ]


def test_dates_in_params_stay_text_because_params_travel_as_json(load):
    graph = load(HEAD + "jobs: {a: {step: s, needs: [source], params: {since: 2024-01-31}}}")
    assert graph.jobs["a"].params == {"since": "2024-01-31"}


def test_anchors_and_merge_keys_work(load):
    graph = load(
        HEAD
        + """
jobs:
  a: &base {step: s, needs: [source], team: x, max_failed: 3}
  b: {<<: *base, team: y}
"""
    )
    assert (graph.jobs["b"].team, graph.jobs["b"].max_failed, graph.jobs["b"].line) == ("y", 3, 7)


class TestPaths:
    def test_relative_paths_start_at_the_files_folder(self, write, tmp_path):
        jobs = "jobs: {a: {step: s, needs: [source]}}"
        text = f"version: 1\nroot: out/\nsource: {{uri: '../songs/{{item}}.wav'}}\n{jobs}"
        graph = load_registry(write(text))
        assert graph.root == f"{tmp_path}/out"
        assert graph.source == f"{tmp_path.parent}/songs/{{item}}.wav"

    def test_the_folder_does_not_depend_on_how_the_file_is_named(self, write, tmp_path, monkeypatch):
        write("version: 1\nroot: out\nsource: {uri: 'in/{item}.wav'}\njobs: {a: {step: s, needs: [source]}}")
        monkeypatch.chdir(tmp_path)
        assert load_registry("registry.yaml").root == f"{tmp_path}/out"
        assert load_registry(f"file://{tmp_path}/registry.yaml").root == f"{tmp_path}/out"

    def test_the_source_may_lie_under_the_root(self, load):
        graph = load(
            "version: 1\nroot: gs://b/media/\nsource: {uri: '{root}/in/{item}.ogg'}\n"
            "jobs: {a: {step: s, needs: [source]}}"
        )
        assert graph.root == "gs://b/media"
        assert graph.source == "{root}/in/{item}.ogg"

    def test_the_name_is_the_files_stem(self, write):
        text = HEAD + "jobs: {a: {step: s, needs: [source]}}"
        assert load_registry(write(text, "my songs.v2.yaml")).name == "my_songs.v2"


class TestEnvironment:
    TEXT = """
version: 1
root: ${MEDIA_ROOT:-/default}/artifacts
source: {uri: "${MEDIA_SONGS}/{item}.ogg"}
defaults: {runner: {options: {project: "${MEDIA_PROJECT:-none}"}}}
jobs:
  a: {step: s, needs: [source], params: {text: "${UNTOUCHED}"}, doc: "${UNTOUCHED}",
      runner: {options: {labels: ["$${literal}", "${MEDIA_PROJECT:-a:-b}"]}}}
"""

    def test_variables_are_filled_into_addresses_and_options_only(self, load, monkeypatch):
        monkeypatch.setenv("MEDIA_SONGS", "gs://songs")
        monkeypatch.delenv("MEDIA_ROOT", raising=False)
        graph = load(self.TEXT)
        assert (graph.root, graph.source) == ("/default/artifacts", "gs://songs/{item}.ogg")
        job = graph.jobs["a"]
        assert job.runner.options == {"project": "none", "labels": ["${literal}", "a:-b"]}
        assert job.params == {"text": "${UNTOUCHED}"}
        assert job.doc == "${UNTOUCHED}"

    def test_an_empty_variable_takes_the_default_like_in_a_shell(self, load, monkeypatch):
        monkeypatch.setenv("MEDIA_SONGS", "/songs")
        monkeypatch.setenv("MEDIA_ROOT", "")
        assert load(self.TEXT).root == "/default/artifacts"

    def test_a_missing_variable_is_a_fault_at_its_line(self, faults, monkeypatch):
        monkeypatch.delenv("MEDIA_SONGS", raising=False)
        (fault,) = [f for f in faults(self.TEXT) if "MEDIA_SONGS" in f and "environment" in f]
        assert fault.startswith("4: ")
        assert "write ${MEDIA_SONGS:-default}" in fault

    @pytest.mark.parametrize("bad", ["${1X}", "${}", "${OPEN", "${A B}"])
    def test_a_malformed_variable_is_a_fault(self, faults, bad):
        jobs = "jobs: {a: {step: s, needs: [source]}}"
        text = f"version: 1\nroot: '/x/{bad}'\nsource: {{uri: '/s/{{item}}.ogg'}}\n{jobs}"
        assert any(f.startswith("2: ") and "is no variable" in f for f in faults(text))


class TestOverlays:
    TEXT = (
        HEAD
        + """
jobs:
  a: {step: s, needs: [source], params: {rate: 1, keep: 2}, team: x}
  b: {step: s, needs: [a]}
overlays:
  prod:
    root: gs://bucket/artifacts
    jobs:
      a: {params: {rate: 9}, team: null, runner: {name: dataflow, options: {region: e}}}
      c: {step: s, needs: [b]}
"""
    )

    def test_an_overlay_in_the_file_is_laid_upon_it(self, load):
        graph = load(self.TEXT, overlay="prod")
        assert graph.root == "gs://bucket/artifacts"
        assert graph.jobs["a"].params == {"rate": 9, "keep": 2}
        assert graph.jobs["a"].team is None
        assert graph.jobs["a"].runner == RunnerConfig(name="dataflow", options={"region": "e"})
        assert list(graph.jobs) == ["a", "b", "c"]
        assert load(self.TEXT).root == "/data/artifacts"

    def test_an_overlay_may_be_a_file_beside_the_registry(self, load, write):
        write("version: 1\nroot: /else\njobs: {b: {max_failed: 2}}\n", "prod.yaml")
        graph = load(self.TEXT, overlay="prod.yaml")
        assert (graph.root, graph.jobs["b"].max_failed) == ("/else", 2)

    def test_an_overlay_may_be_a_file_by_path(self, load, tmp_path_factory):
        path = tmp_path_factory.mktemp("conf") / "prod.yml"
        path.write_text("root: /else")
        assert load(self.TEXT, overlay=str(path)).root == "/else"

    def test_faults_of_an_overlay_stand_at_their_own_file_and_line(self, write):
        path = write(self.TEXT)
        over = write("root: /else\n\njobs: {b: {max_failed: -2, tem: x}}\nextra: 1\n", "prod.yaml")
        with pytest.raises(RegistryError) as error:
            load_registry(path, overlay="prod.yaml")
        assert [(f.file, f.line) for f in error.value.faults] == [(over, 3), (over, 3), (over, 4)]
        assert "did you mean 'team'?" in str(error.value)

    def test_an_unknown_overlay_is_a_fault_with_the_nearest(self, faults):
        assert faults(self.TEXT, overlay="prd") == ["8: overlay 'prd' is not known; did you mean 'prod'?"]

    def test_an_unknown_key_of_an_overlay_is_a_fault_though_it_is_not_used(self, faults):
        text = self.TEXT + "  dev: {rot: /x}\n"
        assert faults(text) == ["14: overlay 'dev': key 'rot' is not known; did you mean 'root'?"]

    def test_a_missing_overlay_file_is_a_fault(self, write):
        with pytest.raises(RegistryError, match=r"none\.yaml: cannot be read: No such file"):
            load_registry(write(self.TEXT), overlay="none.yaml")


def test_loading_imports_no_step_and_nothing_heavy():
    code = (
        "import sys; from airflow_media_provider.registry import load_registry; "
        f"load_registry({str(REFERENCE)!r}); "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('numpy', 'pyarrow', 'apache_beam', 'librosa', 'airflow') or m.startswith('beam_jobs.steps')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
