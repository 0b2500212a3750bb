"""Steps are found by name or dotted path, and say what they take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from beam_jobs.contract.errors import InvalidSpec, StepNotFound
from beam_jobs.contract.launch import LaunchSpec, decode_spec
from beam_jobs.contract.step import AUDIO, StepInput, builtin_steps, load_step

SPEC = LaunchSpec(
    run_id="r", job="j", step="downsample", params={}, manifest="/m", total=0,
    inputs={"audio": "/in/{item}"}, output="/out/{item}", report="/report",
)  # fmt: skip

WITHOUT_DEFAULT = {"run_model": {"model": "/any.onnx", "kind": "audio"}}


def test_every_built_in_step_can_be_found_and_has_its_defaults() -> None:
    names = builtin_steps()
    assert {"downsample", "loudness", "beat_tracking", "energy", "spectral", "plots"} <= set(names)
    for name in names:
        step = load_step(name)
        assert step.name == name
        assert step.suffix(step.parse_params(WITHOUT_DEFAULT.get(name, {}))).startswith(".")
        assert step.doc


def test_the_facts_of_the_steps_load_no_codec() -> None:
    heavy = {
        "numpy", "scipy", "librosa", "numba", "soundfile", "soxr", "av", "PIL", "apache_beam", "matplotlib",
        "pyarrow", "onnxruntime",
    }  # fmt: skip
    code = (
        "import sys\nfrom beam_jobs.contract.step import builtin_steps, load_step\n"
        "for name in builtin_steps():\n"
        f"    load_step(name)\n    loaded = {heavy} & set(sys.modules)\n"
        "    assert not loaded, (name, loaded)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("downsampel", "did you mean 'downsample'"),
        ("zzz", "built-in steps: beat_tracking"),
        ("no/such", "not a built-in step"),
        ("nowhere.at_all:x", "cannot import 'nowhere.at_all'"),
        ("json:nothing", "has no such name"),
        ("json:loads", "holds a function there"),
    ],
)
def test_a_step_that_is_not_there_says_what_would_be(reference: str, words: str) -> None:
    with pytest.raises(StepNotFound) as caught:
        load_step(reference)
    assert words in str(caught.value)


def test_a_module_that_breaks_on_import_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_steps.py").write_text("1 / 0")
    (tmp_path / "needy_steps.py").write_text("import not_installed_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StepNotFound, match="raised ZeroDivisionError"):
        load_step("broken_steps:x")
    with pytest.raises(StepNotFound, match="not_installed_at_all"):
        load_step("needy_steps:x")


def test_unknown_parameters_are_errors() -> None:
    with pytest.raises(ValidationError, match="sample_rat"):
        load_step("downsample").parse_params({"sample_rat": 1})


def test_an_input_takes_its_suffixes_and_what_has_none() -> None:
    assert AUDIO.accepts(".FLAC")
    assert AUDIO.accepts("")
    assert not AUDIO.accepts(".json")
    assert StepInput(name="any").accepts(".json")


def test_a_launch_spec_comes_back_from_its_json() -> None:
    assert decode_spec(SPEC.model_dump_json(), where="here") == SPEC


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "launch spec here: : Invalid JSON"),
        ("{}", "run_id: Field required"),
        ('{"typo": 1}', "typo: Extra"),
    ],
)
def test_a_launch_spec_that_cannot_be_read_names_its_faults(text: str, words: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        decode_spec(text, where="here")
    assert words in str(caught.value)
