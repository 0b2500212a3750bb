"""What only the steps can tell of a registry, and that no fault hides another."""

# ruff: noqa: E501 - a table reads best with one case a line
from __future__ import annotations

import sys
from pathlib import Path

import pytest

from airflow_media_provider.registry.validate import validate_registry

from .conftest import HEAD

AUDIO = "(.aac, .aif, .aiff, .au, .caf, .flac, .m4a, .mka, .mp3, .mp4, .oga, .ogg, .opus, .wav, .webm, .wma)"
DOWN = "  down: {step: downsample, needs: [source]}\n"
CUT = "  cut: {step: 'tests.splitting_steps:cut_words', needs: [source], output: '{root}/{job}/{item}{suffix}'}\n"
SHOUT = "  shout: {step: 'tests.splitting_steps:shout', needs: [cut]}\n"
AMONG = "among the source's files /data/songs/{item}.ogg, where artifacts would be taken for items; choose another folder or suffix"

ASK = "  ask: {step: run_model, needs: [source], params: {model: /m.onnx, kind: audio}}\n"

ONE_FAULT = {
    "a misspelt step": ("  a: {step: loudnes, needs: [source]}", "5: job 'a': step 'loudnes' is not a built-in step; did you mean 'loudness'? A step of your own is 'package.module:name'"),
    "a step's package that is not there": ("  a: {step: 'no_such_team.steps:x', needs: [source]}", "5: job 'a': step 'no_such_team.steps:x': cannot import 'no_such_team.steps' (No module named 'no_such_team'); install the package that holds it where this runs"),
    "a step that is none": ("  a: {step: 'json:dumps', needs: [source]}", "5: job 'a': step 'json:dumps': module 'json' holds a function there; name a function decorated with @beam_jobs.contract.step.step"),
    "a step that its module lacks": ("  a: {step: 'beam_jobs.steps.loudness:loud', needs: [source]}", "5: job 'a': step 'beam_jobs.steps.loudness:loud': module 'beam_jobs.steps.loudness' has no such name; name a function decorated with @beam_jobs.contract.step.step"),
    "a misspelt param": ("  a:\n    step: downsample\n    needs: [source]\n    params:\n      channels: 1\n      sample_rat: 8000", "10: job 'a': step 'downsample': parameter 'sample_rat' is not known; did you mean 'sample_rate'?"),
    "a param with a value out of range": ("  a: {step: downsample, needs: [source], params: {channels: 7}}", "5: job 'a': params.channels: input should be 1 or 2, not 7"),
    "params that do not go together": ("  a: {step: run_model, needs: [source], params: {model: /m.onnx, kind: audio, hop: 20000}}", "5: job 'a': params: hop 20000 leaves parts out: give at most frame, 16000"),
    "a param that is missing": ("  a: {step: run_model, needs: [source], params: {kind: audio}}", "5: job 'a': params.model: field required"),
    "a model in a fused group": (ASK + "  loud: {step: loudness, needs: [source]}\ngroups:\n  all: {jobs: [ask, loud], fuse: true}", "8: group 'all': the step of 'ask' runs a model and cannot be fused; take it out of the group"),
    "an input that no need makes": ("  loud: {step: loudness, needs: [source]}\n  b:\n    step: beat_tracking\n    needs: [loud]", f"8: job 'b': step 'beat_tracking' takes input 'audio' {AUDIO}, which no need makes; it needs: loud (.json)"),
    "an input left out": (DOWN + "  e: {step: energy, needs: [down]}", "6: job 'e': step 'energy' takes input 'beats' (.json), which no need makes; it needs: down (.flac)"),
    "a need too many": (DOWN + "  a: {step: loudness, needs: [source, down]}", "6: job 'a': needs down, which step 'loudness' does not take; it takes: audio"),
    "a named input that the step lacks": ("  a: {step: loudness, needs: {audio: source, song: source}}", "5: job 'a': step 'loudness' has no input 'song'; it takes: audio"),
    "two jobs that write to one place": ("  a: {step: loudness, needs: [source], output: '{root}/x/{item}.json'}\n  b: {step: loudness, needs: [source], output: '{root}/x/{item}{suffix}'}", "6: job 'b': writes to the same addresses as 'a': /data/artifacts/x/{item}.json; put {job} into it"),
    "one place, written with and without its scheme": ("  a: {step: loudness, needs: [source], output: '/x/{item}.json'}\n  b: {step: loudness, needs: [source], output: 'file:///x/{item}.json'}", "6: job 'b': writes to the same addresses as 'a': file:///x/{item}.json; put {job} into it"),
    "artifacts upon the songs": ("  a: {step: downsample, needs: [source], params: {format: ogg}, output: '/data/songs/{item}.ogg'}", f"5: job 'a': writes /data/songs/{{item}}.ogg {AMONG}"),
    "artifacts in a folder of the songs": ("  a: {step: downsample, needs: [source], params: {format: ogg}, output: '/data/songs/small/{item}{suffix}'}", f"5: job 'a': writes /data/songs/small/{{item}}.ogg {AMONG}"),
    "children of two splits": (CUT + CUT.replace("cut:", "cut2:") + SHOUT + "  p: {step: 'tests.splitting_steps:pair', needs: {word: cut2, shout: shout}}", "8: job 'p': works on children of two jobs, those of 'cut2' (by 'cut2') and those of 'cut' (by 'shout'); nothing says which belong together, so make one job for each"),
    "children that are split again": (CUT + "  a: {step: 'tests.splitting_steps:cut_again', needs: [cut]}", "6: job 'a': step 'cut_again' splits items, and 'cut' gives it the children that 'cut' made; items are split once, so let it need what comes before 'cut'"),
    "a split of which an input takes nothing": (CUT + "  a: {step: loudness, needs: [cut]}", f"6: job 'a': step 'loudness' takes input 'audio' {AUDIO}, which no need makes; it needs: cut (.word and .json)"),
    "a job that writes where another puts children": (CUT.replace("{job}", "x") + "  t: {step: 'tests.splitting_steps:shout', needs: [cut], output: '{root}/x/{item}.word'}", "6: job 't': writes to the same addresses as 'cut': /data/artifacts/x/{item}.word; put {job} into it"),
    "an output without an item": ("  a: {step: loudness, needs: [source], output: '{root}/x.json'}", "5: job 'a': output: template '{root}/x.json': must hold {item} exactly once"),
    "an output among the runs": ("  a: {step: loudness, needs: [source], output: '{root}/_runs/{item}.json'}", "5: job 'a': output: '{root}/_runs/{item}.json' lies in {root}/_runs, where runs are kept; choose another folder"),
}  # fmt: skip


@pytest.fixture
def told(write):
    """Return the faults of a registry's jobs as ``line: message``."""

    def told(jobs: str, **options: str) -> list[str]:
        path = write(f"{HEAD}jobs:\n{jobs}\n")
        faults = validate_registry(path, **options)
        assert {fault.file for fault in faults} <= {path}
        return [f"{fault.line}: {fault.message}" for fault in faults]

    return told


@pytest.mark.parametrize("what", ONE_FAULT)
def test_a_fault_is_told_once_with_its_line(told, what):
    jobs, fault = ONE_FAULT[what]
    assert told(jobs) == [fault]


@pytest.mark.parametrize("name", ["media_jobs.yaml", "images.yaml", "video.yaml"])
def test_the_example_graphs_have_no_fault(name):
    dags = Path(__file__).resolve().parents[3] / "dags"
    assert validate_registry(dags / name) == []


def test_artifacts_beside_the_songs_are_no_fault_when_they_end_differently(told):
    assert told("  a: {step: loudness, needs: [source], output: '/data/songs/{item}.json'}") == []


def test_no_fault_hides_another(told):
    found = told(
        """\
  downsampel: {step: downsampel, needs: [source]}
  down: {step: downsample, needs: [source], params: {sample_rat: 1, channels: 9}}
  energy: {step: energy, needs: [down]}
  x: {step: plots, needs: [y]}
  y: {step: plots, needs: [x]}
  left: {step: loudness, needs: [source, down], parms: {}}
  far: {step: plots, needs: [dwn]}
  loud: {step: loudness, needs: [source], output: "{root}/l.json", max_failed: -1}
  own: {step: "no_such_team.steps:x", needs: [source]}"""
    )
    assert [fault.partition(":")[0] for fault in found] == [
        "5",
        "6",
        "6",
        "7",
        "8",
        "10",
        "10",
        "11",
        "12",
        "12",
        "13",
    ]


LINES = (
    "version: 1",
    "root: ${NO_SUCH_ROOT:-/data/artifacts}",
    'source: {uri: "${NO_SUCH_SONGS:-file:///data/songs}/{item}.ogg"}',
    "jobs:",
    "  down: {step: downsample, needs: [source], team: b}",
    "  loud: {step: loudness, needs: [source]}",
)

BESIDE_VARIABLES = {
    "a misspelt key": (
        5,
        LINES[4].replace("team", "teem"),
        "job 'down': key 'teem' is not known; did you mean 'team'?",
    ),
    "a misspelt step": (
        5,
        LINES[4].replace("downsample", "downsampel"),
        "step 'downsampel' is not a built-in step",
    ),
    "an unknown need": (6, LINES[5].replace("source", "dwn"), "needs 'dwn'"),
    "a bad job name": (6, LINES[5].replace("loud:", "lo-ud:"), "job 'lo-ud': use letters, digits and '_'"),
    "an unset variable in the root": (2, "root: ${NO_SUCH_ROOT}/x", "the environment has no NO_SUCH_ROOT"),
    "an unset variable in the source": (
        3,
        'source: {uri: "${NO_SUCH_SONGS}/{item}.ogg"}',
        "the environment has no NO_SUCH_SONGS",
    ),
    "a source without its item": (
        3,
        'source: {uri: "${NO_SUCH_SONGS:-/songs}/a.ogg"}',
        "must hold {item} exactly once",
    ),
    "a source that is no text": (3, "source: {uri: 7}", "source.uri"),
    "a topic by its short name": (
        6,
        LINES[5] + "\nuploads: {subscription: projects/p/subscriptions/s, topic: nope}",
        "'nope' is no full name",
    ),
}


@pytest.mark.parametrize("what", BESIDE_VARIABLES)
def test_a_fault_is_told_with_its_line_beside_variables(write, what):
    at, line, message = BESIDE_VARIABLES[what]
    path = write("\n".join([*LINES[: at - 1], line, *LINES[at:]]))
    found = validate_registry(path)
    assert any(message in fault.message for fault in found), found
    assert all(fault.file == path and fault.line >= at for fault in found)
    assert len(found) <= 2  # a variable that is not set is told, and maybe what it leaves behind


def test_what_the_source_ends_with_is_known_beside_a_fault(write):
    jobs = "  down: {step: downsample, needs: [source], teem: b}\n  cut: {step: thumbnail, needs: [source]}\n"
    head = HEAD.replace("/data/songs", "${NO_SUCH_SONGS:-/data/songs}")
    found = [fault.message for fault in validate_registry(write(f"{head}jobs:\n{jobs}"))]
    assert len(found) == 2
    assert "key 'teem'" in found[0]
    assert "it needs: source (.ogg)" in found[1]


def test_a_wrong_value_does_not_make_a_clash_out_of_what_it_would_be(told):
    found = told(
        "  a: {step: downsample, needs: [source], params: {format: mp9}, output: '{root}/x/{item}{suffix}'}\n"
        "  b: {step: downsample, needs: [source], output: '{root}/x/{item}{suffix}'}"
    )
    assert len(found) == 1
    assert "params.format" in found[0]


def test_an_overlay_is_checked_with_its_own_lines(write):
    path = write(f"{HEAD}jobs:\n{DOWN}")
    over = write("jobs:\n  down:\n    params: {chanels: 2}\n", name="test.yaml")
    assert validate_registry(path) == []
    (fault,) = validate_registry(path, overlay=over)
    assert (fault.file, fault.line) == (over, 3)


def test_a_file_that_is_not_there_is_one_fault(tmp_path):
    (fault,) = validate_registry(tmp_path / "nope.yaml")
    assert str(fault).endswith("nope.yaml: cannot be read: No such file or directory")


def test_a_registry_in_python_is_checked_at_the_line_of_its_call(tmp_path, monkeypatch):
    (tmp_path / "registry_made_in_python.py").write_text(
        "from airflow_media_provider.registry import media_registry\n\n"
        "G = media_registry(root='/a', source='/s/{item}.ogg',\n"
        "    jobs={'x': {'step': 'loudnes', 'needs': ['source']}})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "registry_made_in_python", raising=False)
    (fault,) = validate_registry("registry_made_in_python:G")
    assert fault.file.endswith("registry_made_in_python.py")
    assert fault.line == 3
    assert "did you mean 'loudness'?" in fault.message
